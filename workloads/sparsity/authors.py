"""What the authors of schemes that need PyTorch use where nothing is said."""

from typing import Final

SYNFLOW_ITERATIONS: Final = 100
"""Steps of SynFlow, in the paper and in its code."""

GRASP_TEMPERATURE: Final = 200.0
"""What GraSP's code divides outputs by before the loss."""
