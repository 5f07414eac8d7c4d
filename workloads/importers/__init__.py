"""Readers of other formats; only modules of this package import onnx and torch, and only when used."""

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import TYPE_CHECKING, Any, Literal

from workloads.errors import NetworkImportError
from workloads.file_kinds import file_kind
from workloads.grammar.arguments import MAPPING, PATH, TEXT, WHOLE, takes
from workloads.importers import maestro, scalesim, zigzag

if TYPE_CHECKING:
    from workloads.network import Network


@takes(
    path=PATH,
    dims=MAPPING.or_none(),
    batch=WHOLE.or_none(),
    unknown=TEXT,
    inputs=MAPPING.or_none(),
    batch_axis=WHOLE.or_none(),
)
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
    batch_axis: int | None = None,
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
    batch_axis
        The axis of inputs that is the batch, for sequence-first models, 1. By default the one that the model
        calls so (see `batch`), else the first.

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
        batch_axis=batch_axis,
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
        A torch.nn.Module, traced by `torch.export` in evaluation mode and left as it was; or a program that
        `torch.export` made.
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


@takes(path=PATH)
def from_scalesim(path: str | PathLike[str]) -> "Network":
    """Read a SCALE-Sim topology: a CSV file of convolutions, or of matrix products.

    Parameters
    ----------
    path
        A file whose first line names its columns: "Layer name, IFMAP Height, IFMAP Width, Filter Height,
        Filter Width, Channels, Num Filter, Strides", or "Layer, M, N, K"; either with a column "Sparsity" of
        ratios N:M (v3), the first with "Batch Size" or a second stride.

    Returns
    -------
    Network
        One operation a line, each with an input of its own: the files say nothing of what feeds what, and
        hold no padding, activation or pooling. A layer with "DP" in its name is depthwise, as SCALE-Sim has
        it. Weights of a ratio keep N of every M along what a filter sums, in places drawn at random.

    Raises
    ------
    NetworkImportError
        If the file is none, or a number in it makes no sense; one line with the line and the column.

    Notes
    -----
    An axis has ceil((size - filter) / stride) + 1 positions, SCALE-Sim's rule: where the last reaches beyond
    the ifmap, its multiply-accumulates count.

    """
    return scalesim.read(path)


@takes(path=PATH)
def from_zigzag(path: str | PathLike[str]) -> "Network":
    """Read a ZigZag workload: a YAML list of layers with their equations and loops.

    Parameters
    ----------
    path
        A file whose layers have `equation`, `loop_dims`, `loop_sizes`, and `dimension_relations` of stride
        and dilation.

    Returns
    -------
    Network
        One operation a layer, fed by the layers that `operand_source` names: a convolution with any groups, a
        matrix product with a constant or of two activations, a pool or a sum. What a layer's windows reach
        over beyond its source is padding; a layer that its source does not fit reads an input of its own.
        Widths are those of `operand_precision`.

    Raises
    ------
    NetworkImportError
        If the file is none, or a layer's loops are none of those; one line with the layer and the key.

    """
    return zigzag.read(path)


@takes(path=PATH)
def from_maestro(path: str | PathLike[str]) -> "Network":
    """Read a MAESTRO network (.m): layers with their types, strides and dimensions.

    Parameters
    ----------
    path
        A model, or a mapping: dataflows beside the layers are read over.

    Returns
    -------
    Network
        One operation a layer (CONV, DSCONV, NGCONV, TRCONV, FC, GEMM), each with an input of its own, whose
        size includes any padding, as the file has it.

    Raises
    ------
    NetworkImportError
        If the file is none, or a layer lacks a dimension; one line with the line and the layer.

    """
    return maestro.read(path)


@takes(path=PATH, dims=MAPPING.or_none(), batch=WHOLE.or_none(), unknown=TEXT)
def from_file(
    path: str | PathLike[str],
    *,
    dims: Mapping[str, int] | None = None,
    batch: int | None = None,
    unknown: str = "refuse",
    inputs: Mapping[str, Any] | None = None,
    weights: str | None = None,
    caches: str = "append",
    batch_axis: int | None = None,
) -> "Network":
    """Read a network from a file of any format known here, told by its content.

    Parameters
    ----------
    path
        An ONNX model, a SCALE-Sim topology, a ZigZag workload or a MAESTRO network.
    dims, batch, unknown, inputs, weights, caches, batch_axis
        For an ONNX model, see `from_onnx`.

    Raises
    ------
    NetworkImportError
        If it is a file of another kind, which the message names, or as the readers raise.

    """
    readers = {
        "scalesim_topology": from_scalesim,
        "zigzag_workload": from_zigzag,
        "maestro_network": from_maestro,
    }
    found = file_kind(path)
    if found is not None and found.name in readers:
        told = {"dims": dims, "batch": batch, "inputs": inputs, "weights": weights, "batch_axis": batch_axis}
        told["caches"] = None if caches == "append" else caches
        said = [name for name, value in told.items() if value not in (None, {})]
        if said:
            raise NetworkImportError(
                f"{fspath(path)}: looks like {found.what}, whose sizes are fixed: {said[0]} is for ONNX"
            )
        return readers[found.name](path)
    if found is not None and found.name != "onnx":
        raise NetworkImportError(
            f"{fspath(path)}: looks like {found.what}, which is no network; {found.reader}"
        )
    return from_onnx(
        path,
        dims=dims,
        batch=batch,
        unknown=unknown,
        inputs=inputs,
        weights=weights,
        caches=caches,
        batch_axis=batch_axis,
    )
