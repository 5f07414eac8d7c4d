"""Zeros of activations, measured by ONNX Runtime on calibration inputs: every tensor becomes an output."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import onnx

from workloads.errors import NetworkImportError, shown
from workloads.importers.measured import Tally, with_measured
from workloads.importers.onnx.builder import Builder
from workloads.importers.onnx.constants import Array
from workloads.importers.onnx.files import first_line
from workloads.network import Network
from workloads.tensors import Tensor

Feed = dict[str, Array]

_ZERO_POINTS = {
    "QuantizeLinear": 2,
    "QGemm": 8,
    "QLinearAdd": 7,
    "QLinearAveragePool": 4,
    "QLinearConcat": 1,
    "QLinearConv": 7,
    "QLinearGlobalAveragePool": 4,
    "QLinearLeakyRelu": 4,
    "QLinearMatMul": 7,
    "QLinearMul": 7,
    "QLinearSigmoid": 4,
    "QLinearSoftmax": 4,
}
"""Which input of an operator is the zero point of its integers."""
_KEEPS_ZERO_POINT = frozenset(
    (
        *("Identity", "MaxPool", "GlobalMaxPool", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"),
        *("Concat", "Slice", "Split", "Gather", "Expand", "Tile", "DepthToSpace", "SpaceToDepth"),
    )
)
"""Operators whose integers mean what those of their first input mean."""


class Watched(NamedTuple):
    """A tensor of the model that tells the zeros of one of the network's."""

    tensor: str  # the network's
    source: str  # the model's
    zero: str  # the model's tensor, constant or not, that holds its zero point; "" where zero is 0


def calibrated(
    network: Network, builder: Builder, model: Any, nodes: list[Any], folder: Path, given: Any
) -> Network:
    """Return a network with measured densities of its activations, floating-point and quantised ones.

    Parameters
    ----------
    network
        The network.
    builder
        What its tensors are called in the model, and the model's constants.
    model
        The model, its functions written out; changed to give away what is counted.
    nodes
        The nodes its outputs depend on.
    folder
        Where its external data lie.
    given
        Calibration inputs, see `workloads.from_onnx`.

    Notes
    -----
    Runs are of as many samples as the network is described for, the last filled up with the first ones again,
    which are not counted.

    """
    types = {value.name: value.type.tensor_type.elem_type for value in model.graph.input}
    inputs = {tensor.name: tensor for tensor in network.graph.inputs() if tensor.name in types}
    watched = _watched(network, builder, nodes, set(inputs))
    _give_away(model, nodes, watched, builder)
    session = _session(model, folder)
    tallies: dict[str, Tally] = {}
    total = 0
    for feed in _feeds(given, inputs, types):
        rows = _samples(feed, inputs)
        for start in range(0, rows, network.batch):
            places = [(start + i) % rows for i in range(network.batch)]
            new = min(network.batch, rows - start)
            _run(session, _picked(feed, inputs, places), network, watched, builder, tallies, new)
            total += new
    if not total:
        raise NetworkImportError("calibration holds no sample")
    return with_measured(network, tallies.values())


def _watched(network: Network, builder: Builder, nodes: list[Any], made: set[str]) -> list[Watched]:
    """Choose for each tensor of the network a tensor of the model: the last one called so, which is decoded.

    A quantised tensor and what it stands for are one tensor of the network; the latter's zeros are zeros.
    """
    zeros: dict[str, str] = {}
    for node in nodes:
        made.update(name for name in node.output if name)
        place = _ZERO_POINTS.get(node.op_type)
        if node.op_type == "DynamicQuantizeLinear":
            zeros[node.output[0]] = node.output[2]
        elif place is not None and place < len(node.input):
            zeros[node.output[0]] = node.input[place]
        elif node.op_type in _KEEPS_ZERO_POINT and node.input and node.input[0] in zeros:
            zeros.update(dict.fromkeys(node.output, zeros[node.input[0]]))
    chosen = {
        tensor: Watched(tensor, name, zeros.get(name, ""))
        for name, tensor in builder.tensors.items()
        if name in made and len(network.graph.tensors[tensor].shape) > 1
    }
    return list(chosen.values())


def _give_away(model: Any, nodes: list[Any], watched: list[Watched], builder: Builder) -> None:
    """Make every watched tensor an output, and leave out what no output of the model depends on."""
    graph = model.graph
    given = [value for value in graph.input if value.name in builder.tensors]
    wanted = [name for w in watched for name in (w.source, w.zero) if name and name not in builder.constants]
    names = {value.name for value in given}
    outputs = [onnx.ValueInfoProto(name=name) for name in dict.fromkeys(wanted) if name not in names]
    for field, kept in ((graph.node, nodes), (graph.input, given), (graph.output, outputs)):
        kept = list(kept)
        del field[:]
        field.extend(kept)


