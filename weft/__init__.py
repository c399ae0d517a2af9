"""Build graphs of tensor operations and run them across the devices of a Ray cluster."""
