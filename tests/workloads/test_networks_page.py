"""The page on networks: every example runs, and every name on it is there."""

import re
from pathlib import Path

import pytest

import workloads
from workloads.sparsity.schemes import REGISTRY

PAGE = (Path(__file__).parents[2] / "docs" / "networks.md").read_text(encoding="utf-8")


def test_every_example_runs():
    torch = pytest.importorskip("torch", reason="an example imports a module")
    layers = torch.nn
    module = layers.Sequential(layers.Conv2d(3, 64, 3, padding=1), layers.ReLU(), layers.Conv2d(64, 64, 3))
    module.extend([layers.AdaptiveAvgPool2d(1), layers.Flatten(), layers.Linear(64, 10)])
    names = {"module": module, "x": torch.randn(4, 3, 16, 16), "y": torch.tensor([1, 2, 3, 4])}
    before = dict(REGISTRY)
    try:
        blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
        for block in blocks:
            exec(block, names)
    finally:
        REGISTRY.clear()
        REGISTRY.update(before)
    assert len(blocks) == 4
    assert names["wide"].parameters == 68_883_240


def test_every_name_is_there():
    for first, more in re.findall(
        r"`((?:llama|mistral|mixtral|qwen|gemma|deepseek|mamba)\w+)`((?: `_\w+`)*)", PAGE
    ):
        assert first in workloads.names()
        family = first.partition("_")[0]
        assert all(family + ending in workloads.names() for ending in re.findall(r"`(_\w+)`", more))
