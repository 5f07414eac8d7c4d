"""Readers of other formats; only modules of this package import onnx and torch, and only when used."""

from collections.abc import Mapping
from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from workloads.network import Network


def from_onnx(
    path: str | PathLike[str],
    *,
    dims: Mapping[str, int] | None = None,
    batch: int | None = None,
    unknown: str = "refuse",
) -> "Network":
    """Read an ONNX file.

    Parameters
    ----------
    path
        The file. Weights in external files beside it are read too.
    dims
        Values for dynamic dimensions, by the name the model gives them, or "<input>.<axis>" where it gives
        none.
    batch
        Value for dynamic batch dimensions that `dims` does not name: those called "batch...", "n" or "bs",
        else the first. A model whose batch is fixed keeps it; ask `Network.table` for another.
    unknown
        What to do with operators nobody here knows: "refuse", or "movement" to cost them as moving their
        inputs and outputs once; the summary marks them. Control flow is refused always.

    Returns
    -------
    Network
        Every node of the model that its outputs depend on, but for those that cost nothing at inference
        (Identity, Dropout) or are computed from constants (shape arithmetic). Weights keep their zeros as
        bit-packed masks; a shared initialiser is one weight. Floating-point tensors take the width of the
        datapath, integer ones keep theirs.

    Raises
    ------
    NetworkImportError
        If the file is missing, truncated or no ONNX model, an external file is missing or outside the model's
        folder, a dynamic dimension has no value, operators are unknown (all are named), or a node does not
        fit its tensors. One line.

    """
    from workloads.importers.onnx.reader import read

    return read(path, dims=dims or {}, batch=batch, unknown=unknown)
