"""Published area, power and peak of machines, beside what is computed for them."""

from collections.abc import Mapping
from typing import NamedTuple

from hwmodels.components.tables import read


class Figure(NamedTuple):
    """A published figure of a machine: what of it, and where it is printed."""

    value: float
    of: str
    source: str
    status: str


def published(machine: str) -> dict[str, Figure]:
    """Published `area_mm2`, `power_w` and `peak_macs_per_s` of a machine by name, those that are known.

    Examples
    --------
    >>> published("eie")["power_w"].value
    0.59

    """
    return {
        row["quantity"]: Figure(float(row["value"]), row["of"], row["source"], row["status"])
        for row in read("published_machines")
        if row["machine"] == machine
    }


def like(quantity: str, figure: Figure, computed: Mapping[str, float]) -> float:
    """The computed figure of the same scope: a core's area has no interface of the main memory in it."""
    core = quantity == "area_mm2" and "die" not in figure.of
    return computed["core_mm2" if core else quantity]


def beside(machine: str, computed: Mapping[str, float]) -> list[tuple[str, str]]:
    """Lines of a data sheet: each published figure, the computed one and their ratio."""
    units = {"area_mm2": "mm2", "power_w": "W", "peak_macs_per_s": "GMAC/s"}
    scale = {"peak_macs_per_s": 1e-9}
    lines = []
    for quantity, figure in published(machine).items():
        unit, factor = units[quantity], scale.get(quantity, 1.0)
        ours = like(quantity, figure, computed)
        lines.append(
            (
                "published",
                f"{quantity.split('_')[0]} {figure.value * factor:.4g} {unit}: {figure.of} ({figure.source}; "
                f"{figure.status}); computed {ours * factor:.4g} {unit}, {ours / figure.value:.2f} of it",
            )
        )
    return lines
