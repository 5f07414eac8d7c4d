"""Groups that are no plain chain: heads, tensors read twice, tensors that leave."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from hwmodels.fusion import Group, capacity_front, product_chain, traffic_at
from hwmodels.mapping.problem import Operand, Problem


def tensor(name, ranks, written=False):
    return Operand(name=name, ranks=tuple(((d, 1),) for d in ranks), read_write=written)


def step(name, sizes, *operands):
    return Problem(name=name, dimensions=tuple(sizes), bounds=tuple(sizes.values()), operands=operands)


def attention(heads, queries, keys, width):
    scores = {"h": heads, "m": queries, "p": keys, "e": width}
    values = {"h": heads, "m": queries, "p": keys, "f": width}
    return Group(
        (
            step("scores", scores, tensor("Q", "hme"), tensor("K", "hpe"), tensor("S", "hmp", True)),
            step("values", values, tensor("S", "hmp"), tensor("V", "hpf"), tensor("A", "hmf", True)),
        )
    )


def read_twice(m, k, n, p):
    """T = A B, U = T C, V = T D: both read T."""
    return Group(
        (
            step(
                "a", {"m": m, "k": k, "n": n}, tensor("A", "mk"), tensor("B", "kn"), tensor("T", "mn", True)
            ),
            step(
                "b", {"m": m, "n": n, "p": p}, tensor("T", "mn"), tensor("C", "np"), tensor("U", "mp", True)
            ),
            step(
                "c", {"m": m, "n": n, "q": p}, tensor("T", "mn"), tensor("D", "nq"), tensor("V", "mq", True)
            ),
        )
    )


@given(st.integers(1, 4), st.integers(1, 6), st.integers(1, 6), st.integers(1, 4))
@settings(deadline=None, max_examples=8)
def test_heads_move_what_one_head_moves_each(heads, queries, keys, width):
    one, every = attention(1, queries, keys, width), attention(heads, queries, keys, width)
    single, whole = capacity_front(one), capacity_front(every)
    assert whole.capacity_words.tolist() == single.capacity_words.tolist()
    assert whole.moved_words.tolist() == [heads * moved for moved in single.moved_words.tolist()]
    assert whole.represented == whole.kept + whole.dominated


def test_scores_of_attention_never_cross():
    words = traffic_at(attention(8, 64, 64, 16), {"h": 1, "m": 16})
    assert words == {"Q": 8192, "K": 4 * 8192, "V": 4 * 8192, "A": 8192}


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 6), st.integers(1, 6))
@settings(deadline=None, max_examples=8)
def test_a_tensor_that_two_read_is_held_for_both(m, k, n, p):
    group = read_twice(m, k, n, p)
    together, apart = capacity_front(group), capacity_front(group, fused=False)
    assert together.represented == together.kept + together.dominated
    for capacity, moved in zip(apart.capacity_words, apart.moved_words, strict=True):
        assert together.moved(int(capacity)) <= moved
    assert together.moved_words[-1] == m * k + k * n + 2 * n * p + 2 * m * p
    # Until the second reader is done the tensor stays: no less room than for the first one alone.
    pair = capacity_front(Group(group.steps[:2]))
    assert together.capacity_words[-1] >= pair.capacity_words[-1]


@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 8), st.integers(1, 8))
@settings(deadline=None, max_examples=8)
def test_a_tensor_that_leaves_is_written_and_saves_no_more(m, k, n, p):
    group = product_chain(m, (k, n, p))
    leaving, staying = capacity_front(replace(group, leaving=frozenset({"T1"}))), capacity_front(group)
    apart = capacity_front(group, fused=False)
    for capacity, moved in zip(leaving.capacity_words, leaving.moved_words, strict=True):
        assert staying.moved(int(capacity)) <= moved
    for capacity, moved in zip(apart.capacity_words, apart.moved_words, strict=True):
        assert leaving.moved(int(capacity)) <= moved
