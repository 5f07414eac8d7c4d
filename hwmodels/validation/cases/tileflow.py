"""TileFlow's RTL: a 16 x 16 array behind a memory of four words a cycle."""

from functools import cache

import numpy as np

from hwmodels.components.main_memory import main_memory
from hwmodels.components.tables import Floats, column, read
from hwmodels.fusion.chains import Link
from hwmodels.fusion.groups import Fused, Nests, Plan, cost_of
from hwmodels.fusion.inner import Inner
from hwmodels.level import Level, Prices
from hwmodels.levels import LevelMachine
from hwmodels.machine import Effort
from hwmodels.mapping.mapping import LevelMapping, Mapping
from hwmodels.mapping.watch import Watch
from hwmodels.validation.row import Evidence, Made, Row
from hwmodels.validation.silicon.products import latencies_s, mean_error, product_table, products, tau

TITLE = "TileFlow: RTL cycles of matrix products under given tiles, one by one and two fused"
SOURCE = "github pku-liang/TileFlow@d72d2783, validation data"
SIDE, CLOCK_HZ, WORD_BITS = 16, 1e9, 16

_NOTE = (
    "1 and the mean absolute error; no aim. Products that take their reduction in several tiles: the RTL "
    "fetches both tiles anew at every step even where one has not changed, which a mapping does not say. "
    "Reads and writes of memory have four words a cycle each."
)
_FUSED = (
    "1 and the mean absolute error. Two products, the first's results handed on in strips of as many rows as "
    "given; weights are fetched again for every strip. What is within a strip is mapped at its best."
)


@cache
def machine() -> LevelMachine:
    """The array, one buffer, and a memory of four words a cycle each way."""
    memory = main_memory("ddr4")
    four = 4 * WORD_BITS
    return LevelMachine(
        name="tileflow",
        levels=(
            Level(
                name="buffer",
                bytes=2**20,
                word_bits=WORD_BITS,
                fanout_x=SIDE,
                fanout_y=SIDE,
                prices=Prices(),
            ),
            Level(
                name="dram",
                kind="main_memory",
                word_bits=WORD_BITS,
                bytes_per_s=1e12,
                read_port_bits=four,
                write_port_bits=four,
            ),
        ),
        main_memory=memory,
        fusion="buffer",
        clock_hz=CLOCK_HZ,
        source="github pku-liang/TileFlow, architecture of its validation",
    )


def mapping(row: dict[str, str]) -> Mapping:
    """Tiles as given, the reduction innermost outside them; channels along the array's edges."""
    sizes = {"N": "m", "K": "n", "C": "k"}
    tile = {name: int(row[f"tile_{column}"]) for name, column in sizes.items()}
    outer = {name: -(-int(row[column]) // tile[name]) for name, column in sizes.items()}
    inner = {"N": tile["N"], "K": -(-tile["K"] // SIDE), "C": -(-tile["C"] // SIDE)}
    keep = frozenset("WIO")
    return Mapping(
        levels=(
            LevelMapping(
                level="buffer",
                temporal=tuple(inner.items()),
                spatial_x=(("K", min(SIDE, tile["K"])),),
                spatial_y=(("C", min(SIDE, tile["C"])),),
                keep=keep,
            ),
            LevelMapping(level="dram", temporal=tuple(outer.items()), keep=keep),
        )
    )


def fused(row: dict[str, str]) -> Fused:
    """Two products, (m, k) x (k, between) x (between, n), in strips of so many rows as given."""
    m, k, between, n = (int(row[name]) for name in ("m", "k", "between", "n"))
    layers = product_table(np.array([m, m]), np.array([between, n]), np.array([k, between]))
    nests = Nests(layers, [Link(producer=0, consumer=1, elements=m * between, leaves=False)], machine())
    strips = Plan(images=int(row["tile_m"]), rows=1, columns=1, halo="keep", pinned=False)
    found = cost_of(nests, strips, _inner())
    assert found is not None, "a strip fits the buffer"
    return found


@cache
def _inner() -> Inner:
    return Inner(machine(), "latency", Watch())


def rows() -> list[Row]:
    """Mean errors and rankings."""
    table, pairs = read("tileflow_products"), read("tileflow_fused")
    rtl = products(table, "rtl_cycles")
    given = Effort(given={row: mapping(one) for row, one in enumerate(table)})
    single = latencies_s(machine(), rtl.table, given) * CLOCK_HZ, rtl.seconds
    both = np.array([fused(one).latency_s for one in pairs]) * CLOCK_HZ, column(pairs, "rtl_cycles")
    return [
        *_scored("products", *single, Made.EVALUATE, _NOTE),
        *_scored("pairs of products, fused", *both, Made.GIVEN, _FUSED),
    ]


def _scored(what: str, ours: Floats, rtl: Floats, made: Made, note: str) -> list[Row]:
    """Mean error and ranking of some cycles."""
    figures = {"mean error": (1 + mean_error(ours, rtl), "x"), "Kendall's tau": (tau(ours, rtl), "")}
    return [
        Row(
            quantity=f"{len(ours)} {what}: {name}",
            unit=unit,
            published=1.0,
            ours=value,
            tolerance=None,
            made=made,
            source=SOURCE,
            evidence=Evidence.SIMULATED,
            note=note if unit else "1 is the same ranking.",
        )
        for name, (value, unit) in figures.items()
    ]
