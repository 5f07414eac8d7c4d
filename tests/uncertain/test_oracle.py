"""Sums of parts against machines packed again and walked tile by tile, and against the kernels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dse
import hwmodels
from dse.strategies.problem import work_of
from dse.uncertain.draws import Draws
from dse.uncertain.table import PER_MEMORY, declared
from dse.uncertain.trial import Trial, memories_of
from tests.oracles import uncertain as oracle
from tests.uncertain.small import network, spaces

SAMPLES = 4
EVERYTHING = {"all": 0.3, "clock": 0.2, "main_memory_bandwidth": ("uniform", 0.6)}


def factor_of(stressed, sample, memory):
    draws = stressed.draws.iloc[sample]
    return lambda name: float(draws[f"{name}[{memory}]" if name in PER_MEMORY else name])


@settings(max_examples=25, deadline=None)
@given(space=spaces(), seed=st.integers(0, 10**6), objective=st.sampled_from(["edp", "latency", "energy"]))
def test_every_sample_equals_the_perturbed_machines(space, seed, objective):
    sweep = dse.sweep(network(), space, mapping_objective=objective, progress=False, workers=1)
    got = dse.stress(sweep, SAMPLES, seed, EVERYTHING, workers=1)
    feasible = sweep.frame.index[sweep.frame["feasible"]]
    counts = dict.fromkeys(feasible, 0)
    every = {index: [] for index in feasible}
    for sample in range(SAMPLES):
        values = []
        for index in feasible:
            machine = space[index]
            factor = factor_of(got, sample, machine.main_memory.name)
            values.append(oracle.cost(sweep.layers, machine, factor, objective))
            every[index].append(values[-1])
        kept = oracle.on_front(rounded(values))
        assert got.sizes[sample] == kept.sum()
        for index, on in zip(feasible, kept, strict=True):
            counts[index] += int(on)
    for index, count in counts.items():
        known = got.table["probability"].get(index, 0.0)
        assert known == count / SAMPLES
    for index, row in got.table.iterrows():
        for objective_name, column in zip(
            ("latency_s", "energy_j", "area_mm2"), zip(*every[index], strict=True), strict=True
        ):
            for share, name in ((0.05, "p05"), (0.5, "p50"), (0.95, "p95"), (0.95, "robust")):
                wanted = np.quantile(column, share)
                assert row[f"{objective_name} {name}"] == pytest.approx(wanted, rel=1e-10)  # other sums
    robust = oracle.on_front(rounded([np.quantile(every[index], 0.95, axis=0) for index in feasible]))
    assert set(got.robust.index) == set(feasible[robust])


def rounded(values):
    """Eleven digits: what two ways of summing agree in, so that equal designs stay equal."""
    return [tuple(float(f"{value:.10e}") for value in row) for row in values]


@pytest.mark.compiled
@pytest.mark.parametrize("name", ["systolic", "sparse", "spring"])
def test_a_sample_is_what_the_kernels_give_for_perturbed_columns(name):
    """Mappings chosen by latency depend on no energy, so that the sweep's own path is a twin at full size."""
    space = dse.named_space(name)
    index = np.sort(space.sample(12, seed=3))
    memories = memories_of(space)
    rows = declared({"main_memory_bandwidth": 0}, memories)
    draws = Draws.of(rows, memories, 3, 5)
    work = work_of("mobilenet_v2")
    columns = ("latency_s", "energy_j", "area_mm2", "power_w", "edp_js", "-utilisation", "footprint_mm2")
    columns = (*columns, "temperature_c", "static_energy_j", "control_energy_j", "dram_read_bytes")
    objectives = dse.metrics.objectives_of(columns)
    trial = Trial(space, (work,), None, objectives, "latency", draws)
    designs = trial.designs(index, None)
    tried = trial.tried(designs)
    values = trial.values(tried)
    least = trial.least(designs)
    assert (least <= values).all()
    compared = 0
    for sample in range(3):
        for row, point in enumerate(index):
            machine = space[int(point)]
            one = draws.at(slice(sample, sample + 1))
            code = np.array([memories.index(machine.main_memory.name)])
            configs = oracle.perturbed(machine, lambda n, o=one, c=code: float(o.factor(n, c)[0, 0]))
            found = hwmodels.evaluate(work.layers, configs, "latency")
            wanted = [getattr(found, o.column)[0] * (-1 if o.maximise else 1) for o in objectives]
            if found.feasible[0]:
                compared += 1
                assert values[row, sample] == pytest.approx(wanted, rel=1e-12)  # rounding of other sums
    assert compared >= 18
