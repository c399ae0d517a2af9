"""Who runs it: devices, device actors, rendezvous, transports, sessions, cluster start-up."""
