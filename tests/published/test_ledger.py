"""The ledger: every case computes, a missed aim has its reason, the page in docs is what is computed."""

import importlib
import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest

import dse
from dse.cli import main
from hwmodels import validation as ledger
from hwmodels.question import Question
from hwmodels.validation.silicon import tpu_v1

PAGE = Path(__file__).parents[2] / "docs" / "validation.md"
WRONG = PAGE.with_name("wrong.md")


@pytest.mark.published
@pytest.mark.parametrize("case", ledger.cases())
def test_every_case_computes_its_figures(case):
    found = ledger.rows([case])
    assert found
    assert ledger.title(case)
    for row in found:
        assert row.case == case
        assert row.source
        assert math.isfinite(row.ours)
    quantities = [row.quantity for row in found]
    assert len(set(quantities)) == len(quantities)


@pytest.mark.published
@pytest.mark.parametrize("case", ledger.cases())
def test_the_page_says_what_is_computed(case):
    """Regenerate with `springboard validate --markdown > docs/validation.md`."""
    assert ledger.markdown([case]) in PAGE.read_text(encoding="utf-8")


@pytest.mark.published
@pytest.mark.parametrize("case", ledger.cases())
def test_the_page_of_misses_has_those_that_are_computed_and_no_others(case):
    """Regenerate with `springboard validate --wrong > docs/wrong.md`."""
    said = [line for line in WRONG.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {case} |")]
    found = ledger.rows([case])
    assert said == [*ledger.misses(found), *ledger.far(found)]


@pytest.mark.published
def test_misses_are_in_order_and_every_case_is_the_ledgers():
    lines = WRONG.read_text(encoding="utf-8").splitlines()
    starts = [i for i, line in enumerate(lines) if line.startswith("|---")]
    assert len(starts) == 2
    for start in starts:
        ratios = []
        for line in lines[start + 1 :]:
            if not line.startswith("| "):
                break
            cells = [cell.strip() for cell in line.split("|")]
            assert cells[1] in ledger.cases()
            ratios.append(abs(math.log(1 + float(cells[5].rstrip("%")) / 100)))
            assert cells[6] or start == starts[1]
        assert all(a >= b - 0.05 * a for a, b in itertools.pairwise(ratios))


class Told:
    """A network that is nothing but rows, and who reads what."""

    def __init__(self, question):
        self.name, self._question = "told", question

    def table(self, batch=None):
        return self._question.layers

    def edges(self, batch=None):
        return self._question.effort.edges


ASKING = ("cgap", "dstc", "eie", "eyeriss_v1", "eyeriss_v2_pe", "nvdla", "tileflow", "tpu_v1")
"""Cases that ask a machine and take a second; the others ask in the same words."""
SILENT = ("components", "machines", "microscaling")
"""Cases that ask none."""


def computed(case, monkeypatch):
    """Rows of a case, computed anew, with all that was asked for them, how, and the answers."""
    asked = []

    def hearing(name, answer):
        def ask(question):
            found = answer(question)
            asked.append((question, name, found))
            return found

        return ask

    with monkeypatch.context() as patched:
        for name in ("costed", "operations", "account"):
            patched.setattr(Question, name, hearing(name, getattr(Question, name)))
        rows = importlib.import_module(f"hwmodels.validation.cases.{case}").rows()
    return rows, asked


@pytest.mark.published
@pytest.mark.parametrize("case", ASKING)
def test_rows_made_by_evaluate_are_what_dse_evaluate_says(case, monkeypatch):
    tpu_v1.resident_tops.cache_clear()
    rows, asked = computed(case, monkeypatch)
    assert any(row.made is ledger.Made.EVALUATE for row in rows)
    assert asked
    kinds = {
        (name, question.effort.schedule is None): (question, name, found) for question, name, found in asked
    }
    for question, name, found in [*kinds.values(), asked[0], asked[len(asked) // 2]]:
        effort = question.effort
        result = dse.evaluate(
            Told(question),
            question.machine,
            mapping_objective=question.objective,
            schedule="layers" if effort.schedule is None else effort.schedule.name,
            mappings={f"operation {row}": mapping for row, mapping in effort.given.items()},
        )
        if name == "costed":
            assert result.totals["latency_s"] == found[1].latency_s[0]
            assert result.totals["energy_j"] == found[1].energy_j[0]
            continue
        costs = found if name == "operations" else found.operations()
        for column in ("latency_s", "energy_j", "compute_cycles", "dram_read_bytes"):
            np.testing.assert_array_equal(result.operations[column], costs[column])
        if name == "account":
            entered = found.sheet.counts.sum(axis=0) @ found.sheet.prices_pj
            assert result.breakdown("component")["energy_j"].sum() == pytest.approx(
                entered * 1e-12, rel=1e-12
            )


@pytest.mark.published
@pytest.mark.parametrize("case", SILENT)
def test_rows_that_ask_no_machine_say_so(case, monkeypatch):
    rows, asked = computed(case, monkeypatch)
    assert not asked
    assert all(row.made is not ledger.Made.EVALUATE for row in rows)


def row(**changes):
    given = {"quantity": "q", "unit": "ms", "published": 10.0, "ours": 10.4, "tolerance": 0.05, "source": "t"}
    given["made"] = ledger.Made.RULE
    return ledger.Row(**{**given, **changes})


def test_a_row_holds_within_its_tolerance():
    assert row().holds is True
    assert row(tolerance=None).holds is None
    assert row(ours=9.4, note="why").holds is False
    assert row().error == pytest.approx(0.04, rel=1e-12)


def test_a_row_refuses_what_it_cannot_judge():
    with pytest.raises(ValueError, match=r"Row\.published of q: a relative error needs a figure"):
        row(published=0.0)
    with pytest.raises(ValueError, match=r"Row\.tolerance of q must not be negative"):
        row(tolerance=-0.1)
    with pytest.raises(ValueError, match=r"Row\.note of q: a missed aim needs its reason"):
        row(ours=20.0)


def test_the_command_prints_a_table_json_and_the_page(capsys):
    assert main(["validate", "--case", "nvdla"]) == 0
    out = capsys.readouterr().out
    assert "alexnet: frame, from shapes" in out
    assert "aims hold" in out
    assert main(["validate", "--case", "nvdla", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["made_by"] for row in found[:3]] == ["evaluate", "rule", "rule"]
    assert found[0]["holds"] is None
    assert found[1]["holds"] is True
    assert found[1]["published"] == 895443.5625
    assert main(["validate", "--case", "nvdla", "--markdown"]) == 0
    assert capsys.readouterr().out == ledger.markdown(["nvdla"])


def test_an_unknown_case_is_one_clear_line(capsys):
    assert main(["validate", "--case", "eyeris"]) == 2
    assert "the ledger has no case 'eyeris'; it has" in capsys.readouterr().err
    assert main(["validate", "--json", "--markdown"]) == 2
    assert "exclude each other" in capsys.readouterr().err
