"""A layer of GPT-3 175B (Brown et al., NeurIPS 2020, Table 2.1) as AccelForge states it, and its machine."""

import dataclasses
from typing import Any

import hwmodels
from hwmodels.parts import Datapath
from workloads.graph import Graph
from workloads.network import Network
from workloads.operations import Attention, Linear

WIDTH, HEADS, HIDDEN = 12288, 96, 49152
BITS = 16
FUSED = (1.175130027562791, 0.056330591440200806)
"""Energy [J], latency [s] of AccelForge 1.0.467's fused optimum, prefill of 2,048 (`max_fused_loops=1`)."""


def layer(tokens: int = 2048, width: int = WIDTH, heads: int = HEADS, hidden: int = HIDDEN) -> Network:
    """Projections, attention and perceptron without norms, biases and residual sums."""
    graph = Graph("gpt3 layer")
    x = graph.input("x", (1, tokens, width))
    value, key, query = (graph.add(Linear(name, width, bias=False), x) for name in ("v", "k", "q"))
    y = graph.add(Attention("attention", heads), query, key, value)
    for name, neurons in (("z", width), ("ffa", hidden), ("ffb", width)):
        y = graph.add(Linear(name, neurons, bias=False), y)
    graph.output(y)
    return Network(graph, "a test")


def tpu_v4i_16() -> Any:
    """TPU v4i with elements of 16 bits: words twice as wide that cost twice as much."""
    machine = hwmodels.load("tpu_v4i")
    levels = []
    for level in machine.levels:
        prices = level.prices
        twice = {name: 2 * getattr(prices, name) for name in ("read_pj", "fill_pj", "update_pj")}
        levels.append(
            dataclasses.replace(
                level,
                word_bits=BITS,
                bytes=BITS // 8 if level.name == "register" else level.bytes,
                prices=dataclasses.replace(prices, **twice),
            )
        )
    wide = Datapath(weight_bits=BITS, input_bits=BITS, output_bits=BITS, accumulator_bits=BITS)
    return dataclasses.replace(machine, levels=tuple(levels), datapath=wide)
