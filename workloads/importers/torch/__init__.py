"""PyTorch modules to networks: `exporting` traces, `constants` are followed, `handlers` build operations."""
