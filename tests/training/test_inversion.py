"""DeepInversion's step: twice the forward products, three times as written."""

import pytest

import workloads
from tests.training.networks import plain, residual
from tests.training.test_nests import macs_of, rows_of
from workloads.errors import WorkloadError
from workloads.training import stash


def test_images_learn_and_weights_do_not():
    network = residual()
    step = network.inversion()
    names = {operation.name for operation in step.operations}
    assert {"conv1.input_gradient", "image.update"} <= names
    assert not any(name.endswith("weight_gradient") or name.endswith("weight.update") for name in names)
    assert step.macs == 2 * network.macs
    assert macs_of(step, "conv1.input_gradient") == macs_of(step, "conv1")


def test_as_written_weight_gradients_are_computed_and_thrown_away():
    network = residual()
    step = network.inversion(as_written=True)
    assert step.macs == 3 * network.macs
    assert "conv2.weight_gradient" in step.graph.outputs
    assert "bn1.scale_gradient" in step.graph.outputs
    assert not any(operation.name.endswith("weight.update") for operation in step.operations)


def test_statistics_of_every_batch_norms_input():
    step = residual().inversion()
    rows = {row.part: row for row in rows_of(step, "bn1")}
    elements = 2 * 8 * 8 * 8
    assert (rows["statistics"].vector_ops, rows["statistics"].read_elements) == (3 * elements, 0)
    assert rows["channels"].vector_ops == 16 * 8
    assert (rows["normalise"].vector_ops, rows["normalise"].write_elements) == (2 * elements, elements)
    # scaled, and the statistics' gradient added: the input times a factor, and a summand, of each channel
    (back,) = rows_of(step, "bn1.gradient")
    # behind the gradient of a ReLU, which is vector work: nothing flows through memory, the lanes take time
    assert (back.fused, back.vector_ops, back.read_elements) == (0, 4 * elements, elements + 2 * 8)
    assert {"conv1", "bn1:1"} <= set(stash(step).index)


def test_images_are_moved_and_stepped_by_adam():
    rows = {row.part: row for row in rows_of(residual().inversion(), "image.update")}
    elements = 2 * 3 * 8 * 8
    assert (rows["jitter"].read_elements, rows["jitter"].write_elements) == (2 * elements, 2 * elements)
    assert (rows["state"].read_elements, rows["state"].input_bits) == (2 * elements, 32)
    assert rows["images"].vector_ops == (48 + 1 + 17 + 2) * elements


@pytest.mark.published
def test_resnet50_at_the_published_settings():
    """Setting 0, batch 84: 2000 iterations at a quarter of the pixels and 1000 at 224x224, 1.03e15 MACs."""
    network = workloads.load("resnet50")
    step = network.inversion(84)
    assert step.macs == 84 * 2 * network.macs
    assert step.macs * (2000 // 4 + 1000) == pytest.approx(1.03e15, rel=0.005)  # last printed digit
    assert network.inversion(84, as_written=True).macs == 84 * 3 * network.macs


def test_networks_it_cannot_guide_are_refused():
    with pytest.raises(WorkloadError, match="network 'plain' has no batch norm whose statistics"):
        plain().inversion()
