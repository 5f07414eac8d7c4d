"""CGaP: what a network grown and pruned by filters saves on an accelerator."""

from functools import cache, partial

from hwmodels.columns import MetricTable
from hwmodels.presets import load
from hwmodels.question import Question
from hwmodels.validation.row import Evidence, Made, Row
from workloads import Network
from workloads import load as load_network

TITLE = "CGaP: ResNet-110 with 64 % fewer weights, main memory and latency on a 32 x 32 array"
SOURCE = "Du, Li, Cao, IEEE JETCAS 2019, abstract"

# FLOPs -63.3 %, model size -64.0 %, DRAM access energy -11.8 %, inference latency -40.2 %.
WEIGHTS, WORK, DRAM_ENERGY, LATENCY = 0.640, 0.633, 0.118, 0.402
BATCHES = (1, 32)

_row = partial(Row.simulated, unit="of the dense network's", source=SOURCE, made=Made.EVALUATE)

_CUT = "No widths are printed: filters inside the residual blocks, which additions leave free, share the cut."
_DRAM = (
    " Maps between blocks keep their size, so that main memory saves far less than the weights; those inside "
    "shrink with their filters and are moved at that size. Saving no more than printed takes maps moved at "
    "their dense widths, as an FPGA whose tiles hold a fixed number of channels does; its tiling is not in "
    "the abstract, and nothing here is fitted to it."
)


def rows() -> list[Row]:
    """What the pruned network keeps, and what it saves at one image and at 32."""
    dense, pruned = networks()
    found = [
        _row(
            "model size saved",
            WEIGHTS,
            1 - pruned.parameters / dense.parameters,
            0.05,
            _CUT,
            made=Made.NETWORK,
            evidence=Evidence.DERIVED,
        ),
        _row("multiply-accumulates saved", WORK, 1 - pruned.macs / dense.macs, 0.05, _CUT, made=Made.NETWORK),
    ]
    for images in BATCHES:
        before, after = cost(dense, images), cost(pruned, images)
        for quantity, published, column, note in (
            ("main-memory energy saved", DRAM_ENERGY, "dram_energy_j", _CUT + _DRAM),
            ("latency saved", LATENCY, "latency_s", _CUT),
        ):
            saved = 1 - float(getattr(after, column)[0] / getattr(before, column)[0])
            found.append(_row(f"{quantity}, batch {images}", published, saved, None, note))
    return found


@cache
def networks() -> tuple[Network, Network]:
    """ResNet-110 for CIFAR-10 as it is, and with the printed share of its weights left."""
    dense = load_network("resnet110_cifar10")
    return dense, dense.sparsify("channel", density=1 - WEIGHTS)


def cost(network: Network, images: int) -> MetricTable:
    """Totals of a run of some images on the 32 x 32 reference array."""
    return Question(network.table(images), load("edge_32x32")).costed()[1]
