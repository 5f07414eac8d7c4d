"""Stacks, dies and carbon: by hand, by law, against printed figures."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.components import carbon, cost, spring, stacking
from tests.oracles import heat

areas = st.lists(st.floats(0.1, 500), min_size=1, max_size=4)


def test_two_monolithic_tiers_by_hand() -> None:
    """100 mm2; 0.25 K/W sink, 50 um of 4 W/mK, 300 um of 120 W/mK; 0.1 um of 1.4 and 1 um of 0.85."""
    got = stacking.stack([100.0, 80.0], [10.0, 4.0])
    below = 0.25 + (50 / 4 + 300 / 120) / 100
    between = (0.1 / 1.4 + 1.0 / 0.85) / 100
    first = 45 + below * 14
    assert got.footprint_mm2 == 100
    np.testing.assert_allclose(got.temperature_c, [first, first + between * 4], rtol=1e-12)
    np.testing.assert_allclose(got.power_density_w_per_mm2, [0.1, 0.05], rtol=1e-12)


@settings(max_examples=100, deadline=None)
@given(area=areas, seed=st.integers(0, 999), style=st.sampled_from(stacking.STYLES))
def test_stacking_laws(area: list[float], seed: int, style: str) -> None:
    power = np.random.default_rng(seed).uniform(0, 20, len(area))
    got = stacking.stack(area, power, style)
    assert (np.diff(got.temperature_c) >= 0).all()  # heat leaves through tier 0
    hotter = stacking.stack(area, 2 * power, style)
    np.testing.assert_allclose(hotter.temperature_c - 45, 2 * (got.temperature_c - 45), rtol=1e-9)  # linear
    flat = stacking.stack(area, power, "planar")
    assert got.footprint_mm2 <= flat.footprint_mm2 * (1 + 1e-12)
    assert got.temperature_c.max() >= flat.temperature_c.max() - 1e-9
    assert np.ptp(flat.temperature_c) == 0


def test_many_stacks_at_once_equal_one_by_one() -> None:
    rng = np.random.default_rng(0)
    area, power = rng.uniform(1, 100, (50, 3)), rng.uniform(0, 10, (50, 3))
    together = stacking.stack(area, power)
    assert together.footprint_mm2.shape == (50,)
    for i in range(50):
        alone = stacking.stack(area[i], power[i])
        assert all((a[i] == b).all() for a, b in zip(together, alone, strict=True))


def test_styles_may_vary_along_a_column() -> None:
    area, power = np.full((4, 2), 50.0), np.full((4, 2), 5.0)
    together = stacking.stack(area, power, np.arange(4))
    for code, style in enumerate(stacking.STYLES):
        alone = stacking.stack(area[code], power[code], style)
        assert together.footprint_mm2[code] == alone.footprint_mm2
        assert (together.temperature_c[code] == alone.temperature_c).all()
    with pytest.raises(ValueError, match=r"style must be an index into .*, got 4"):
        stacking.stack(area[0], power[0], 4)


def test_bonded_tiers_run_hotter_than_monolithic_ones() -> None:
    styles = ("monolithic", "hybrid_bond", "tsv")
    tops = [stacking.stack([50, 50], [5, 5], style).temperature_c[1] for style in styles]
    assert tops == sorted(tops)
    assert tops[0] < tops[-1]


@pytest.mark.parametrize(
    ("arguments", "limit"),
    [
        ({}, ""),
        ({"temperature_limit_c": 50}, "tier temperature"),
        ({"needed_bytes_per_s": 2.0, "available_bytes_per_s": 1.0}, "via bandwidth"),
        ({"logic_tiers": 5}, "logic tiers"),
    ],
)
def test_limits_are_named(arguments: dict, limit: str) -> None:
    cool = stacking.stack([100.0, 100.0], [10.0, 10.0])
    assert stacking.LIMITS[int(stacking.broken_limit(cool, **arguments))] == limit


def test_power_density_is_a_limit_of_its_own() -> None:
    small = stacking.stack([2.0, 1.0], [1.0, 1.5])
    assert stacking.LIMITS[int(stacking.broken_limit(small))] == "tier power density"
    both = stacking.stack([[2.0, 1.0], [2.0, 2.0]], [[1.0, 1.5], [1.0, 1.0]])
    assert stacking.broken_limit(both).tolist() == [2, 0]


@pytest.mark.published
def test_via_densities() -> None:
    """MIV 100 nm pitch (GlobalFoundries): 1e8 /mm2; TSV 20 um pitch (Shulaker, DATE 2015): 2.5e3 /mm2."""
    pitch = [stacking.figures(style)["via_pitch_um"] for style in ("monolithic", "tsv")]
    np.testing.assert_allclose(stacking.vias_per_mm2(pitch), [1e8, 2.5e3], rtol=1e-12)
    # one percent of 100 mm2 in MIVs at 700 MHz carries more than SPRING's 1024 GB/s by far: vias do not bind
    assert stacking.via_bandwidth_bytes_per_s(100, 0.1, 700e6) > 1000 * 1024e9


@settings(max_examples=100, deadline=None)
@given(one=st.floats(1, 800), other=st.floats(1, 800), density=st.floats(0, 2))
def test_yield_laws(one: float, other: float, density: float) -> None:
    small, large = sorted((one, other))
    for model in cost.MODELS:
        assert 0 < cost.die_yield(large, density, model) <= cost.die_yield(small, density, model) <= 1
    poisson = cost.die_yield(large, density, "poisson")
    assert poisson <= cost.die_yield(large, density, "murphy") + 1e-12
    assert cost.die_yield(large, density, clustering=1e9) == pytest.approx(
        float(poisson), rel=1e-6
    )  # its limit
    assert cost.dies_per_wafer(large) <= cost.dies_per_wafer(small)


def test_yield_by_hand() -> None:
    assert cost.die_yield(100, 0.5, "murphy") == pytest.approx(((1 - np.exp(-0.5)) / 0.5) ** 2, rel=1e-12)
    assert cost.die_yield(100, 0.5, clustering=2) == pytest.approx(1.25**-2, rel=1e-12)
    assert cost.die_yield(0, 0.5, "murphy") == 1


def test_sequential_stacks_multiply_yields_and_pay_every_tier() -> None:
    """Two 100 mm2 tiers at 14 nm: twice the wafer over the dies of one footprint, over yield squared."""
    good = float(cost.die_yield(100.0))
    wafer = 3984.0
    want = 2 * wafer / float(cost.dies_per_wafer(100.0)) / good**2
    assert cost.die_usd([100.0, 100.0], 14) == pytest.approx(want, rel=1e-12)
    apart = cost.die_usd([100.0, 100.0], 14, sequential=False)
    assert apart == pytest.approx(2 * wafer / float(cost.dies_per_wafer(100.0)) / good / 0.98, rel=1e-12)
    assert cost.die_usd([100.0, 0.0], 14) == cost.die_usd([100.0], 14)


def test_known_good_dies_win_when_dies_are_large() -> None:
    assert cost.die_usd([600.0, 600.0], 7) > cost.die_usd([600.0, 600.0], 7, sequential=False)
    assert cost.die_usd([70000.0], 7) == np.inf  # larger than the wafer


def test_mixed_nodes_and_columns() -> None:
    many = cost.die_usd([[100.0, 50.0], [20.0, 0.0]], [[7, 28], [7, 28]])
    assert many.shape == (2,)
    assert many[1] == cost.die_usd([20.0], 7)


@pytest.mark.published
def test_wafer_prices() -> None:
    """CSET, AI Chips (2020): 90 nm 1650, 16/12 nm 3984, 10 nm 5992, 7 nm 9346, 5 nm 16988 US dollars."""
    printed = [1650, 3984, 3984, 5992, 9346, 16988]
    np.testing.assert_allclose(cost.wafer_usd([90, 16, 12, 10, 7, 5]), printed, rtol=1e-9)


@pytest.mark.published
def test_act_carbon_per_area() -> None:
    """ACT (ISCA 2022): EPA, GPA and MPA of four nodes at 583 g/kWh, 97 % abatement, yield 0.875, by hand."""
    by_hand = [
        (0.9 * 583 + (175 + 100) / 2 + 500) / 0.875,
        (1.2 * 583 + (200 + 125) / 2 + 500) / 0.875,
        (2.15 * 583 + (350 + 200) / 2 + 500) / 0.875,
        (3.25 * 583 + (470 + 275) / 2 + 500) / 0.875,
    ]
    got = carbon.embodied_g(100.0, [28, 14, 7, 3])
    np.testing.assert_allclose(got, by_hand, rtol=1e-12)
    np.testing.assert_allclose(got, [1328, 1557, 2318, 3163], atol=0.51)  # as tabulated, rounded to grams


def test_carbon_laws() -> None:
    assert (np.diff(carbon.embodied_g(50.0, [28, 22, 16, 14, 12, 7, 5, 3])) >= 0).all()
    assert carbon.embodied_g(200.0, 7) == 2 * carbon.embodied_g(100.0, 7)
    assert carbon.operational_g([0.0, 7.2e6], use_g_per_kwh=100).tolist() == [0.0, 200.0]
    assert carbon.memory_embodied_g("ddr4_10nm", [1e9, 2e9]).tolist() == [65.0, 130.0]
    assert "lpddr4" in carbon.memory_names()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stacking.stack([-1.0], [1.0]), r"area_mm2 must be zero or more, got -1\.0"),
        (lambda: stacking.stack([1.0], [-1.0]), r"power_w must be zero or more, got -1\.0"),
        (lambda: stacking.vias_per_mm2(0), r"pitch_um must be positive, got 0"),
        (lambda: stacking.via_bandwidth_bytes_per_s(1, 1, 1, area_share=2), r"area_share must be .*got 2"),
        (lambda: cost.die_yield(1, -1), r"defects_per_cm2 must be zero or more, got -1"),
        (lambda: cost.die_yield(1, 1, "seeds"), r"model must be one of poisson, .*, got 'seeds'"),
        (lambda: cost.dies_per_wafer(0), r"area_mm2 must be positive, got 0"),
        (lambda: cost.wafer_usd(130), r"node_nm must be between 3 and 90 .*, got 130"),
        (lambda: cost.die_usd([0.0, 0.0], 14), r"area_mm2 must be positive in one tier at least, got 0\.0"),
        (lambda: cost.die_usd([1.0], 14, sequential=False, bond_yield=0), r"bond_yield must be in"),
        (lambda: carbon.embodied_g(1, 45), r"node_nm must be between 3 and 28 .*, got 45"),
        (lambda: carbon.embodied_g(1, 7, process_yield=0), r"process_yield must be in \(0, 1\], got 0"),
        (lambda: carbon.embodied_g(1, 7, abatement=0.5), r"abatement must be in \[0\.95, 0\.99\], got 0\.5"),
        (lambda: carbon.memory_embodied_g("lpddr4", -1), r"capacity_bytes must be zero or more, got -1"),
        (lambda: carbon.operational_g(-1), r"energy_j must be zero or more, got -1"),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_unknown_names_offer_the_nearest() -> None:
    with pytest.raises(KeyError, match="monolithic"):
        stacking.stack([1.0], [1.0], "monolitic")
    with pytest.raises(KeyError, match="lpddr4"):
        carbon.memory_embodied_g("lpddr5", 1)


# SPRING's modules, jha-lab/codebench accelbench/defines.py times instances: total mm2 and dynamic W of each.
SPRING_TOTALS = {
    "mac lane": (40.164, 22.664),
    "data flow": (4.861, 0.728),
    "dma": (0.009, 0.002),
    "fifo": (2.782, 0.253),
    "batch norm": (1.136, 0.618),
    "im2col": (65.927, 0.0),  # 423 mW each is impossible and left out
    "loss": (0.270, 0.061),
    "pooling": (0.022, 0.004),
    "pre-sparsity": (28.647, 1.315),
    "post-sparsity": (5.443, 1.205),
    "scalar": (1.260, 0.281),
    "transposer": (3.614, 0.686),
}


@pytest.mark.published
@pytest.mark.parametrize("component", SPRING_TOTALS)
def test_spring_modules(component: str) -> None:
    (part,) = [part for part in spring.parts() if part.component == component]
    assert (part.area_mm2, part.dynamic_w) == pytest.approx(
        SPRING_TOTALS[component], abs=0.00051
    )  # last digit


@pytest.mark.published
def test_spring_chip() -> None:
    """SPRING (jha-lab/codebench): logic 154.1, buffers 11.91, chip 166.0 mm2; 41.3 W without im2col."""
    totals = spring.totals()
    assert totals["logic_area_mm2"] == pytest.approx(154.1, abs=0.05)
    assert totals["buffer_area_mm2"] == pytest.approx(11.91, abs=0.005)
    assert totals["area_mm2"] == pytest.approx(166.0, abs=0.05)
    assert totals["power_w"] == pytest.approx(41.3, abs=0.05)
    leakage = {
        kind: sum(p.leakage_w for p in spring.parts() if p.kind == kind) for kind in ("logic", "buffer")
    }
    assert leakage == pytest.approx({"logic": 4.46, "buffer": 8.98}, abs=0.005)
    assert sum(p.dynamic_w for p in spring.parts()) == pytest.approx(27.8, abs=0.05)
    assert spring.PES * spring.LANES_PER_PE * spring.MULTIPLIERS_PER_LANE == 73728


def test_one_im2col_a_pe_takes_less() -> None:
    assert spring.totals(im2col_per_lane=False)["logic_area_mm2"] == pytest.approx(
        154.1 - 65.93 * 71 / 72, abs=0.05
    )


@pytest.mark.parametrize("style", ["tsv", "hybrid_bond", "monolithic"])
@pytest.mark.parametrize("watts", [(12.0, 5.0), (8.0, 4.0, 3.0, 2.0), (0.0, 3.0, 0.0, 6.0)])
def test_tiers_are_as_warm_as_a_grid_of_cells_says(style: str, watts: tuple[float, ...]) -> None:
    """Steady state of two and of four tiers, against a finite-difference grid in three dimensions."""
    side_mm, package, joint = 9.0, stacking.figures("package"), stacking.figures(style)
    layers = [
        (package["interface_um"], package["interface_w_per_mk"], 0.0, 3),
        (package["silicon_um"], package["silicon_w_per_mk"], watts[0] + 1e-12, 8),
    ]
    for power in watts[1:]:
        layers.append((joint["bond_um"], joint["bond_w_per_mk"], 0.0, 3))
        layers.append((joint["layer_um"], joint["layer_w_per_mk"], power + 1e-12, 4))
    walked = heat.steady(layers, side_mm, package["sink_k_per_w"], package["ambient_c"])
    closed = stacking.stack([side_mm**2] * len(watts), list(watts), style).temperature_c
    np.testing.assert_allclose(closed, walked, rtol=1e-6)
