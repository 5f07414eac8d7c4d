"""Built-in networks: one file a family, each citing its paper."""
