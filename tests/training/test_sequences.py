"""Gradients of attention, recurrent layers and named products, counted by hand."""

import pytest

import workloads
from tests.training.test_nests import macs_of, rows_of
from workloads import Graph, Network
from workloads.errors import WorkloadError
from workloads.operations import (
    HLSTM,
    Attention,
    Einsum,
    Elementwise,
    Linear,
    MixtureNorm,
    Recurrent,
    Reduce,
    TopK,
)
from workloads.training import phases, stash


def attending(**options):
    """Queries of 6 and keys of 8 positions, 4 heads of 5 and values of 3, batch 2."""
    graph = Graph("attending")
    heads, kv = options.get("heads", 4), options.get("kv_heads", 0) or options.get("heads", 4)
    x = graph.input("x", (2, 6, 7))
    y = graph.input("y", (2, 8, 7))
    q = graph.add(Linear("q", heads * 5), x)
    k = graph.add(Linear("k", kv * 5), y)
    v = graph.add(Linear("v", kv * 3), y)
    z = graph.add(Attention("attention", **({"heads": 4} | options)), q, k, v)
    graph.add(Linear("out", 9), z)
    return Network(graph)


@pytest.mark.parametrize("kv_heads", [0, 2, 1])
@pytest.mark.parametrize("fused", [True, False])
def test_attention_has_five_products_back_or_four(fused, kv_heads):
    step = attending(fused=fused, kv_heads=kv_heads).training()
    query_key, value = 2 * 4 * 6 * 8 * 5, 2 * 4 * 6 * 8 * 3
    assert macs_of(step, "attention") == query_key + value
    # again S = Q K' where it was not kept; dV and dP over values, dQ and dK over keys
    assert macs_of(step, "attention.gradient") == fused * query_key + 2 * value + 2 * query_key
    shapes = {name: step.graph.tensors[name].shape for name in ("q", "k", "v")}
    made = step.graph.node("attention.gradient").outputs
    assert [step.graph.tensors[name].shape for name in made] == list(shapes.values())
    rows = {row.part: row for row in rows_of(step, "attention.gradient")}
    scores = 2 * 4 * 6 * 8
    assert rows["softmax"].write_elements == (0 if fused else scores)
    assert rows["softmax"].vector_ops == (8 * scores + 2 * 2 * 6 * 12 if fused else 5 * scores)
    kept = stash(step)
    assert ("attention:1" in kept.index) == (not fused)  # the scores
    assert {"q", "k", "v"} <= set(kept.index)


def test_causal_scores_that_are_not_seen_are_not_effectual():
    step = attending(causal=True).training()
    forward = rows_of(step, "attention")[0]
    share = forward.effectual_macs / forward.macs
    assert share < 1
    for row in rows_of(step, "attention.gradient"):
        assert row.effectual_macs == pytest.approx(row.macs * share, rel=1e-12)


def test_a_trained_mask_is_refused():
    graph = Graph("masked")
    x = graph.add(Linear("fc", 4), graph.input("x", (1, 3, 4)))
    mask = graph.add(Linear("bias", 3), graph.input("places", (3, 2)))
    graph.add(Attention("attention", heads=1), x, x, x, mask)
    with pytest.raises(WorkloadError, match="attention 'attention': the gradient of what is added"):
        Network(graph).training()


@pytest.mark.parametrize(("cell", "gates"), [("lstm", 4), ("gru", 3), ("rnn", 1)])
@pytest.mark.parametrize("directions", [1, 2])
def test_a_recurrent_layers_products_are_doubled(cell, gates, directions):
    steps, batch, features, hidden = 5, 2, 3, 4
    graph = Graph("recurrent")
    x = graph.add(Linear("embed", features), graph.input("x", (batch, steps, 6)))
    made = graph.add_many(Recurrent("layer", hidden, True, cell=cell, directions=directions), x)
    graph.add(Linear("head", 7), made[0])
    step = Network(graph).training()
    once = directions * gates * hidden * steps * batch
    rows = {row.part: row for row in rows_of(step, "layer.gradient")}
    for part, width in (("input", features), ("recurrent", hidden)):
        assert rows[f"{part}_gradient"].macs == rows[f"{part}_weight_gradient"].macs == once * width
    assert rows["recurrent_gradient"].repeats == steps * directions
    assert (rows["recurrent_weight_gradient"].repeats, rows["recurrent_weight_gradient"].c) == (
        directions,
        steps * batch,
    )
    weights = {role: step.weight("layer", role).shape for role in ("input", "recurrent", "bias")}
    made = step.graph.node("layer.gradient").outputs[1:]
    assert [step.graph.tensors[name].shape for name in made] == list(weights.values())
    kept = step.graph.tensors[step.graph.node("layer").outputs[-1]]
    assert kept.elements == steps * batch * directions * hidden * {"lstm": 5, "gru": 4, "rnn": 1}[cell]
    assert kept.name in stash(step).index
    assert step.macs == 3 * macs_of(step, "layer") + 2 * macs_of(step, "embed") + 3 * macs_of(step, "head")


