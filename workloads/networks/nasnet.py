"""Networks of searched cells; the mobile ones for 224x224 images.

Sources: NASNet-A, Zoph, Vasudevan, Shlens, Le, "Learning transferable architectures for scalable image
recognition", CVPR 2018, Figure 4, as Keras has it; PNASNet-5, Liu et al., "Progressive neural architecture
search", ECCV 2018, Figure 1, as its authors' TF-Slim code has it.

A cell makes five sums from what the two cells before it made; each addend is an operation on an earlier
state. State 0 is the output of the cell before, projected to the cell's width; state 1 that of the cell
before it, brought to the same size and width; states 2 to 6 are the sums.
"""

from typing import NamedTuple

from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.blocks import conv_norm, flatten
from workloads.operations import BatchNorm, Concat, Convolution, Elementwise, GlobalPool, Linear, Pool, Slice

_Addend = tuple[str, int]
"""An operation ("sep3", "sep5", "sep7", "max", "average" or "same") and the state it reads."""

_PNASNET_SOURCE = "Liu et al., ECCV 2018, Figure 1; TF-Slim pnasnet, timm pnasnet5large"


class _Cell(NamedTuple):
    sums: tuple[tuple[_Addend, _Addend], ...]
    joined: tuple[int, ...]  # states whose channels are the cell's output


_NASNET_NORMAL = _Cell(
    (
        (("sep5", 0), ("sep3", 1)),
        (("sep5", 1), ("sep3", 1)),
        (("average", 0), ("same", 1)),
        (("average", 1), ("average", 1)),
        (("sep3", 0), ("same", 0)),
    ),
    joined=(1, 2, 3, 4, 5, 6),
)
_NASNET_REDUCTION = _Cell(
    (
        (("sep5", 0), ("sep7", 1)),
        (("max", 0), ("sep7", 1)),
        (("average", 0), ("sep5", 1)),
        (("average", 2), ("same", 3)),
        (("sep3", 2), ("max", 0)),
    ),
    joined=(3, 4, 5, 6),
)
_PNASNET = _Cell(
    (
        (("sep5", 1), ("max", 1)),
        (("sep7", 0), ("max", 0)),
        (("sep5", 0), ("sep3", 0)),
        (("sep3", 4), ("max", 0)),
        (("sep3", 1), ("same", 0)),
    ),
    joined=(2, 3, 4, 5, 6),
)


def nasnet_mobile(batch: int = 1) -> Network:
    """NASNet-A (4 @ 1056): 5,289,978 parameters, 563.6 MMAC."""
    source = "Zoph et al., CVPR 2018, Figure 4; Keras NASNetMobile"
    graph = _stack(
        Graph("nasnet_mobile"), _NASNET_NORMAL, _NASNET_REDUCTION, width=44, normals=(4, 4), batch=batch
    )
    return Network(graph, source)


def pnasnet_mobile(batch: int = 1) -> Network:
    """PNASNet-5 (N = 3, F = 54): 5,064,487 parameters, 587.3 MMAC."""
    graph = _stack(Graph("pnasnet_mobile"), _PNASNET, _PNASNET, width=54, normals=(3, 2), batch=batch)
    return Network(graph, _PNASNET_SOURCE)


def pnasnet_large(batch: int = 1) -> Network:
    """PNASNet-5 (N = 4, F = 216), 331x331 images: 86,057,668 parameters, 24.94 GMAC."""
    graph = _stack(
        Graph("pnasnet_large"),
        _PNASNET,
        _PNASNET,
        width=216,
        normals=(4, 3),
        batch=batch,
        image=331,
        stem=96,
    )
    return Network(graph, _PNASNET_SOURCE)


