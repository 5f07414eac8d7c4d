"""Prices from 65 to 5 nm against figures that they are not made of; aims that can be missed."""

import importlib

import pytest

import hwmodels
from hwmodels import validation as ledger
from hwmodels.published import published
from hwmodels.validation import Evidence

CASE = importlib.import_module("hwmodels.validation.cases.components")


@pytest.mark.published
def test_two_dozen_component_figures_within_35_percent():
    """Each with its source in the case; none is an anchor of the tables, none fitted to a machine."""
    close = [case for case in CASE.CHECKS if abs(case.ours() / case.published - 1) <= 0.35]
    assert len(close) >= 24
    assert sum(case.node_nm <= 16 for case in close) >= 12
    assert all(case.source for case in CASE.CHECKS)
    assert len({case.quantity for case in (*CASE.ANCHORS, *CASE.CHECKS)}) == len(CASE.ANCHORS) + len(
        CASE.CHECKS
    )


@pytest.mark.published
def test_anchors_are_met_exactly_and_count_as_no_aim():
    for row in ledger.rows(["components"]):
        if row.evidence is Evidence.DERIVED:
            assert row.error == pytest.approx(0, abs=1e-6)
            assert not row.aimed


def test_a_derived_row_is_no_aim():
    given = {"quantity": "q", "unit": "", "published": 1.0, "ours": 1.0, "tolerance": 0.1, "source": "t"}
    given["made"] = ledger.Made.PRICE
    assert ledger.Row(**given).aimed
    assert not ledger.Row(**given, evidence=Evidence.DERIVED).aimed
    assert not ledger.Row(**{**given, "tolerance": None}).aimed
    with pytest.raises(ValueError, match=r"Row\.tolerance of q: a figure of ours beside another has no aim"):
        ledger.Row(**given, evidence=Evidence.OURS)


@pytest.mark.parametrize("machine", ["tpu_v1", "scnn", "gtx_1080_ti", "eyeriss_v1", "a100_2_4"])
def test_a_data_sheet_never_passes_a_computed_figure_off_as_published(machine):
    sheet = str(hwmodels.load(machine)).splitlines()
    for quantity, figure in published(machine).items():
        scale = 1e-9 if quantity.startswith("peak") else 1.0
        (line,) = [
            one
            for one in sheet
            if one.strip().startswith(f"published  {quantity.split('_')[0]} ")
            or ("published" in one and f" {quantity.split('_')[0]} {figure.value * scale:.4g} " in one)
        ]
        assert "; computed " in line
        assert figure.source in line
    (area,) = [one for one in sheet if one.strip().startswith("area")]
    assert "(computed)" in area or "(reported modules)" in area
