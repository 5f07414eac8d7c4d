"""One account: counts times prices, of which every report is made, equal the scores of searches."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwmodels
from hwmodels import lines
from hwmodels.accounting import COSTS, PARTS, Account, Entry, blank_sheet, energies_pj
from hwmodels.batch import account_operations, evaluate
from hwmodels.columns import BOUNDS
from hwmodels.kernels.template import template
from hwmodels.kernels.two_level import bound
from hwmodels.kernels.two_level import lines as two_level
from hwmodels.machine import BEST
from hwmodels.models.nest_mappings import key_of, mapping_of
from tests.dse import tiny
from tests.hwmodels.tables import config_table, layer_table
from tests.hwmodels.test_tiling import OBJECTIVES, machines, nests, sparse, wired
from workloads.table import Kind

SUMMED = ("latency_s", "energy_j", "compute_cycles", "dram_read_bytes", "dram_write_bytes")


def sums(columns, repeats):
    names = (*SUMMED, *(f"{part}_energy_j" for part in PARTS))
    return {name: float(repeats @ columns[name]) for name in names}


@settings(max_examples=100, deadline=None)
@given(
    pair=sparse() | st.tuples(nests(), machines() | wired()),
    more=st.lists(nests(), max_size=2),
    objective=st.sampled_from(OBJECTIVES),
)
def test_what_a_batch_costs_is_its_account(pair, more, objective):
    nest, machine = pair
    layers, configs = layer_table([nest, *more]), config_table(machine)
    layers.repeats[:] = np.arange(1, layers.rows + 1)
    configs.dram_capacity_bytes[:], configs.memory_tier[:] = 1e18, -1
    whole = evaluate(layers, configs, objective)
    account = account_operations(layers, configs, objective)
    columns = account.operations()
    if not whole.feasible[0]:
        assert columns["limit"].any()
        assert np.isnan(columns["energy_j"][columns["limit"] > 0]).all()
        return
    assert (account.sheet.counts >= 0).all()
    assert (account.sheet.busy_s >= 0).all()
    for name, value in sums(columns, layers.repeats).items():
        assert getattr(whole, name)[0] == pytest.approx(value, rel=1e-12), name


@pytest.mark.compiled
@pytest.mark.parametrize("name", hwmodels.names())
def test_every_machine_accounts_for_its_totals(name):
    machine, network = hwmodels.load(name), tiny.network()
    layers = network.table()
    configs = machine.model.pack(machine)
    whole = machine.model.evaluate(layers, configs)
    account = machine.model.account(layers, configs)
    columns = account.operations()
    assert tuple(columns)[: len(COSTS)] == COSTS
    repeats = layers.repeats
    for column, value in sums(columns, repeats).items():
        if column.removesuffix("_energy_j") in PARTS and np.isnan(getattr(whole, column)[0]):
            assert value == 0  # what a model has not is NaN in its totals
            continue
        assert getattr(whole, column)[0] == pytest.approx(value, rel=1e-12), column
    frame = account.breakdown(network.row_names, repeats)
    assert (frame[["count", "price_pj", "energy_j"]] >= 0).all(axis=None)
    assert frame["energy_j"].sum() == pytest.approx(whole.energy_j[0], rel=1e-12)
    by_operation = frame.groupby("operation", sort=False)["energy_j"].sum()
    for row, operation in enumerate(network.row_names):
        each = repeats[row] * columns["energy_j"][row]
        assert by_operation.get(operation, 0.0) == pytest.approx(each, rel=1e-12)


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["eyeriss_v1", "simba_like", "nvdla_like", "tpu_v1"])
@pytest.mark.parametrize("objective", OBJECTIVES)
def test_mappings_of_levels_are_chosen_by_what_they_cost(name, objective):
    """The engine's score of the winner, all that draws power counted in, is the operation's account."""
    machine, layers = hwmodels.load(name), tiny.network().table()
    columns = machine.model.account(layers, machine.model.pack(machine), objective).operations()
    key = key_of(machine, objective, BEST)
    for row in np.flatnonzero(layers.kind == Kind.NEST):
        found = mapping_of(layers, int(row), machine, key, BEST).evaluation
        assert columns["energy_j"][row] == pytest.approx(found.energy_pj * 1e-12, rel=1e-12)
        assert columns["latency_s"][row] == pytest.approx(found.cycles / machine.clock_hz, rel=1e-12)


def test_the_slowest_resource_is_the_bound_and_memory_hides():
    """By hand: 2 counts at 3 pJ; the port is slower than the array, main memory slower than both."""
    kinds = (lines.Line("MAC", "", "work", "MAC", "mac"), *lines.STANDING)
    sheet = blank_sheet(kinds, BOUNDS, 2)
    sheet.prices_pj[:] = 3.0, 1e12, 0.0  # leakage of a watt
    sheet.counts[:, 0] = 2.0
    sheet.busy_s[:, bound.COMPUTE], sheet.busy_s[:, bound.WEIGHT_PORT] = 1.0, 2.0
    sheet.busy_s[1, bound.MAIN_MEMORY] = 4.0
    sheet.waits[:] = [[0.5, 0.25, bound.COMPUTE], [0.5, 1.0, bound.COMPUTE]]
    carried = {name: np.zeros(2) for name in ("compute_cycles", "dram_read_bytes", "dram_write_bytes")}
    found = Account(kinds, BOUNDS, sheet, carried).operations()
    assert found["latency_s"].tolist() == [0.5 + 0.25 + 2.0, 0.5 + 4.0]
    assert [BOUNDS[code] for code in found["bound"]] == ["weight port", "main memory"]
    assert found["compute_s"].tolist() == [2.0, 2.0]
    assert found["static_energy_j"].tolist() == [2.75, 4.5]
    assert found["mac_energy_j"].tolist() == [6e-12, 6e-12]


def test_entries_are_summed_by_whatever_is_asked():
    one, two = lines.Line("a", "weight", "read", "byte", "buffer"), lines.Line("b", "", "work", "MAC", "mac")
    entries = [Entry(one, 2.0, 3.0), Entry(two, 1.0, 4.0), Entry(one, 1.0, 1.0)]
    assert energies_pj(entries, lambda line: line.component, ("c",)) == {"c": 0.0, "a": 7.0, "b": 4.0}


def test_kernels_and_tables_number_the_same_lines():
    for kernels, table in ((two_level, lines.TWO_LEVEL), (template, lines.TEMPLATE)):
        first, second = kernels.LEAKAGE, kernels.STANDBY
        assert (first, second) == (len(table) - 2, len(table) - 1)
        assert table[-2:] == lines.STANDING
        memory = [i for i, line in enumerate(table) if line.part == "dram"]
        names = [kernels.DRAM_READS_OF_WEIGHTS, kernels.DRAM_READS_OF_INPUTS, kernels.DRAM_READS_OF_SUMS]
        assert memory == [*names, kernels.DRAM_WRITES]
    assert all(line.part in PARTS for line in (*lines.TWO_LEVEL, *lines.TEMPLATE))
    codes = (bound.COMPUTE, bound.WEIGHT_PORT, bound.INPUT_PORT, bound.OUTPUT_PORT, bound.SHARED_PORT)
    assert (*codes, bound.MAIN_MEMORY, bound.VECTOR, bound.FRONT_END) == tuple(range(len(BOUNDS)))
