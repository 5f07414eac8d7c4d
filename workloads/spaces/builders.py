"""Parametrised networks: perceptrons, convolutional and recurrent classifiers.

A parameter that is a tuple has one value a stage; a space moves one of them as "width.stage1", or all
alike as "width".
"""

from collections.abc import Callable
from typing import Any, Final

from workloads.errors import WorkloadError, shown
from workloads.grammar.arguments import NATURAL, POSITIVE, TEXT, TRUTH, Kind, takes
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import dense, flatten
from workloads.operations import (
    HLSTM,
    BatchNorm,
    Concat,
    Convolution,
    Elementwise,
    GlobalPool,
    Linear,
    MatMul,
    MixtureNorm,
    Recurrent,
    Reshape,
    Softmax,
)
from workloads.tensors import Weight

Stages = int | str | tuple[int | str, ...]

WIDTHS: Final = Kind(
    "a whole number of at least 1, or a tuple with one a stage",
    lambda value: all(map(POSITIVE.fits, value)) if isinstance(value, tuple) else POSITIVE.fits(value),
)
BLOCKS: Final = Kind(
    "a text, or a tuple with one a stage",
    lambda value: all(map(TEXT.fits, value)) if isinstance(value, tuple) else TEXT.fits(value),
)


@takes(features=POSITIVE, classes=POSITIVE, depth=POSITIVE, width=WIDTHS, skip=TRUTH)
def perceptron(
    *, features: int = 64, classes: int = 10, depth: int = 2, width: Stages = (100, 100), skip: bool = False
) -> Network:
    """Build a perceptron: `depth` hidden layers with ReLU, then a score a class.

    Parameters
    ----------
    features, classes
        Of a sample.
    depth
        Hidden layers.
    width
        Units of each; those beyond the depth are ignored.
    skip
        Whether every layer reads the input and all layers before it, joined: a feed-forward graph in which
        connections may skip layers (as SCANN grows them).

    """
    graph = Graph("perceptron")
    x = graph.input("features", (1, features))
    seen = [x]
    for i, units in enumerate(_stages("width", width, depth), start=1):
        x = dense(graph, f"fc{i}", x, int(units))
        seen.append(x)
        if skip:
            x = graph.add(Concat(f"join{i}", 1), *seen)
    graph.output(dense(graph, "out", x, classes, act=""))
    return Network(graph, "workloads.spaces.builders.perceptron")


@takes(
    channels=POSITIVE,
    resolution=POSITIVE,
    classes=POSITIVE,
    stages=POSITIVE,
    depth=WIDTHS,
    width=WIDTHS,
    kernel=WIDTHS,
    block=BLOCKS,
    expansion=POSITIVE,
    groups=POSITIVE,
    hidden=NATURAL,
    components=NATURAL,
)
def convolutional(
    *,
    channels: int = 1,
    resolution: int = 28,
    classes: int = 10,
    stages: int = 3,
    depth: Stages = (1, 1, 1),
    width: Stages = (16, 32, 64),
    kernel: Stages = (3, 3, 3),
    block: Stages = "plain",
    expansion: int = 2,
    groups: int = 1,
    hidden: int = 0,
    components: int = 0,
) -> Network:
    """Build a convolutional classifier: stages of blocks, halving the image from the second stage on.

    Parameters
    ----------
    channels, resolution, classes
        Of an image: (channels, resolution, resolution).
    stages
        How many.
    depth, width, kernel
        Of a stage: its blocks, their channels, and the edge of their windows.
    block
        "plain" (convolution, normalisation, ReLU), "residual" (two, and the input added), "separable"
        (depthwise, pointwise) or "inverted" (widened by `expansion`, depthwise, narrowed, the input added).
    expansion
        Of inverted blocks.
    groups
        Of plain and residual convolutions whose channels it divides; others have one.
    hidden
        Units of a linear layer before the last; 0 for none.
    components
        Gaussians of mixture normalisation; 0 for batch norm.

    Notes
    -----
    Blocks are those of He et al., CVPR 2016; Howard et al., arXiv 1704.04861; Sandler et al., CVPR 2018.

    """
    graph = Graph("convolutional")
    x = graph.input("image", (1, channels, resolution, resolution))
    settings = [
        _stages(name, value, stages)
        for name, value in (("depth", depth), ("width", width), ("kernel", kernel), ("block", block))
    ]
    for stage, (blocks, units, taps, kind) in enumerate(zip(*settings, strict=True), start=1):
        if kind not in _BLOCKS:
            raise WorkloadError(f"block must be one of {', '.join(_BLOCKS)}, got {shown(kind)}")
        for i in range(int(blocks)):
            stride = 2 if stage > 1 and i == 0 else 1
            here = _Block(f"stage{stage}.{i}", graph, int(taps), stride, groups, expansion, components)
            x = _BLOCKS[str(kind)](here, x, int(units))
    x = flatten(graph, graph.add(GlobalPool("pool"), x))
    if hidden:
        x = dense(graph, "fc", x, hidden)
    graph.output(graph.add(Linear("out", classes), x))
    return Network(graph, "workloads.spaces.builders.convolutional")


