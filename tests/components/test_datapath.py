"""The bit-true datapath: against unbounded integers, by law, and by statistics with fixed seeds."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels import rounding
from hwmodels.components.tables import read
from hwmodels.kernels import rounding as kernels
from hwmodels.rounding import FixedPoint, RoundingBiasWarning
from tests.oracles import rounding as oracle

TAPS = {int(row["bits"]): tuple(int(tap) for tap in row["taps"].split()) for row in read("lfsr_taps")}
MODES = ("truncate", "nearest", "stochastic")


@st.composite
def products(draw: st.DrawFn) -> dict[str, object]:
    il = draw(st.integers(1, 12))  # words to 32 bits: exact sums of products to 66
    fl = draw(st.integers(0, 20))
    m, k, n = (draw(st.integers(1, 4)) for _ in range(3))
    form = FixedPoint(il, fl)
    word = st.one_of(st.integers(form.low, form.high), st.sampled_from([form.low, form.high]))
    lfsr_bits = draw(st.integers(2, 32))
    return {
        "form": form,
        "a": [[draw(word) for _ in range(k)] for _ in range(m)],
        "b": [[draw(word) for _ in range(n)] for _ in range(k)],
        "mode": draw(st.sampled_from(MODES)),
        "lfsr_bits": lfsr_bits,
        "random_bits": draw(st.integers(1, lfsr_bits)),
        "seed": draw(st.integers(0, 2**40)),
        "round_each": draw(st.integers(1, 4)),
    }


def registers(columns: int, bits: int, seed: int) -> list[oracle.Register]:
    return [oracle.Register(int(s), bits, TAPS[bits]) for s in rounding.lfsr_states(columns, bits, seed)]


@settings(max_examples=200, deadline=None)
@given(products())
def test_matmul_equals_unbounded_integers_bit_for_bit(case: dict) -> None:
    form = case["form"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RoundingBiasWarning)
        got = rounding.matmul_words(
            np.array(case["a"]),
            np.array(case["b"]),
            form,
            case["mode"],
            lfsr_bits=case["lfsr_bits"],
            random_bits=case["random_bits"],
            seed=case["seed"],
            round_each=case["round_each"],
        )
    used = min(case["random_bits"], form.fl)
    lanes = registers(len(case["b"][0]), case["lfsr_bits"], case["seed"])
    want = oracle.matmul(
        case["a"], case["b"], form.il, form.fl, case["mode"], lanes, used, case["round_each"]
    )
    assert got.tolist() == want


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("sign", [1, -1])
def test_sums_of_more_than_63_bits_are_exact(mode: str, sign: int) -> None:
    """The widest words a thousand times: saturated, or cancelled to the last bit."""
    form = FixedPoint(1, 31)
    a = np.full((1, 1001), form.low)
    b = np.full((1001, 1), form.low)
    b[1 if sign < 0 else 1001 :] = form.high  # low x low and then a thousand times low x high
    got = rounding.matmul_words(a, b, form, mode, lfsr_bits=32, round_each=None)
    lanes = registers(1, 32, 0)
    assert got.tolist() == oracle.matmul(a.tolist(), b.tolist(), 1, 31, mode, lanes, 31, 1001)
    cancelled = np.array([[form.low] * 500 + [form.high, 3]])
    other = np.array([[form.high]] * 250 + [[-form.high]] * 250 + [[1], [form.high]])
    got = rounding.matmul_words(cancelled, other, form, mode, lfsr_bits=32, round_each=None)
    lanes = registers(1, 32, 0)
    assert got.tolist() == oracle.matmul(cancelled.tolist(), other.tolist(), 1, 31, mode, lanes, 31, 502)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("il", "fl"), [(3, 0), (2, 1), (2, 2), (1, 3)])
def test_every_product_of_a_small_format(il: int, fl: int, mode: str) -> None:
    form = FixedPoint(il, fl)
    words = list(range(form.low, form.high + 1))
    column, row = [[word] for word in words], [words]
    got = rounding.matmul_words(np.array(column), np.array(row), form, mode, lfsr_bits=5, seed=1)
    lanes = registers(len(words), 5, 1)
    assert got.tolist() == oracle.matmul(column, row, il, fl, mode, lanes, fl, 16)


@settings(max_examples=100, deadline=None)
@given(
    x=st.lists(st.floats(-20, 20), min_size=1, max_size=8),
    fl=st.integers(0, 20),
    mode=st.sampled_from(MODES),
    bits=st.integers(2, 32),
    seed=st.integers(0, 99),
)
def test_quantize_equals_exact_fractions(x: list[float], fl: int, mode: str, bits: int, seed: int) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RoundingBiasWarning)
        got = rounding.quantize(x, 4, fl, mode, lfsr_bits=bits, seed=seed)
    (register,) = registers(1, bits, seed)
    form = FixedPoint(4, fl)
    for value, word in zip(x, got * 2.0**fl, strict=True):
        exact = max(Fraction(form.low), min(Fraction(value) * 2**fl, Fraction(form.high)))
        if mode == "stochastic":  # as many bits of the fraction take part as are random
            exact = Fraction(exact * 2**bits // 1, 2**bits)
        want = oracle.round_fraction(exact, mode, register, bits)
        assert int(word) == oracle.clamp(want, 4, fl)


@pytest.mark.parametrize("bits", sorted(TAPS))
def test_lfsr_has_maximal_length(bits: int) -> None:
    """The state update is a matrix over GF(2); its order must be 2^bits - 1 and no proper divisor."""
    mask = rounding.lfsr_mask(bits)

    def times(left: list[int], right: list[int]) -> list[int]:
        out = []
        for column in right:
            value = 0
            for place in range(bits):
                if column >> place & 1:
                    value ^= left[place]
            out.append(value)
        return out

    def power(exponent: int) -> list[int]:
        result, square = [1 << i for i in range(bits)], step
        while exponent:
            if exponent & 1:
                result = times(square, result)
            square, exponent = times(square, square), exponent >> 1
        return result

    step = [int(kernels.lfsr_step(1 << place, mask)) for place in range(bits)]
    identity = [1 << i for i in range(bits)]
    order = (1 << bits) - 1
    assert power(order) == identity
    rest, factors, trial = order, set(), 2
    while trial * trial <= rest:
        while rest % trial == 0:
            factors.add(trial)
            rest //= trial
        trial += 1
    if rest > 1:
        factors.add(rest)
    assert all(power(order // prime) != identity for prime in factors)


@pytest.mark.parametrize("bits", [2, 5, 12])
def test_lfsr_visits_every_state_but_zero(bits: int) -> None:
    state, seen = 1, set()
    for _ in range((1 << bits) - 1):
        state = int(kernels.lfsr_step(state, rounding.lfsr_mask(bits)))
        seen.add(state)
    assert seen == set(range(1, 1 << bits))


@pytest.mark.parametrize("fraction", range(0, 128, 9))
def test_probability_of_rounding_up_is_the_fraction_over_a_whole_period(fraction: int) -> None:
    """2^-7 x fraction/2^7 in <1, 7> with a 7-bit LFSR: up exactly `fraction` times in the 127 of a period."""
    ones = np.ones((127, 1), dtype=int)
    ups = rounding.matmul_words(ones, [[fraction]], FixedPoint(1, 7), lfsr_bits=7, round_each=1)
    assert int(ups.sum()) == fraction


def test_stochastic_rounding_is_unbiased_to_within_sampling_error() -> None:
    """Mean error of 2^18 roundings of random products against its standard error, three LFSR widths."""
    rng = np.random.default_rng(2026)
    form = FixedPoint(4, 16)
    a = rng.integers(-(2**17), 2**17, (256, 1))
    b = rng.integers(-(2**17), 2**17, (1, 1024))
    exact = a * b / 2.0**16  # in words
    for lfsr_bits in (16, 24, 32):
        error = rounding.matmul_words(a, b, form, lfsr_bits=lfsr_bits, seed=7, round_each=1) - exact
        spread = error.std() / np.sqrt(error.size)
        assert np.abs(error).max() < 1
        assert abs(error.mean()) < 4 * spread
    biased = rounding.matmul_words(a, b, form, "truncate", round_each=1) - exact
    assert biased.mean() == pytest.approx(-0.5, abs=0.01)  # the test can tell: truncation is half a unit low


def test_a_sum_of_small_terms_survives_stochastic_rounding_only() -> None:
    """4096 products of a tenth of a unit: nearest rounds each to nothing, stochastic keeps the sum."""
    a = np.full((64, 4096), 2.0**-8)
    b = np.full((4096, 1), 0.1 * 2.0**-8)  # a tenth of 2^-16 after quantising b to about 26/2^16
    nearest = rounding.matmul(a, b, 4, 16, "nearest", round_each=1)
    kept = rounding.matmul(a, b, 4, 16, "stochastic", round_each=1, seed=3)
    exact = float((a @ (np.floor(b * 2**16 + 0.5) / 2**16))[0, 0])
    assert nearest.max() == 0
    assert kept.mean() == pytest.approx(
        exact, rel=0.05
    )  # all rows share one LFSR: 64 x 4096 shifts, 2 % expected


@pytest.mark.parametrize("mode", MODES)
def test_saturation_at_both_ends(mode: str) -> None:
    big = [[7.0, 7.0, 7.0]]
    assert rounding.matmul(big, np.transpose(big), 4, 16, mode, round_each=1).item() == 8 - 2**-16
    assert rounding.matmul(big, -np.transpose(big), 4, 16, mode, round_each=1).item() == -8.0
    assert rounding.quantize([np.inf, -np.inf, 100.0], 4, 16, mode).tolist() == [8 - 2**-16, -8.0, 8 - 2**-16]


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 2**31), each=st.integers(1, 5))
def test_numbers_on_the_grid_are_exact_in_every_mode(seed: int, each: int) -> None:
    """Integers times integers drop only zeros: no mode may change them."""
    rng = np.random.default_rng(seed)
    a, b = rng.integers(-3, 4, (3, 5)), rng.integers(-3, 4, (5, 2))
    for mode in MODES:
        assert (rounding.matmul(a, b, 12, 8, mode, lfsr_bits=8, round_each=each) == a @ b).all()


def test_rounding_once_is_rounding_groups_as_long_as_the_sum() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.uniform(-1, 1, (5, 40)), rng.uniform(-1, 1, (40, 6))
    once = rounding.matmul(a, b, seed=5, round_each=None)
    assert (once == rounding.matmul(a, b, seed=5, round_each=40)).all()
    assert (once == rounding.matmul(a, b, seed=5, round_each=1000)).all()
    assert (once != rounding.matmul(a, b, seed=6, round_each=None)).any()


def test_first_states_are_fixed_by_the_seed_apart_by_column_and_never_zero() -> None:
    assert rounding.lfsr_states(3, 16, 0).tolist() == rounding.lfsr_states(5, 16, 0).tolist()[:3]
    assert len(set(rounding.lfsr_states(1000, 32, 1).tolist())) == 1000
    assert (rounding.lfsr_states(1000, 32, 1) != rounding.lfsr_states(1000, 32, 2)).all()
    for bits in (2, 5, 16):
        states = rounding.lfsr_states(4000, bits, -7)
        assert states.min() >= 1
        assert states.max() <= 2**bits - 1
    assert set(rounding.lfsr_states(4000, 2, 0).tolist()) == {1, 2, 3}


def test_same_seed_same_bits() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.uniform(-1, 1, (5, 40)), rng.uniform(-1, 1, (40, 6))
    assert (rounding.matmul(a, b, seed=5) == rounding.matmul(a, b, seed=5)).all()
    x = rng.uniform(-1, 1, 100)
    assert (rounding.quantize(x, seed=5) == rounding.quantize(x, seed=5)).all()


@pytest.mark.parametrize(("lfsr_bits", "fl"), [(4, 8), (6, 7), (8, 8)])
def test_worst_bias_is_what_a_whole_period_shows(lfsr_bits: int, fl: int) -> None:
    """Every fraction, every state: the largest downward bias of the expected result."""
    states = range(1, 1 << lfsr_bits)
    shift = fl - lfsr_bits
    worst = 0.0
    for fraction in range(1 << fl):
        ups = sum((fraction + (state << shift)) >> fl for state in states)
        worst = max(worst, fraction / 2**fl - ups / len(states))
    assert worst == rounding.worst_bias(fl, lfsr_bits)


def test_a_narrow_lfsr_is_warned_about_with_its_bias() -> None:
    with pytest.warns(
        RoundingBiasWarning, match=r"12 random bits are fewer than the 16-bit fraction.*0\.000229 units"
    ):
        rounding.matmul([[1.0]], [[1.0]], lfsr_bits=12)
    with pytest.warns(RoundingBiasWarning, match=r"8 random bits"):
        rounding.quantize([1.0], lfsr_bits=16, random_bits=8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rounding.matmul([[1.0]], [[1.0]], lfsr_bits=12, mode="nearest")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FixedPoint(0, 4), r"FixedPoint\.il must be an integer of at least 1, got 0"),
        (lambda: FixedPoint(4, -1), r"FixedPoint\.fl must be an integer of at least 0, got -1"),
        (lambda: FixedPoint(20, 16), r"FixedPoint\.fl must leave il \+ fl within 32 bits, got 20 \+ 16"),
        (lambda: rounding.quantize([np.nan]), r"x must be numbers, got a NaN"),
        (lambda: rounding.quantize([1.0], mode="up"), r"mode must be one of truncate, nearest"),
        (lambda: rounding.quantize([1.0], lfsr_bits=33), r"lfsr_bits must be .* between 2 and 32, got 33"),
        (lambda: rounding.quantize([1.0], random_bits=17), r"random_bits must be .* the LFSR.s 16, got 17"),
        (lambda: rounding.matmul([[1.0]], [[1.0, 2.0], [3.0, 4.0]]), r"matmul needs shapes"),
        (lambda: rounding.matmul([[1.0]], [[1.0]], round_each=0), r"round_each must be .*got 0"),
        (
            lambda: rounding.matmul_words([[99]], [[1]], FixedPoint(4, 2)),
            r"a must hold words in \[-32, 31\], got 99\.\.99",
        ),
    ],
)  # fmt: skip
def test_bad_input_is_named(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
