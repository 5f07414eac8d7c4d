"""Other prices: the account of every model with its lines' prices multiplied one by one."""

import numpy as np
import pytest

import hwmodels
import workloads
from hwmodels.repriced import CONSTANTS, STANDING_COLUMNS, energies_j, repriced, stacked

FACTORS = {
    **{constant: 1.0 + 0.1 * i for i, constant in enumerate(CONSTANTS.values(), 1)},
    "logic_leakage": 0.5,
    "buffer_leakage": 3.0,
    "main_memory_background": 1.7,
    "main_memory_bandwidth": 0.9,
    "logic_area": 1.1,
    "buffer_area": 0.8,
    "memory_area": 1.3,
    "clock": 0.25,
}


def factor(name):
    return np.array([[1.0, FACTORS[name]]])


@pytest.mark.parametrize("name", ["edge_16x16", "spring", "simba_like"])
def test_energies_are_counts_times_other_prices(name):
    """Line by line: every price times its constant's factor, leakage and standby as they stand then."""
    machine = hwmodels.load(name)
    layers = workloads.load("lenet_300_100").table()
    configs = machine.model.pack(machine)
    account = machine.model.account(layers, configs)
    nominal = account.totals(layers.repeats)
    metrics = {f"{part}_energy_j": np.array([nominal[f"{part}_energy_j"]]) for part in CONSTANTS}
    got = energies_j(configs, metrics, factor, np.full((1, 2), nominal["latency_s"]))
    powers = repriced(configs, factor)
    for i, line in enumerate(account.lines):
        if line.timed:
            column = "leakage_w" if line.component == "leakage" else "dram_background_w"
            account.sheet.prices_pj[i] = powers[column][0, 1] * 1e12
        else:
            account.sheet.prices_pj[i] *= FACTORS[CONSTANTS[line.part]]
    wanted = account.totals(layers.repeats)
    for part, joules in got.items():
        assert joules[0, 1] == pytest.approx(wanted[f"{part}_energy_j"], rel=1e-12), part
    assert sum(joules[0, 0] for joules in got.values()) == pytest.approx(nominal["energy_j"], rel=1e-12)


def test_a_factor_of_one_is_the_nominal_technology_bit_for_bit():
    configs = hwmodels.pack(hwmodels.load("spring"))
    same = repriced(configs, lambda name: np.ones((1, 3)))
    assert set(same) == set(STANDING_COLUMNS)
    for name, column in same.items():
        assert (column == getattr(configs, name)[0]).all(), name


def test_the_vias_of_a_stack_carry_what_its_own_clock_gives():
    """A slower chip moves fewer bytes through the same vias; those of the nominal clock are enough."""
    machine = hwmodels.load("spring").replace({"stacking.temperature_limit_c": 400.0})
    configs = hwmodels.pack(machine)
    assert configs.memory_tier[0] > 0
    parts = {part: np.full((1, 2), 1e-6) for part in CONSTANTS}
    latency = np.ones((1, 2))

    def slow(name):
        return np.array([[1.0, 1e-6 if name == "clock" else 1.0]])

    assert stacked(configs, parts, slow, latency).feasible.tolist() == [1, 0]