@takes(
    features=POSITIVE,
    steps=POSITIVE,
    classes=POSITIVE,
    cell=TEXT,
    depth=POSITIVE,
    hidden=POSITIVE,
    gate=NATURAL,
)
def recurrent(
    *,
    features: int = 8,
    steps: int = 8,
    classes: int = 10,
    cell: str = "lstm",
    depth: int = 1,
    hidden: int = 64,
    gate: int = 0,
) -> Network:
    """Build a recurrent classifier of sequences (steps, features), by its last hidden state.

    Parameters
    ----------
    features, steps, classes
        Of a sequence.
    cell
        "lstm", "gru", "rnn", or "h_lstm", whose gates are perceptrons.
    depth
        Layers.
    hidden
        Units of each.
    gate
        Hidden units of an H-LSTM's gates; 0 for as many as `hidden`.

    """
    graph = Graph("recurrent")
    x = graph.input("sequence", (steps, 1, features), batch_axis=1)
    last = x
    for i in range(1, depth + 1):
        layer: HLSTM | Recurrent
        if cell == "h_lstm":
            layer = HLSTM(f"cell{i}", hidden, width=gate or hidden)
        else:
            layer = Recurrent(f"cell{i}", hidden, cell=cell)
        x, last, *_ = graph.add_many(layer, x)
    flat = graph.add(Reshape("last", (1, hidden)), last)
    graph.output(graph.add(Linear("out", classes), flat))
    return Network(graph, "workloads.spaces.builders.recurrent")


@takes(features=POSITIVE, classes=POSITIVE, depth=POSITIVE, width=WIDTHS, meaning=POSITIVE)
def two_branch(
    *,
    features: int = 64,
    classes: int = 10,
    depth: int = 1,
    width: Stages = (64, 64),
    meaning: int = 16,
) -> Network:
    """Build SECRET's classifier: one branch to the class, one to the label's meaning; their mean decides.

    log(softmax(f(x)) + softmax(g(x) E)), E the labels' embeddings, constants

    Parameters
    ----------
    features, classes
        Of a sample.
    depth, width
        Hidden layers of each branch, and their units; those beyond the depth are ignored.
    meaning
        Dimensions of a label's embedding: `modules.set_constant` puts them in.

    Notes
    -----
    Akmandor, Ortiz, Manotas, Jha, "SECRET", IEEE TC 2021 (arXiv 1905.12356). Cross entropy of the result is
    that of the branches' mean probability.

    """
    graph = Graph("two_branch")
    x = graph.input("features", (1, features))
    made = []
    for branch, outputs in (("feature", classes), ("semantic", meaning)):
        y = x
        for i, units in enumerate(_stages("width", width, depth), start=1):
            y = dense(graph, f"{branch}.fc{i}", y, int(units))
        made.append(dense(graph, f"{branch}.out", y, outputs, act=""))
    labels = Weight("semantic.labels", (meaning, classes), trained=False)
    likeness = MatMul("semantic.likeness", constant="b", constant_shape=labels.shape)
    made[1] = graph.add(likeness, made[1], weights={"weight": labels})
    known, meant = (graph.add(Softmax(f"softmax{i}"), one) for i, one in enumerate(made, start=1))
    both = graph.add(Elementwise("combined", "add"), known, meant)
    graph.output(graph.add(Elementwise("log", "log"), both))
    return Network(graph, "workloads.spaces.builders.two_branch")


