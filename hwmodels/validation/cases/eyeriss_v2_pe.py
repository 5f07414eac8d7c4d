"""Eyeriss v2's PE on a pruned MobileNet: with counts by channel, and with two densities alone."""

from functools import partial

from hwmodels.validation.row import Evidence, Made, Row
from hwmodels.validation.silicon import eyeriss_v2_pe as pe

TITLE = "Eyeriss v2's PE: 1x1 convolutions of a pruned MobileNet-0.5"
SOURCE = "github Accelergy-Project/micro22-sparseloop-artifact@de0374a"

# Cycles counted on the actual data, and Sparseloop's under uniformly scattered zeros.
COUNTED = {
    "L07": 1_702_140,
    "L09": 1_499_682,
    "L13": 1_144_158,
    "L19": 1_457_458,
    "L21": 1_677_684,
    "L23": 1_821_557,
    "L25": 948_572,
    "L27": 775_316,
}
UNIFORM = {
    "L07": 1_592_158,
    "L09": 1_478_912,
    "L13": 1_114_008,
    "L19": 1_407_190,
    "L21": 1_610_614,
    "L23": 1_790_969,
    "L25": 926_942,
    "L27": 729_810,
}
_CHANNELS = "Non-zeros of each input channel in both operands: for 1x1 kernels all that the masks tell."
_DENSITIES = "Two densities of two digits; Sparseloop rounds up, by a cycle or two."

_row = partial(Row.simulated, unit="cycles", source=SOURCE, made=Made.EVALUATE)


def rows() -> list[Row]:
    """Exact cycles where the masks are at hand, Sparseloop's own numbers without them."""
    found = []
    for layer in pe.LAYERS:
        if layer.name in pe.located():
            ours = round(pe.cycles(layer, by_channel=True), 6)
            found.append(_row(f"{layer.name}: actual data", COUNTED[layer.name], ours, 0.0, _CHANNELS))
        uniform = pe.cycles(layer, by_channel=False)
        found.append(
            _row(
                f"{layer.name}: uniform zeros",
                UNIFORM[layer.name],
                uniform,
                2e-6,
                _DENSITIES,
                evidence=Evidence.DERIVED,
            )
        )
        if layer.name not in pe.located():
            note = _DENSITIES + " The masks of this layer are not at hand."
            found.append(_row(f"{layer.name}: actual data", COUNTED[layer.name], uniform, None, note))
    return found
