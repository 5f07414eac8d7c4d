"""Timeloop v3.0.3's mappings on our engine: equal cycles, equal counts by level and operand, equal energy."""

import json

import pytest

from hwmodels.interop.timeloop import load, model
from hwmodels.interop.timeloop_report import model_report
from tests.interop.goldens import REASON, ROOT, TOTALS, Case, folder, inputs, statistics

pytestmark = [pytest.mark.published, pytest.mark.skipif(not ROOT.is_dir(), reason=REASON)]
each_case = pytest.mark.parametrize("case", TOTALS, ids="-".join)


@each_case
def test_every_count_of_every_level_equals_timeloops(case: Case) -> None:
    result = model(load([*inputs(case), folder(case) / "timeloop-mapper.map.txt"], built_in_fit=True))
    printed = statistics(folder(case) / "timeloop-mapper.stats.txt")
    assert {level: set(operands) for level, operands in result.levels.items()} == {
        level: set(operands) for level, operands in printed.items()
    }
    for level, operands in printed.items():
        for operand, counts in operands.items():
            got = result.levels[level][operand]
            for name in ("reads", "fills", "updates", "tile_words", "instances"):
                assert got[name] == counts[name], (level, operand, name)
            assert got["energy_pj"] == pytest.approx(
                counts["energy_pj"], rel=1e-5
            )  # ERT energies are floats there


@each_case
def test_totals_equal_timeloops(case: Case) -> None:
    result = model(load([*inputs(case), folder(case) / "timeloop-mapper.map.txt"], built_in_fit=True))
    cycles, energy_uj, _ = TOTALS[case]
    assert result.cycles == cycles
    assert result.energy_uj == pytest.approx(energy_uj, abs=0.005)  # last printed digit
    printed = json.loads((folder(case) / "result.json").read_text())
    assert result.utilisation == pytest.approx(printed["util"], abs=0.005)
    assert result.edp_uj_mcycle == pytest.approx(printed["edp"], rel=0.005)  # three printed digits


@each_case
def test_the_mapping_in_yaml_is_the_mapping_in_text(case: Case) -> None:
    files = inputs(case)
    in_yaml = load([*files, folder(case) / "timeloop-mapper.map.yaml"])
    in_text = load([*files, folder(case) / "timeloop-mapper.map.txt"])
    assert in_yaml.mapping == in_text.mapping


def test_the_report_is_json() -> None:
    case = ("eyeriss_like", "r18_l3_3x3", "edp_linear_exhaustive")
    report = model_report([*inputs(case), folder(case) / "timeloop-mapper.map.txt"])
    assert json.loads(json.dumps(report))["certificate"] is None
    assert report["mapping"].startswith("DRAM [ Weights:589824")