BUILDERS: Final[dict[str, Callable[..., Network]]] = {
    "convolutional": convolutional,
    "perceptron": perceptron,
    "recurrent": recurrent,
    "two_branch": two_branch,
}
"""Builders by name."""


def _stages(name: str, value: Stages, count: int) -> list[int | str]:
    """Return one value a stage: a lone one for all, of a tuple the first ones."""
    values = list(value) if isinstance(value, tuple) else [value] * count
    if len(values) < count:
        raise WorkloadError(f"{name} has {len(values)} stages, {count} are asked for")
    return values[:count]


class _Block:
    """Where a block stands and what its convolutions share."""

    def __init__(
        self, name: str, graph: Graph, kernel: int, stride: int, groups: int, expansion: int, components: int
    ) -> None:
        self.name, self.graph = name, graph
        self.kernel, self.stride = kernel, stride
        self.groups, self.expansion, self.components = groups, expansion, components

    def conv(self, part: str, x: str, width: int, **options: Any) -> str:
        """Add a convolution, its normalisation and, unless `act=False`, a ReLU."""
        name, channels = f"{self.name}.{part}", self.graph.tensors[x].shape[1]
        kernel, groups = options.get("kernel", self.kernel), options.get("groups", 1)
        if channels % groups or width % groups:
            groups = 1
        stride, padding = options.get("stride", 1), kernel // 2
        layer = Convolution(name, width, kernel, stride, padding, groups=groups, bias=False)
        x = self.graph.add(layer, x)
        norm = MixtureNorm(f"{name}.norm", self.components) if self.components else BatchNorm(f"{name}.norm")
        x = self.graph.add(norm, x)
        return self.graph.add(Elementwise(f"{name}.relu", "relu"), x) if options.get("act", True) else x

    def add(self, x: str, shortcut: str) -> str:
        """Add the input of the block where shapes agree."""
        if self.graph.tensors[x].shape != self.graph.tensors[shortcut].shape:
            return x
        return self.graph.add(Elementwise(f"{self.name}.add", "add"), x, shortcut)


def _plain(here: _Block, x: str, width: int) -> str:
    return here.conv("conv", x, width, stride=here.stride, groups=here.groups)


def _residual(here: _Block, x: str, width: int) -> str:
    y = here.conv("conv1", x, width, stride=here.stride, groups=here.groups)
    y = here.conv("conv2", y, width, groups=here.groups, act=False)
    if here.graph.tensors[y].shape != here.graph.tensors[x].shape:
        x = here.conv("shortcut", x, width, kernel=1, stride=here.stride, act=False)
    return here.graph.add(Elementwise(f"{here.name}.relu", "relu"), here.add(y, x))


def _separable(here: _Block, x: str, width: int) -> str:
    channels = here.graph.tensors[x].shape[1]
    y = here.conv("depthwise", x, channels, stride=here.stride, groups=channels)
    return here.conv("pointwise", y, width, kernel=1)


def _inverted(here: _Block, x: str, width: int) -> str:
    inner = here.expansion * here.graph.tensors[x].shape[1]
    y = here.conv("expand", x, inner, kernel=1)
    y = here.conv("depthwise", y, inner, stride=here.stride, groups=inner)
    return here.add(here.conv("project", y, width, kernel=1, act=False), x)


_BLOCKS: Final[dict[str, Callable[[_Block, str, int], str]]] = {
    "plain": _plain,
    "residual": _residual,
    "separable": _separable,
    "inverted": _inverted,
}
