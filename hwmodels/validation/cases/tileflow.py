"""TileFlow's RTL: a 16 x 16 array behind a memory of four words a cycle."""

from hwmodels.components.main_memory import main_memory
from hwmodels.components.tables import read
from hwmodels.level import Level, Prices
from hwmodels.levels import LevelMachine
from hwmodels.machine import Effort
from hwmodels.mapping.mapping import LevelMapping, Mapping
from hwmodels.validation.row import Evidence, Row
from hwmodels.validation.silicon.products import latencies_s, mean_error, products, tau

TITLE = "TileFlow: RTL cycles of matrix products under given tiles"
SOURCE = "github pku-liang/TileFlow@d72d2783, validation data"
SIDE, CLOCK_HZ, WORD_BITS = 16, 1e9, 16

_NOTE = (
    "1 and the mean absolute error; no aim. Products that take their reduction in several tiles: the RTL "
    "fetches both tiles anew at every step even where one has not changed, which a mapping does not say. "
    "Reads and writes of memory have four words a cycle each."
)


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


def rows() -> list[Row]:
    """Mean error and ranking."""
    table = read("tileflow_products")
    rtl = products(table, "rtl_cycles")
    given = Effort(given={row: mapping(one) for row, one in enumerate(table)})
    ours = latencies_s(machine(), rtl.table, given) * CLOCK_HZ
    figures = {
        "mean error": (1 + mean_error(ours, rtl.seconds), "x"),
        "Kendall's tau": (tau(ours, rtl.seconds), ""),
    }
    return [
        Row(
            quantity=f"{len(ours)} products: {name}",
            unit=unit,
            published=1.0,
            ours=value,
            tolerance=None,
            source=SOURCE,
            evidence=Evidence.SIMULATED,
            note=_NOTE if unit else "1 is the same ranking.",
        )
        for name, (value, unit) in figures.items()
    ]