def _stack(
    graph: Graph,
    normal: _Cell,
    reduction: _Cell,
    *,
    width: int,
    normals: tuple[int, int],
    batch: int,
    image: int = 224,
    stem: int = 32,
) -> Graph:
    """Stack cells: two reductions as a stem, then three stages, each of twice the width of the one before.

    `normals` says how many normal cells the first stage has, and how many each of the others has after the
    reduction that it begins with.
    """
    x = graph.input("image", (batch, 3, image, image))
    x = before = conv_norm(graph, "stem.conv", x, stem, 3, stride=2, padding=0, act="")
    for i, part in enumerate((4, 2)):
        x, before = _cell(graph, f"stem.{i}", reduction, x, before, width // part, stride=2), x
    number = 0
    for stage in range(3):
        first, others = normals
        cells = [reduction] + [normal] * others if stage else [normal] * first
        for i, cell in enumerate(cells):
            stride = 2 if stage and i == 0 else 1
            x, before = _cell(graph, f"cell.{number}", cell, x, before, width << stage, stride), x
            number += 1
    x = flatten(graph, graph.add(GlobalPool("avgpool"), _relu(graph, x)))
    graph.output(graph.add(Linear("classifier", 1000), x))
    return graph


def _cell(graph: Graph, here: str, cell: _Cell, x: str, before: str, width: int, stride: int) -> str:
    states = [
        conv_norm(graph, f"{here}.project", _relu(graph, x), width, 1, act=""),
        _adjust(graph, f"{here}.adjust", before, x, width),
    ]
    for i, addends in enumerate(cell.sums):
        terms = []
        for side, (operation, state) in zip(("left", "right"), addends, strict=True):
            step = stride if state < 2 else 1
            terms.append(_apply(graph, f"{here}.{i}.{side}", operation, states[state], step, width))
        states.append(graph.add(Elementwise(f"{here}.{i}.add", "add"), *terms))
    return graph.add(Concat(f"{here}.concat", 1), *(states[state] for state in cell.joined))


def _apply(graph: Graph, name: str, operation: str, x: str, stride: int, width: int) -> str:
    """Add one addend of a sum."""
    if operation.startswith("sep"):
        return _separable(graph, name, x, int(operation[3:]), stride, width)
    fits = graph.tensors[x].shape[1] == width
    if operation == "same":
        return (
            x
            if fits and stride == 1
            else conv_norm(graph, name, _relu(graph, x), width, 1, stride=stride, act="")
        )
    x = _pool(graph, operation, x, stride)
    return x if fits else conv_norm(graph, name, x, width, 1, act="")


def _separable(graph: Graph, name: str, x: str, kernel: int, stride: int, width: int) -> str:
    """Add two separable convolutions, each after a ReLU and before a batch norm; the first has the stride."""
    for i, step in enumerate((stride, 1), start=1):
        channels = graph.tensors[x].shape[1]
        depthwise = Convolution(
            f"{name}.dw{i}", channels, kernel, step, "same_upper", groups=channels, bias=False
        )
        x = graph.add(depthwise, _relu(graph, x))
        x = conv_norm(graph, f"{name}.pw{i}", x, width, 1, act="")
    return x


def _adjust(graph: Graph, name: str, before: str, x: str, width: int) -> str:
    """Bring the older of a cell's two inputs to the size of the newer and to the cell's width.

    Where it is twice the size, two convolutions with stride two, one of them a row and a column on, make half
    of the channels each. The first cell has one input only, which is taken as it is.
    """
    old, new = graph.tensors[before].shape, graph.tensors[x].shape
    if before == x or old[1:] == (width, *new[2:]):
        return before
    y = _relu(graph, before)
    if old[2:] == new[2:]:
        return conv_norm(graph, name, y, width, 1, act="")
    rows, cols = old[2:]
    shifted = graph.add(Slice(f"{name}.shift", ((2, 1, rows, 1), (3, 1, cols, 1))), y)
    half, rest = width // 2, width - width // 2
    first = graph.add(Convolution(f"{name}.conv1", half, 1, 2, bias=False), y)
    second = graph.add(Convolution(f"{name}.conv2", rest, 1, 2, ((0, 1), (0, 1)), bias=False), shifted)
    return graph.add(BatchNorm(f"{name}.bn"), graph.add(Concat(f"{name}.concat", 1), first, second))


def _relu(graph: Graph, x: str) -> str:
    """Add the ReLU of a tensor, once."""
    name = f"{x}.relu"
    return name if name in graph.tensors else graph.add(Elementwise(name, "relu"), x)


def _pool(graph: Graph, mode: str, x: str, stride: int) -> str:
    """Add the 3x3 pool of a tensor, once."""
    name = f"{x}.{mode}{stride}"
    return name if name in graph.tensors else graph.add(Pool(name, mode, 3, stride, "same_upper"), x)