def test_an_h_lstms_second_layers_are_doubled_too():
    graph = Graph("h_lstm")
    x = graph.input("x", (5, 2, 3), batch_axis=1)
    graph.add(Linear("head", 7), graph.add_many(HLSTM("layer", 4, width=6), x)[0])
    step = Network(graph).training()
    rows = {row.part: row for row in rows_of(step, "layer.gradient")}
    assert "input_gradient" not in rows  # nobody learns before it
    assert rows["second_gradient"].macs == rows["second_weight_gradient"].macs == 5 * 2 * 4 * 6 * 4
    assert rows["recurrent_gradient"].macs == 5 * 2 * 4 * 4 * 6
    assert {f"layer.{role}.update" for role in step.graph.node("layer").weights} <= {
        operation.name for operation in step.operations
    }


def test_pruned_recurrent_weights():
    graph = Graph("sparse")
    x = graph.add(Linear("embed", 3), graph.input("x", (5, 2, 6), batch_axis=1))
    graph.add(Linear("head", 7), graph.add_many(Recurrent("layer", 4), x)[0])
    network = Network(graph)
    weight = network.weight("layer", "recurrent").with_density(0.25)
    step = network.with_weights(weight).training()
    for row in rows_of(step, "layer.gradient"):
        share = 0.25 if row.part.startswith("recurrent") else 1.0
        assert row.repeats * row.effectual_macs == pytest.approx(row.macs * share, rel=1e-12)


def test_named_products():
    graph = Graph("einsum")
    a = graph.add(Linear("a", 5), graph.input("x", (2, 3, 4)))
    b = graph.add(Linear("b", 5), graph.input("y", (2, 6, 4)))
    graph.add(Einsum("scores", "bid,bjd->bij"), a, b)
    step = Network(graph).training()
    assert macs_of(step, "scores.input_gradient") == macs_of(step, "scores.second_gradient") == 2 * 3 * 6 * 5
    assert step.graph.tensors["scores.second_gradient"].shape == (2, 6, 5)


def test_mixtures_and_choices():
    graph = Graph("mixture")
    x = graph.add(Linear("fc", 4), graph.input("x", (2, 3, 4)))
    x = graph.add(MixtureNorm("mixture", components=2), x)
    values, _ = graph.add_many(TopK("top", 2), x)
    graph.add(Elementwise("act", "tanh"), graph.add(Reduce("sum", "sum", (1,), keep=False), values))
    step = Network(graph).training()
    (row,) = rows_of(step, "mixture.gradient")
    assert row.vector_ops == 17 * 24 + (2 * 6 + 2 - 1 + 3 + 8) * 8
    assert step.graph.tensors["top.gradient"].density == 0.5
    assert {"mixture.scale.update", "mixture.shift.update"} <= {o.name for o in step.operations}
    assert "mixture.mean.update" not in {o.name for o in step.operations}


def test_a_transformers_step():
    """Three passes, and the scores once more in each layer; the embeddings learn, so nothing is left out."""
    network = workloads.load("bert_base")
    step = network.training(2)
    again = sum(
        row.macs
        for name, row in zip(step.lowering().operations, step.lowering().rows, strict=True)
        if name.endswith("gradient") and row.part == "scores"
    )
    assert step.macs == 2 * 3 * network.macs + again
    assert again == 12 * rows_of(step, "layer.0.attention")[0].macs
    assert step.graph.node("embeddings.words.weight.update").inputs


FAMILIES = [
    *("bert_base", "deeplab_v3_resnet50", "deepspeech2", "densenet121", "diabnn_server", "googlenet"),
    *("gpt2_decode", "llama_1b_prefill", "neuraltalk_lstm", "ptb_lstm_medium", "shufflenet_v2", "vit_b16"),
]


@pytest.mark.parametrize("name", FAMILIES)
def test_weights_of_every_family_learn_for_as_many_products_as_they_are_used(name):
    step = workloads.load(name).training(2)
    phase, lowering = phases(step), step.lowering()
    used, learnt = 0, 0
    for operation, row in zip(lowering.operations, lowering.rows, strict=True):
        if operation.endswith("weight_gradient") or row.part.endswith("weight_gradient"):
            learnt += row.macs
        elif phase[operation] == "forward" and step.graph.node(operation).weights:
            used += row.macs
    assert learnt == used > 0
    assert step.batch == 2
