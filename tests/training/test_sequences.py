"""Gradients of attention, recurrent layers and named products, counted by hand."""

from math import prod

import pytest

import workloads
from tests.training.test_nests import macs_of, rows_of
from workloads import Graph, Network
from workloads.operations import (
    HLSTM,
    Attention,
    Convolution,
    Einsum,
    Elementwise,
    Embedding,
    GridSample,
    Linear,
    MixtureNorm,
    Recurrent,
    Reduce,
    Reshape,
    RoiAlign,
    TopK,
)
from workloads.training import phases, stash
from workloads.vector_ops import LOOKUP


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


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("shape", [(2, 4, 6, 8), (4, 6, 8)])
def test_what_is_added_to_scores_learns_from_all_of_them(fused, shape):
    """A bias looked up by position, as in a Swin transformer: one for each score, or shared."""
    graph = Graph("biased")
    x = graph.input("x", (2, 6, 20))
    y = graph.input("y", (2, 8, 20))
    places = graph.input("places", shape[:-1], bits=32, batch_axis=None)
    bias = graph.add(Embedding("bias", 15, shape[-1]), places)
    q, k, v = (graph.add(Linear(n, 20), t) for n, t in zip("qkv", (x, y, y), strict=True))
    graph.add(Linear("out", 9), graph.add(Attention("attention", 4, fused=fused), q, k, v, bias))
    step = Network(graph).training()
    table = step.graph.node("bias.weight_gradient")
    assert step.graph.tensors[table.inputs[0]].shape == shape
    learnt = {row.part: row for row in rows_of(step, "attention.gradient")}["softmax"]
    scores, shared = 2 * 4 * 6 * 8, prod(shape)
    each = 3 + (2 + LOOKUP + 1 if fused else 2) + (shared < scores)
    assert learnt.vector_ops == each * scores + (2 * 2 * 6 * 20 if fused else 0)
    assert learnt.write_elements == shared + (0 if fused else scores)
    assert learnt.read_elements == (2 * 6 * 20 + shared if fused else 2 * scores)


def test_states_before_the_first_step_pass_their_gradient_on():
    graph = Graph("translating")
    x = graph.input("x", (5, 2, 6))
    made = graph.add_many(Recurrent("encoder", 7, cell="gru"), x)
    z = graph.input("z", (3, 2, 4))
    y = graph.add_many(Recurrent("decoder", 7, cell="gru"), z, made[1])
    graph.output(graph.add(Linear("out", 9), y[0]))
    step = Network(graph).training()
    assert step.graph.tensors["decoder.gradient:4"].shape == (1, 2, 7)
    assert "decoder.gradient:4" in step.graph.node("encoder.gradient").inputs
    assert macs_of(step, "encoder.gradient") >= 2 * macs_of(step, "encoder") - 5 * 2 * 6 * 21


def test_boxes_of_features_pass_their_gradient_to_every_level():
    graph = Graph("boxes")
    image, boxes = graph.input("image", (2, 3, 8, 8)), graph.input("boxes", (2, 5, 4))
    fine = graph.add(Convolution("fine", 4, 3, padding=1), image)
    coarse = graph.add(Convolution("coarse", 4, 3, 2, 1), image)
    x = graph.add(RoiAlign("align", (2, 3), samples=2), fine, coarse, boxes)
    graph.output(graph.add(Linear("out", 6), graph.add(Reshape("flat", (10, 24)), x)))
    step = Network(graph).training()
    (row,) = rows_of(step, "align.gradient")
    assert row.vector_ops == (1 + 8 * 4) * 10 * 4 * 2 * 3
    assert (row.read_elements, row.write_elements) == (240 + 40, 2 * 4 * (64 + 16))
    assert {"fine.weight_gradient", "coarse.weight_gradient"} <= {o.name for o in step.operations}


def test_points_of_a_grid_pass_their_gradient_to_features_only():
    graph = Graph("grid")
    x, grid = graph.input("x", (2, 3, 8, 8)), graph.input("grid", (2, 4, 4, 2))
    features = graph.add(Convolution("conv", 4, 3), x)
    graph.output(graph.add(Linear("out", 6), graph.add(GridSample("sample"), features, grid)))
    (forward,) = rows_of(Network(graph), "sample")
    assert forward.vector_ops == 7 * 2 * 4 * 16 + 2 * 16 * (2 * 2 + 4)
    (row,) = rows_of(Network(graph).training(), "sample.gradient")
    assert row.vector_ops == 2 * 4 * 2 * 4 * 16


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
