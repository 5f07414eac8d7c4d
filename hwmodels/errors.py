"""What is wrong with a machine or a request; the classes of all three packages are one family."""

from workloads.errors import InputError, SpringboardError, shown

__all__ = ["InputError", "SpringboardError", "shown"]
