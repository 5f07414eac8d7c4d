"""Our mapper in Timeloop's constrained mapspaces: the proved optima, and nothing worse than it found."""

import json

import pytest

from hwmodels.interop.timeloop import load, map_project
from hwmodels.interop.timeloop_report import map_report
from tests.interop.goldens import REASON, ROOT, TOTALS, Case, folder, inputs

pytestmark = [pytest.mark.published, pytest.mark.skipif(not ROOT.is_dir(), reason=REASON)]

# Mappings of the two exhaustively searched spaces, as Timeloop counted them (result.json, "total").
EXHAUSTIVE = {
    ("eyeriss_like", "fc_512_1000", "edp_linear_exhaustive"): 269_500,
    ("eyeriss_like", "r18_l3_3x3", "edp_linear_exhaustive"): 326_700,
}
# The two single-register machines leave 4e26 mappings open and take seconds; their optimum is a benchmark.
QUICK = [case for case in TOTALS if not case[0].startswith("simple")]


@pytest.mark.parametrize("case", EXHAUSTIVE, ids="-".join)
def test_proved_optima_are_found_in_the_same_space(case: Case) -> None:
    result, certificate = map_project(load(inputs(case)), "edp")
    cycles, energy_uj, proved = TOTALS[case]
    assert proved
    assert result.edp_uj_mcycle == pytest.approx(
        cycles * energy_uj * 1e-6, rel=1e-4
    )  # last printed digit of energy
    assert certificate.represented == EXHAUSTIVE[case]
    assert json.loads((folder(case) / "result.json").read_text())["total"] == EXHAUSTIVE[case]
    assert certificate.costed + sum(certificate.pruned.values()) == certificate.represented


@pytest.mark.parametrize("case", QUICK, ids="-".join)
@pytest.mark.compiled
def test_nothing_is_worse_than_what_timeloop_found(case: Case) -> None:
    result, certificate = map_project(load(inputs(case)), "edp")
    cycles, energy_uj, _ = TOTALS[case]
    assert result.edp_uj_mcycle <= cycles * energy_uj * 1e-6 * (1 + 1e-4)
    assert result.evaluation.feasible
    assert certificate.optimal


def test_the_report_carries_the_certificate() -> None:
    report = map_report(inputs(("eyeriss_like", "fc_512_1000", "edp_linear_exhaustive")), "edp")
    assert json.loads(json.dumps(report))["certificate"]["represented"] == 269_500
