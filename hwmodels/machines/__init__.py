"""Published and reference machines, one file each; `hwmodels.load` finds them by name."""
