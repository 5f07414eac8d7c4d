"""What the doors of `dse` take: networks, machines, spaces, fronts, objectives."""

from typing import Final

from dse.metrics import Objective
from workloads.grammar.arguments import LISTED, Kind, having

NETWORK: Final = Kind(
    "a network, its name, the path of a file, or a layer table",
    lambda value: (
        isinstance(value, str) or having("", "table").fits(value) or having("", "repeats", "macs").fits(value)
    ),
)
MACHINE: Final = Kind(
    "a machine, its name, or the path of a machine file",
    lambda value: isinstance(value, str) or having("", "model", "replace").fits(value),
)
SPACE: Final = having("a dse.Space", "axes", "pack", "constraints")
SUBJECT: Final = having("a front, a sweep or what a search found", "chosen", "asked", "space")
AXES: Final = having("matplotlib's axes", "get_figure", "set_xlim")
OBJECTIVES: Final = Kind(
    "names of columns, such as ('latency_s', '-utilisation')",
    lambda value: (
        isinstance(value, str)
        or (LISTED.fits(value) and all(isinstance(one, str | Objective) for one in value))
    ),
)
CONSTRAINTS: Final = Kind(
    "comparisons, such as 'area_mm2 <= 50'",
    lambda value: (
        isinstance(value, str)
        or (LISTED.fits(value) and all(isinstance(one, str) or hasattr(one, "text") for one in value))
    ),
)
