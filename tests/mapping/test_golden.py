"""Eleven mappings that Timeloop 3.0.3 found cost the engine, under its rules, what Timeloop printed."""

import json
from pathlib import Path

import pytest

from hwmodels.mapping import (
    TIMELOOP,
    Architecture,
    LevelMapping,
    Mapping,
    Operand,
    Problem,
    StorageLevel,
    evaluate,
)

TABLE = json.loads((Path(__file__).parents[1] / "golden" / "loop_nests.json").read_text(encoding="utf-8"))
CASES = {f"{case['machine']}-{case['shape']}-{case['search']}": case for case in TABLE["cases"]}


def tuples(value):
    return tuple(tuples(one) for one in value) if isinstance(value, list) else value


def architecture_of(fields):
    levels = [
        {**level, "operands": frozenset(level["operands"])} if "operands" in level else level
        for level in fields["levels"]
    ]
    return Architecture(**{**fields, "levels": tuple(StorageLevel(**level) for level in levels)})


def problem_of(fields):
    operands = [Operand(**{**one, "ranks": tuples(one["ranks"])}) for one in fields["operands"]]
    sizes = fields["dimensions"]
    return Problem(
        name="golden", dimensions=tuple(sizes), bounds=tuple(sizes.values()), operands=tuple(operands)
    )


def mapping_of(levels):
    return Mapping(
        levels=tuple(
            LevelMapping(
                **{
                    name: frozenset(value) if name == "keep" else tuples(value)
                    for name, value in level.items()
                }
            )
            for level in levels
        )
    )


def test_there_are_eleven():
    assert len(CASES) == 11


@pytest.mark.published
@pytest.mark.parametrize("name", CASES)
def test_counts_cycles_and_energy_are_timeloops(name):
    case = CASES[name]
    found = evaluate(
        problem_of(case["problem"]),
        architecture_of(TABLE["machines"][case["machine"]]),
        mapping_of(case["mapping"]),
        TIMELOOP,
    )
    assert found.feasible
    assert found.cycles == case["cycles"]
    assert found.energy_pj * 1e-6 == pytest.approx(case["energy_uj"], abs=0.005)  # last printed digit
    got = {f"{counts.level}.{counts.operand}": counts for counts in found.counts}
    assert got.keys() == case["counts"].keys()
    for at, (reads, fills, updates, tile_words, instances, energy_pj) in case["counts"].items():
        counts = got[at]
        each = [counts.reads, counts.fills, counts.updates]
        assert [words / counts.instances for words in each] == [reads, fills, updates], at
        assert (counts.tile_words, counts.instances) == (tile_words, instances), at
        assert counts.energy_pj == pytest.approx(energy_pj, rel=1e-5), at  # prices are floats there
