"""What the parts of an accelerator cost: energy, area, leakage and time, each figure with its source."""
