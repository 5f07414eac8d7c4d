"""The four mask pairs of a pruned MobileNet-0.5 that the Sparseloop artifact publishes, and their cycles.

Source: Accelergy-Project/micro22-sparseloop-artifact, Eyeriss-V2 PE: masks (weights as (out, in),
activations as (row, column, channel)) and ground-truth cycles.
"""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

REFERENCE = Path(__file__).parents[3] / "shared" / "reference" / "data"
CYCLES = {"L07": 1_702_140, "L09": 1_499_682, "L13": 1_144_158, "L19": 1_457_458}
WEIGHTS = {"L07": (64, 64), "L09": (128, 64), "L13": (256, 128), "L19": (256, 256)}


def reference(name: str) -> Path:
    """Path of a reference file; the test is skipped where the reference data is not at hand."""
    path = REFERENCE / name
    if not path.exists():
        pytest.skip(f"reference data {name} is not here")
    return path


def pair(layer: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Weights (filters, channels) and activations (positions, channels) of one layer."""
    masks = [
        np.frombuffer(reference(f"mobilenet05_masks/{layer}_{operand}.txt").read_bytes().strip(), np.uint8)
        == ord("1")
        for operand in ("weights", "iacts")
    ]
    shape = WEIGHTS[layer]
    return masks[0].reshape(shape), masks[1].reshape(-1, shape[1])