def _session(model: Any, folder: Path) -> Any:
    """Open a model in ONNX Runtime, its operators as they are."""
    try:
        import onnxruntime
    except ImportError as error:
        raise NetworkImportError(
            "calibration of an ONNX model needs ONNX Runtime, which is not installed: "
            "pip install 'springboard[onnxruntime]'"
        ) from error
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(folder))
    providers = ["CPUExecutionProvider"]
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=providers)
    except Exception as error:  # the C++ side raises exceptions of its own
        raise NetworkImportError(
            f"calibration: ONNX Runtime refuses the model: {first_line(error)}"
        ) from error


def _run(
    session: Any,
    feed: Feed,
    network: Network,
    watched: list[Watched],
    builder: Builder,
    tallies: dict[str, Tally],
    new: int,
) -> None:
    """Run the model once, and count the non-zeros of every watched tensor."""
    names = [output.name for output in session.get_outputs()]
    known = {value.name for value in session.get_inputs()}
    try:
        results = session.run(names, {name: value for name, value in feed.items() if name in known})
    except Exception as error:  # the model's own operators run: anything can come out of them
        raise NetworkImportError(f"calibration fails: {first_line(error)}") from error
    values: Feed = {**feed, **dict(zip(names, results, strict=True))}
    for tensor, source, zero in watched:
        value = values[source]
        if not zero and value.dtype.kind in "iubOSU":
            continue  # positions, conditions, texts: no activations
        if value.shape != network.graph.tensors[tensor].shape:
            raise NetworkImportError(
                f"calibration: {shown(source)} has shape {value.shape}, it is understood to have "
                f"{network.graph.tensors[tensor].shape}"
            )
        if tensor not in tallies:
            tallies[tensor] = Tally.of(network, tensor, network.batch)
        tally = tallies[tensor]
        point = np.zeros((), value.dtype)
        if zero:
            point = values[zero] if zero in values else builder.constants[zero].array()
        differs = value != (point.reshape(()) if point.size == 1 else point)
        tally.add(np.count_nonzero(differs[..., None], axis=(*tally.others, value.ndim)), new)


def _feeds(given: Any, inputs: Mapping[str, Tensor], types: Mapping[str, int]) -> Iterator[Feed]:
    """Yield calibration inputs, batch by batch, by the names of the network's inputs."""
    if isinstance(given, Mapping | tuple) or hasattr(given, "__array__"):
        batches: Iterable[Any] = [given]
    elif isinstance(given, Iterable) and not isinstance(given, str | bytes):
        batches = given
    else:
        raise NetworkImportError(
            f"calibration must be inputs or an iterable of them, got {type(given).__name__}"
        )
    for batch in batches:
        yield _feed(batch, inputs, types)


def _feed(batch: Any, inputs: Mapping[str, Tensor], types: Mapping[str, int]) -> Feed:
    """Return one batch by the inputs' names: an array, several in the inputs' order, or a mapping."""
    if isinstance(batch, Mapping):
        given = dict(batch)
    else:
        members = batch if isinstance(batch, tuple | list) else (batch,)
        given = dict(zip(inputs, members, strict=False))  # further members (labels) are left out
    missing = [name for name in inputs if name not in given]
    if missing:
        raise NetworkImportError(f"calibration: no values for input {shown(missing[0])}")
    feed: Feed = {}
    for name, tensor in inputs.items():
        value, kind = np.asarray(given[name]), onnx.helper.tensor_dtype_to_np_dtype(types[name])
        if value.dtype.kind != kind.kind:
            raise NetworkImportError(f"calibration: input {shown(name)} must be {kind}, got {value.dtype}")
        axis = tensor.batch_axis
        have = tuple(n for a, n in enumerate(value.shape) if a != axis)
        want = tuple(n for a, n in enumerate(tensor.shape) if a != axis)
        if have != want or value.ndim != len(tensor.shape):
            lengths = ", ".join("batch" if a == axis else str(n) for a, n in enumerate(tensor.shape))
            raise NetworkImportError(
                f"calibration: input {shown(name)} must have shape ({lengths}), got {value.shape}"
            )
        feed[name] = value.astype(kind)
    return feed


def _samples(feed: Feed, inputs: Mapping[str, Tensor]) -> int:
    """Return how many samples a batch holds, which all inputs must agree on."""
    lengths = {
        name: feed[name].shape[tensor.batch_axis]
        for name, tensor in inputs.items()
        if tensor.batch_axis is not None
    }
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name!r} {length}" for name, length in lengths.items())
        raise NetworkImportError(f"calibration: inputs differ in samples: {listed}")
    return next(iter(lengths.values()), 1)


def _picked(feed: Feed, inputs: Mapping[str, Tensor], places: list[int]) -> Feed:
    """Return the samples at some places."""
    return {
        name: value if inputs[name].batch_axis is None else value.take(places, axis=inputs[name].batch_axis)
        for name, value in feed.items()
    }
