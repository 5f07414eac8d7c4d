"""Readers of other formats; only modules of this package import onnx and torch, and only when used."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from workloads.network import Network


def from_onnx(
    path: str | PathLike[str],
    *,
    dims: Mapping[str, int] | None = None,
    batch: int | None = None,
    unknown: str = "refuse",
    caches: str = "append",
    calibration: Any = None,
    inputs: Mapping[str, Any] | None = None,
    weights: str | None = None,
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
        inputs and outputs once; the summary marks them. Control flow that depends on data is refused always;
        of an If whose condition follows from shapes and constants the branch taken is read.
    calibration
        Inputs to measure activations' zeros on, with ONNX Runtime (extra `onnxruntime`): an array, a tuple of
        arrays in the order of the model's inputs, or a mapping of arrays by input, of any number of samples;
        or an iterable (a data loader) of such batches, whose further members (labels) are left out. None
        measures nothing.
    caches
        What joining or writing new keys and values into a cache (an input of the network, or a tensor of the
        module) costs: "append" leaves what is there where it is and writes what is new, "copy" moves all of
        it, as eager PyTorch and ONNX Runtime do.
    inputs
        Values of inputs, by name, that are known beforehand: a sampling rate that an If asks for, positions.
        They become constants.
    weights
        What weights are that came without their values: "dense", or "random" where their values are computed
        with (normal, the same each time). The network's `source` says how many there are. By default they are
        dense, but an external file that is missing is refused.

    Returns
    -------
    Network
        Every node of the model that its outputs depend on, but for those that cost nothing at inference
        (Identity, Dropout) or are computed from constants (shape arithmetic). Weights keep their zeros as
        bit-packed masks; a shared initialiser is one weight. Floating-point tensors take the width of the
        datapath, integer ones keep theirs. Measured densities are means over samples with their spread and
        one number a channel beside them; in quantised tensors zero is the zero point.

    Raises
    ------
    NetworkImportError
        If the file is missing, truncated or no ONNX model, an external file is missing or outside the model's
        folder, a dynamic dimension has no value, operators are unknown (all are named), a node does not fit
        its tensors, ONNX Runtime is wanted and not installed, or calibration inputs do not fit. One line.

    """
    from workloads.importers.onnx.reader import read

    return read(
        path,
        dims=dims or {},
        batch=batch,
        unknown=unknown,
        caches=caches,
        calibration=calibration,
        inputs=inputs,
        weights=weights,
    )


def from_torch(
    module: Any,
    example_inputs: Any,
    *,
    name: str | None = None,
    calibration: Any = None,
    batch: int | None = None,
    batch_axis: "int | Sequence[int | None] | Literal['first'] | None" = "first",
    unknown: str = "refuse",
    caches: str = "append",
) -> "Network":
    """Read a PyTorch module, as it is at inference.

    Parameters
    ----------
    module
        A torch.nn.Module, traced by `torch.export` in evaluation mode and left as it was.
    example_inputs
        A tensor, a tuple of arguments, or a mapping of arguments by name. Only shapes and types matter.
    name
        Name of the network; by default the module's class.
    calibration
        Inputs to measure activations' zeros on: a batch like `example_inputs` but with any number of samples,
        or an iterable (a data loader) of such batches, whose further members (labels) are left out. None
        measures nothing.
    batch
        Samples in a run; by default those of `example_inputs`, which are repeated or cut to it.
    batch_axis
        The axis of inputs that is the batch, 1 for modules that take sequences first; None if they have none;
        or one of these a tensor, in their order. By default the first; `batch` is then refused for a module
        whose parts take sequences first.
    unknown
        What to do with operators nobody here knows: "refuse", or "movement" to cost them as moving their
        inputs and outputs once; the summary marks them. Control flow is refused always.
    caches
        What joining or writing new keys and values into a cache (an input of the network, or a tensor of the
        module) costs: "append" leaves what is there where it is and writes what is new, "copy" moves all of
        it, as eager PyTorch and ONNX Runtime do.

    Returns
    -------
    Network
        Every call its outputs depend on, called by the modules it comes from ("layer1.0.conv1"). Weights are
        called as in the module's state_dict and keep their zeros as bit-packed masks: what is computed of
        parameters alone is computed (pruning masks, parametrisations), compressed parameters (2:4, sparse
        layouts) are read dense, tied ones are one weight. Floating-point tensors take the width of the
        datapath, integers keep theirs. Measured densities are means over samples with one number a channel
        beside them.

    Raises
    ------
    NetworkImportError
        If PyTorch is not installed, the module cannot be traced, operators are unknown (all are named, with
        their modules), a weight holds NaN, or calibration inputs do not fit. One line.

    """
    from workloads.importers.torch.reader import read

    return read(
        module,
        example_inputs,
        name=name,
        calibration=calibration,
        batch=batch,
        batch_axis=batch_axis,
        unknown=unknown,
        caches=caches,
    )
