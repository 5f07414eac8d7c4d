"""U-Net: an image halved and widened stage by stage, then doubled back, each stage joined with its like.

Source: Ronneberger, Fischer, Brox, "U-Net: convolutional networks for biomedical image segmentation", MICCAI
2015, Figure 1: 3x3 convolutions without padding, maxima of 2x2, up-convolutions 2x2; what is joined is cut to
size.
"""

from workloads.errors import WorkloadError, shown
from workloads.graph import Graph
from workloads.limits import need_operations
from workloads.network import Network
from workloads.networks.blocks import conv_act, image
from workloads.networks.sizes import whole
from workloads.operations import Concat, Convolution, Pool, Slice, TransposedConvolution


def unet(
    batch: int = 1,
    *,
    resolution: int = 572,
    channels: int = 1,
    classes: int = 2,
    width: int = 64,
    depth: int = 4,
    padded: bool = False,
) -> Network:
    """U-Net: 31,030,658 parameters, 150.4 GMAC.

    Parameters
    ----------
    batch
        Images in a run.
    resolution, channels
        Rows and columns of an image, and its channels.
    classes
        What a pixel is sorted into.
    width
        Filters of the first stage, a whole number; each stage down has twice as many.
    depth
        Times the image is halved.
    padded
        Whether convolutions keep the size, as most users have it, and maps are as large as images.

    """
    if not isinstance(padded, bool):
        raise WorkloadError(f"unet: padded must be True or False, got {shown(padded)}")
    need_operations("unet: depth", 20 * whole("unet: depth", depth))
    filters, padding = whole("unet: width", width), int(padded)
    graph = Graph("unet")
    x = image(graph, batch, resolution, whole("unet: channels", channels))
    stages: list[str] = []
    for stage in range(depth + 1):
        if stage:
            stages.append(x)
            x = graph.add(Pool(f"pool{stage}", "max", 2), x)
        x = _pair(graph, f"down{stage}", x, filters << stage, padding)
    for stage, skipped in reversed(list(enumerate(stages))):
        here = f"up{stage}"
        x = graph.add(TransposedConvolution(f"{here}.conv0", filters << stage, 2, 2), x)
        x = graph.add(Concat(f"{here}.join", 1), _cut(graph, here, skipped, graph.tensors[x].shape), x)
        x = _pair(graph, here, x, filters << stage, padding)
    graph.output(graph.add(Convolution("classes", whole("unet: classes", classes), 1), x))
    return Network(graph, "Ronneberger et al., MICCAI 2015, Figure 1")


def _pair(graph: Graph, here: str, x: str, filters: int, padding: int) -> str:
    for i in (1, 2):
        x = conv_act(graph, f"{here}.conv{i}", x, filters, 3, padding=padding)
    return x


def _cut(graph: Graph, here: str, x: str, like: tuple[int, ...]) -> str:
    """Cut the middle out of a map, as large as another."""
    cuts = []
    for axis, (have, want) in enumerate(zip(graph.tensors[x].shape, like, strict=True)):
        if axis > 1 and have != want:
            before = (have - want) // 2
            cuts.append((axis, before, before + want, 1))
    return graph.add(Slice(f"{here}.cut", tuple(cuts)), x) if cuts else x
