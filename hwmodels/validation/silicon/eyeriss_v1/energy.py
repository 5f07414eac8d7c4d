"""Energy of the chip: what stands whenever it runs, and what a multiply-accumulate of a non-zero ifmap adds.

The PE gates the filter read and the multiplier where the ifmap is zero (section V-C); clocks, control and
registers run on. Of these two constants of the chip neither is printed, so both are calibrated on two
layers and every other layer is predicted from them.
"""

from dataclasses import dataclass
from functools import cache

from hwmodels.accounting import Account
from hwmodels.machines.eyeriss_v1 import eyeriss_v1
from hwmodels.validation.silicon.eyeriss_v1.layers import Layer

GATED = ("filter_spad", "MAC")  # what rests while the ifmap is zero; section V-C


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """The two constants of the chip at 1 V and 200 MHz."""

    standing_w: float
    mac_pj: float  # of an ifmap that is not zero, with its scratch-pad accesses


def calibrate(one: Layer, other: Layer) -> Calibration:
    """Solve the two constants from the measured energies and total latencies of two layers."""
    macs = (effectual_macs(one), effectual_macs(other))
    determinant = one.total_s * macs[1] - other.total_s * macs[0]
    return Calibration(
        standing_w=(one.energy_j * macs[1] - other.energy_j * macs[0]) / determinant,
        mac_pj=(one.total_s * other.energy_j - other.total_s * one.energy_j) / determinant * 1e12,
    )


def energy_j(layer: Layer, total_s: float, chip: Calibration) -> float:
    """Energy of a layer, in joules, at a given total latency."""
    return chip.standing_w * total_s + chip.mac_pj * 1e-12 * effectual_macs(layer)


def effectual_macs(layer: Layer) -> float:
    """Multiply-accumulates of ifmaps that are not zero."""
    return layer.macs * layer.ifmap_density


def component_energy_j(layer: Layer, total_s: float, account: Account) -> float:
    """Energy of a layer at the component library's prices, in joules, on the chip only.

    Accesses and multiply-accumulates, zeros gated, and what stands for as long as the layer takes: leakage
    and the clock network. Buses and control are not in it.
    """
    total_pj = 0.0
    counts = account.sheet.counts.sum(axis=0).tolist()
    for line, count, price_pj in zip(account.lines, counts, account.sheet.prices_pj.tolist(), strict=True):
        if line.part != "dram" and not line.timed:
            total_pj += count * price_pj * (layer.ifmap_density if line.component in GATED else 1.0)
    return total_pj * 1e-12 + standing_w() * total_s


@cache
def standing_w() -> float:
    """Leakage and clock of the chip from components, in watts."""
    machine = eyeriss_v1()
    return float(machine.power_w()["leakage_w"].sum()) + machine.clock_w
