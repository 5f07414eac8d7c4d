"""Runs of equal positions: against windows slid place by place, and flow against whole images."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workloads import Graph, Network
from workloads.operations import Concat, Convolution, Elementwise, GlobalPool, Linear, Pool, Reshape
from workloads.sparsity.layers import prunable
from workloads.sparsity.runs import cut
from workloads.sparsity.selection import kth

torch = pytest.importorskip("torch", reason="flows need the torch extra")


def windows(runs, places, stride, extent, before):
    """What each place of a window sees: numbers of runs, -1 in padding."""
    seen = [i for i, run in enumerate(runs) for _ in range(run)]
    line = [-1] * before + seen + [-1] * (places * stride + extent)
    return [tuple(line[place * stride : place * stride + extent]) for place in range(places)]


@given(
    runs=st.lists(st.integers(1, 12), min_size=1, max_size=5),
    stride=st.integers(1, 4),
    extent=st.integers(1, 6),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
)
def test_windows_of_cut_runs_are_those_of_whole_ones(runs, stride, extent, before, after):
    places = (sum(runs) + before + after - extent) // stride + 1
    if places < 1:
        return
    short = cut(tuple(runs), places, stride, extent, before)
    want = windows(runs, places, stride, extent, before)
    got = windows(short.kept, len(short.results), stride, extent, before)
    assert [window for window, run in zip(got, short.results, strict=True) for _ in range(run)] == want
    assert all(0 < kept <= run for kept, run in zip(short.kept, runs, strict=True))


def whole_flow(network, weights):
    """R with every image whole, in PyTorch's own layers."""
    call = torch.nn.functional
    values = {t.name: torch.ones(t.shape, dtype=torch.float64) for t in network.graph.inputs()}
    for node in network.graph.nodes():
        op, x = node.operation, [values[name] for name in node.inputs]
        if isinstance(op, Convolution | Pool):
            window = op.window
            pads = [side for pair in reversed(window.pads(x[0].shape[2:])) for side in pair]
            padded = call.pad(x[0], pads)
        if isinstance(op, Convolution):
            y = call.conv2d(padded, weights[op.name], None, window.stride, 0, window.dilation, op.groups)
        elif isinstance(op, Pool):
            run = call.max_pool2d if op.mode == "max" else call.avg_pool2d
            y = run(padded, window.kernel, window.stride)
        elif isinstance(op, GlobalPool):
            y = x[0].amax((2, 3), True) if op.mode == "max" else x[0].mean((2, 3), True)
        elif isinstance(op, Concat):
            y = torch.cat(x, op.axis)
        elif isinstance(op, Reshape):
            y = x[0].reshape(op.shape)
        elif isinstance(op, Linear):
            y = x[0] @ weights[op.name].T
        else:
            y = x[0] if len(x) == 1 else x[0] + x[1] if op.function == "add" else x[0] * x[1]
        values[node.outputs[0]] = y
    return values[network.graph.outputs[0]].sum()


@st.composite
def networks(draw):
    """Chains with strides, uneven padding, dilation and groups; then a branch that meets the trunk again."""
    graph = Graph("drawn")
    x = graph.input("image", (1, 2, draw(st.integers(9, 40)), draw(st.integers(9, 40))))
    for i in range(draw(st.integers(1, 3))):
        kernel = draw(st.integers(1, 4))
        pads = tuple((draw(st.integers(0, kernel - 1)), draw(st.integers(0, kernel - 1))) for _ in range(2))
        stride = draw(st.integers(1, 2))
        if draw(st.booleans()):
            groups = draw(st.sampled_from([1, 2]))
            x = graph.add(Convolution(f"conv{i}", 4, kernel, stride, pads, groups=groups), x)
        else:
            side = max(kernel // 2, 1)
            mode = draw(st.sampled_from(["max", "average"]))
            x = graph.add(Pool(f"pool{i}", mode, side + 1, stride, side // 2), x)
    y = graph.add(Convolution("branch", graph.tensors[x].shape[1], 3, 1, 1), x)
    how = draw(st.sampled_from(["add", "mul", "concat", "gate"]))
    if how == "gate":
        y = graph.add(GlobalPool("squeeze"), y)
        x = graph.add(Elementwise("gate", "mul"), x, y)
    elif how == "concat":
        x = graph.add(Concat("join", draw(st.sampled_from([1, 3]))), x, y)
    else:
        x = graph.add(Elementwise("meet", how), x, y)
    x = graph.add(Convolution("last", 3, 3, 1, 1), x)
    if draw(st.booleans()):
        x = graph.add(GlobalPool("top", draw(st.sampled_from(["average", "max"]))), x)
    graph.output(graph.add(Linear("fc", 2), graph.add(Reshape("flat", (1, -1)), x)))
    return Network(graph)


@settings(deadline=None, max_examples=40)
@given(networks(), st.integers(0, 9))
def test_flow_on_runs_is_flow_on_whole_images(network, seed):
    from workloads.sparsity.linear_flow import fresh_weights, linear_flow

    weights = {name: one.requires_grad_() for name, one in fresh_weights(prunable(network), seed).items()}
    ours, whole = linear_flow(network)(weights), whole_flow(network, weights)
    assert ours.item() == pytest.approx(whole.item(), rel=1e-11)
    for a, b in zip(
        torch.autograd.grad(ours, list(weights.values())),
        torch.autograd.grad(whole, list(weights.values())),
        strict=True,
    ):
        assert torch.allclose(a, b, rtol=1e-10, atol=0)


@given(
    st.lists(st.lists(st.sampled_from([0.0, 1.0, 2.5, 7.0]), max_size=40), min_size=1, max_size=4),
    st.integers(0, 10**6),
)
def test_kth_of_several_arrays(lists, number):
    together = sorted(value for one in lists for value in one)
    if together:
        number = number % len(together) + 1
        assert kth([np.array(one, dtype=np.float64) for one in lists], number) == together[number - 1]


def test_kth_of_many_scores_with_many_ties():
    rng = np.random.default_rng(3)
    scores = [rng.lognormal(size=n) * (rng.random(n) < 0.6) for n in (300_000, 50_000, 7)]
    ordered = np.sort(np.concatenate(scores))
    for number in (1, 100_000, 140_011, 140_200, 200_000, 350_007):
        assert kth(scores, number) == ordered[number - 1]
    skewed = [np.arange(300_000.0)]  # a sample that keeps step sees all of it
    assert kth(skewed, 1234) == 1233.0


def test_kth_where_the_sample_misleads():
    scores = np.full(257 * 400, 5.0)
    scores[::257] = 0.0  # all that is looked at, and 400 of 102,800
    scores[1::257] = np.arange(1, 401) / 100.0
    ordered = np.sort(scores)
    for number in (1, 399, 400, 401, 403, 405, 800, 801, 50_000, scores.size):
        assert kth([scores], number) == ordered[number - 1]
