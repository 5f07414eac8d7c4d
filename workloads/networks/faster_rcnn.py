"""Faster R-CNN with a feature pyramid for object detection: an 800x800 image, 1,000 proposals, 91 classes.

Sources: Ren, He, Girshick, Sun, "Faster R-CNN", NeurIPS 2015; Lin et al., "Feature pyramid networks for
object detection", CVPR 2017; RoI align, He et al., "Mask R-CNN", ICCV 2017, section 3; sizes as torchvision
has them, whose transform brings the shorter side of an image to 800.

What non-maximum suppression does depends on the image: it is costed as the movement of the boxes that it
picks, at the most that it may pick.
"""

from collections.abc import Sequence
from math import prod

from workloads.errors import WorkloadError, shown
from workloads.graph import Graph
from workloads.network import Network
from workloads.networks.backbone import resnet50_stages
from workloads.networks.blocks import dense
from workloads.operations import (
    Concat,
    Convolution,
    Elementwise,
    Gather,
    Linear,
    Pool,
    Reshape,
    Resize,
    RoiAlign,
    Softmax,
    TopK,
    Transpose,
)

_WIDTH = 256
_ANCHORS = 3  # a position
_CLASSES = 91
_CANDIDATES = 1000  # boxes a level that are compared with each other
_DETECTIONS = 100
_BINS = 7  # rows and columns of a box


def faster_rcnn_resnet50(batch: int = 1, *, proposals: int = 1000) -> Network:
    """Faster R-CNN: 41,808,406 parameters, 134.4 GMAC.

    Parameters
    ----------
    batch
        Images in a run.
    proposals
        Boxes an image that the second stage looks at, of 4,507 candidates.

    Raises
    ------
    WorkloadError
        If there are more proposals than candidates, or none.

    """
    graph = Graph("faster_rcnn_resnet50")
    image = graph.input("image", (batch, 3, 800, 800))
    levels = _pyramid(graph, resnet50_stages(graph, image))
    boxes = _proposals(graph, levels, proposals)
    x = graph.add(RoiAlign("roi_heads.box_roi_pool", _BINS), *levels[:-1], boxes)
    x = graph.add(Reshape("roi_heads.flatten", (batch * proposals, -1)), x)
    x = dense(graph, "roi_heads.fc6", x, 1024)
    x = dense(graph, "roi_heads.fc7", x, 1024)
    scores = graph.add(Softmax("roi_heads.softmax"), graph.add(Linear("roi_heads.cls_score", _CLASSES), x))
    deltas = graph.add(Linear("roi_heads.bbox_pred", 4 * _CLASSES), x)
    deltas = graph.add(Reshape("roi_heads.boxes", (batch, proposals * _CLASSES, 4)), deltas)
    scores = graph.add(Reshape("roi_heads.scores", (batch, proposals * _CLASSES)), scores)
    for name, x in (("boxes", deltas), ("scores", scores)):
        graph.add(Gather(f"detections.{name}", axis=1, indices=(_DETECTIONS,)), x)
    return Network(
        graph, "Ren et al., NeurIPS 2015; Lin et al., CVPR 2017; torchvision fasterrcnn_resnet50_fpn"
    )


def _pyramid(graph: Graph, stages: Sequence[str]) -> list[str]:
    """Add the feature pyramid; return its five levels, finest first."""
    levels: list[str] = []
    above = ""
    for i, stage in reversed(list(enumerate(stages))):
        if above:
            batch, _, *size = graph.tensors[stage].shape
            above = graph.add(Resize(f"fpn.up.{i}", (batch, _WIDTH, *size)), above)
        x = graph.add(Convolution(f"fpn.inner.{i}", _WIDTH, 1), stage)
        above = graph.add(Elementwise(f"fpn.add.{i}", "add"), x, above) if above else x
        levels.insert(0, graph.add(Convolution(f"fpn.layer.{i}", _WIDTH, 3, padding=1), above))
    return [*levels, graph.add(Pool("fpn.pool", "max", 1, 2), levels[-1])]


def _proposals(graph: Graph, levels: Sequence[str], proposals: int) -> str:
    """Add the region proposal network, of which all levels share the weights; return (n, proposals, 4)."""
    candidates = []
    for i, level in enumerate(levels):
        x = _shared(graph, f"rpn.conv.{i}", level, _WIDTH, 3)
        x = graph.add(Elementwise(f"rpn.relu.{i}", "relu"), x)
        scores = _shared(graph, f"rpn.cls_logits.{i}", x, _ANCHORS, 1)
        deltas = _shared(graph, f"rpn.bbox_pred.{i}", x, 4 * _ANCHORS, 1)
        batch, anchors = graph.tensors[scores].shape[0], prod(graph.tensors[scores].shape[1:])
        ordered = []
        for name, y, shape in (("scores", scores, (batch, anchors)), ("boxes", deltas, (batch, anchors, 4))):
            y = graph.add(Transpose(f"rpn.{name}.order.{i}", (0, 2, 3, 1)), y)
            ordered.append(graph.add(Reshape(f"rpn.{name}.{i}", shape), y))
        picked = min(_CANDIDATES, anchors)
        graph.add_many(TopK(f"rpn.top.{i}", picked, axis=1), ordered[0])
        candidates.append(graph.add(Gather(f"rpn.picked.{i}", axis=1, indices=(picked,)), ordered[1]))
    x = graph.add(Concat("rpn.candidates", 1), *candidates)
    most = graph.tensors[x].shape[1]
    if not 1 <= proposals <= most:
        raise WorkloadError(f"faster_rcnn_resnet50: proposals must be in 1 .. {most}, got {shown(proposals)}")
    x = graph.add(Elementwise("rpn.decode", "affine"), x)
    return graph.add(Gather("rpn.proposals", axis=1, indices=(proposals,)), x)


def _shared(graph: Graph, name: str, x: str, channels: int, kernel: int) -> str:
    """Add a convolution that has the weights of the first one of its kind."""
    kind, _, level = name.rpartition(".")
    weights = {} if level == "0" else {role: f"{kind}.0.{role}" for role in ("weight", "bias")}
    return graph.add(Convolution(name, channels, kernel, padding=kernel // 2), x, weights=weights)
