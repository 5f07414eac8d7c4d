"""Of mappings as quick as each other machines of levels take the one that needs the least energy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.counts.form import form_of
from hwmodels.counts.sets import covered
from hwmodels.machine import BEST
from hwmodels.mapping import LevelMapping, Mapping, Watch, map_problem
from hwmodels.mapping.certificate import OBJECTIVES
from hwmodels.models import nest_mappings
from hwmodels.models.nest_mappings import problem_of
from tests.counts.test_sweep import pad_buffer_memory
from tests.machines.test_levels import machine, nest, table
from tests.machines.test_zeros import totals, two_levels, with_zeros

PADS = pad_buffer_memory()  # count sets serve products on it
EQUAL = 1 + 1e-12


def slow_memory(one):
    """The same machine waiting for main memory, so that much is as quick as the best."""
    return one.replace({"main_memory": "ddr3", "clock_hz": 1e9})


@pytest.mark.compiled
@settings(max_examples=12, deadline=None)
@given(
    one=st.sampled_from((machine(), PADS, slow_memory(PADS), machine(clock_hz=1e8))),
    sizes=st.fixed_dictionaries({name: st.integers(1, 12) for name in "kcp"}),
    window=st.sampled_from((1, 1, 3)),
)
def test_nothing_as_quick_takes_less_energy(one, sizes, window):
    """Whatever objective finds it, with count sets and without."""
    layers = table(nest(**sizes, r=window))
    quick, *others = (totals(layers, one, objective) for objective in OBJECTIVES)
    for other in others:
        assert other["feasible"] == quick["feasible"]
        assert quick["latency_s"] <= other["latency_s"] * EQUAL
        if other["latency_s"] <= quick["latency_s"] * EQUAL:
            assert quick["energy_j"] <= other["energy_j"] * EQUAL


def test_one_of_the_machines_is_served_by_count_sets():
    layers = table(nest(k=6, c=4, p=2))
    form = form_of(PADS.architecture, PADS.mapspace, PADS.factors, PADS.rules)
    assert form is not None
    assert covered(problem_of(layers, 0), PADS.rules, form)


class Late(Watch):
    """A watch whose time is up just when a search has come to its end."""

    def over(self) -> bool:
        """See `Watch.over`."""
        return False

    def left(self) -> float:
        """See `Watch.left`."""
        return -0.5


@pytest.mark.compiled
def test_time_that_is_up_at_the_end_of_the_proof_is_no_refusal(monkeypatch):
    """What was proved stands; that nothing as quick takes less energy is not, and is kept for nobody else."""
    one, layers = machine(), table(nest(k=4, c=4, p=4))
    result = map_problem(problem_of(layers, 0), one.architecture, "latency", watch=Late())
    assert result.certificate.optimal
    assert not result.certificate.thriftiest
    assert "as quick" in str(result.certificate)

    nest_mappings.MAPPED.clear()
    alone = totals(layers, one, "latency")
    nest_mappings.MAPPED.clear()
    with monkeypatch.context() as patch:
        patch.setattr(nest_mappings, "Watch", Late)
        limited = totals(layers, one, "latency", BEST._replace(limit_s=1.0, kept={}))
    assert limited["feasible"]
    assert limited["latency_s"] == alone["latency_s"]
    assert totals(layers, one, "latency") == alone
    assert alone["energy_j"] < limited["energy_j"]


def test_of_formats_as_quick_as_each_other_a_given_mapping_takes_the_thriftier():
    """The MACs take their time with either format; of a tensor that is mostly zero fewer words move."""
    loops = {"pad": (("K", 4),), "dram": (("C", 4),)}
    mapping = Mapping(
        levels=tuple(
            LevelMapping(level=name, temporal=some, keep=frozenset("WIO")) for name, some in loops.items()
        )
    )
    layers = with_zeros(table(nest(k=4, c=4)), 0.25, 1.0)
    effort = BEST._replace(given={0: mapping})
    joules = {
        form: totals(
            layers,
            two_levels(
                **{"levels.dram.sparsity.weight.format": form, "sparsity.mac": "none", "main_memory": "hbm2"}
            ),
            "latency",
            effort,
        )
        for form in ("dense", "bitmask", "dense|bitmask", "bitmask|dense")
    }
    assert joules["dense"]["latency_s"] == joules["bitmask"]["latency_s"]
    least = min(joules["dense"]["energy_j"], joules["bitmask"]["energy_j"])
    assert least < max(joules["dense"]["energy_j"], joules["bitmask"]["energy_j"])
    assert joules["dense|bitmask"]["energy_j"] == joules["bitmask|dense"]["energy_j"] == least
