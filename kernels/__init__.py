"""How each op runs on each kind of device."""
