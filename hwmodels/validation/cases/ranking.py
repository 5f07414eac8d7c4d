"""Designs of one space, ranked by two other tools and by ours, each with its best mappings."""

import dataclasses

import numpy as np

from hwmodels.components.main_memory import main_memory
from hwmodels.components.tables import Floats, column, read
from hwmodels.level import Level, MacPrices, Prices
from hwmodels.levels import LevelMachine
from hwmodels.mapping.constraints import Constraints, LevelConstraints, only
from hwmodels.parts import Datapath
from hwmodels.question import Question
from hwmodels.validation.row import Evidence, Made, Row
from hwmodels.validation.silicon.products import mean_error, product_table, tau

TITLE = "Ranking: designs of one space by AccelForge, by Timeloop and by ours"
M, K, N = 64, 48, 96
WORD_BITS, CLOCK_HZ = 16, 1e9
MAC_PJ, DRAM_PJ, BUFFER_PJ = 1.0, 200.0, 1.5
BUFFER_WORDS_PER_CYCLE = 32
TOOLS = {
    "accelforge": "AccelForge 1.0.467 (PyPI), its optimum, run for this table",
    "timeloop": "Timeloop v3.0.3 (github NVlabs/timeloop@6b41058), the best of 6,000 mappings drawn at "
    "random, run for this table",
}

_SPACE = (
    "A product of 64 x 48 by 48 x 96 on weight-stationary arrays of 8 or 16 rows and columns, a buffer of "
    "1,024, 4,096 or 16,384 words, a memory of 2 or 8 words a cycle; the same prices for every tool, each "
    "design under the mapping that the tool itself finds best."
)


def machine(row: dict[str, str]) -> LevelMachine:
    """A design: a weight in each PE, a buffer of everything, a memory."""
    words, everything = int(row["buffer_words"]), frozenset("WIO")
    access = Prices(**dict.fromkeys(("read_pj", "fill_pj", "update_pj"), BUFFER_PJ * (words / 1024) ** 0.5))
    return LevelMachine(
        name="ranked",
        levels=(
            Level(
                name="weights",
                kind="registers",
                bytes=WORD_BITS // 8,
                operands=("weight",),
                word_bits=WORD_BITS,
                prices=Prices(),
            ),
            Level(
                name="buffer",
                bytes=words * WORD_BITS // 8,
                word_bits=WORD_BITS,
                fanout_x=int(row["cols"]),
                fanout_y=int(row["rows"]),
                shared_port_bits=BUFFER_WORDS_PER_CYCLE * WORD_BITS,
                prices=access,
            ),
            Level(
                name="dram",
                kind="main_memory",
                word_bits=WORD_BITS,
                bytes_per_s=1e15,
                shared_port_bits=int(row["dram_words_per_cycle"]) * WORD_BITS,
                prices=Prices(read_pj=DRAM_PJ, fill_pj=DRAM_PJ, update_pj=DRAM_PJ),
            ),
        ),
        main_memory=dataclasses.replace(main_memory("sram_only"), background_w=0.0, refresh_w=0.0),
        clock_hz=CLOCK_HZ,
        datapath=Datapath(
            weight_bits=WORD_BITS, input_bits=WORD_BITS, output_bits=WORD_BITS, accumulator_bits=WORD_BITS
        ),
        mapspace=Constraints(
            levels=(
                LevelConstraints(level="weights", temporal=only("N"), keep=frozenset("W")),
                LevelConstraints(
                    level="buffer", spatial_x=frozenset("K"), spatial_y=frozenset("C"), keep=everything
                ),
                LevelConstraints(level="dram", keep=everything),
            )
        ),
        mac=MacPrices(energy_pj=MAC_PJ),
        source="stated for the comparison",
    )


def scores(tool: str) -> tuple[Floats, Floats]:
    """Energy x latency [pJ cycles] of every design, ours and the tool's."""
    rows = [row for row in read("ranking") if row["tool"] == tool]
    layers = product_table(np.array([M]), np.array([N]), np.array([K]))
    ours = []
    for row in rows:
        costs = Question(layers, machine(row)).operations()
        ours.append(costs["energy_j"][0] * 1e12 * costs["latency_s"][0] * CLOCK_HZ)
    return np.array(ours), column(rows, "cycles") * column(rows, "energy_pj")


def rows() -> list[Row]:
    """Kendall's tau, and the mean error, against every tool."""
    found = []
    for tool, source in TOOLS.items():
        ours, theirs = scores(tool)
        figures = {
            "Kendall's tau of energy x latency": (tau(ours, theirs), ""),
            "mean error of energy x latency": (1 + mean_error(ours, theirs), "x"),
        }
        found += [
            Row(
                quantity=f"{len(ours)} designs by {source.split()[0]}: {name}",
                unit=unit,
                published=1.0,
                ours=value,
                tolerance=None,
                made=Made.EVALUATE,
                source=source,
                evidence=Evidence.SIMULATED,
                note=_SPACE if unit else f"1 is the same ranking. {_SPACE}",
            )
            for name, (value, unit) in figures.items()
        ]
    return found
