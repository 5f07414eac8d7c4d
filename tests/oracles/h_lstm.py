"""An H-LSTM as its equations say it: one sample, one gate, one unit at a time."""

import math


def logistic(x):
    return 1.0 / (1.0 + math.exp(-x))


def h_lstm(sequence, w):
    """Return the hidden state after every step.

    `sequence` is a list of feature lists; `w` holds nested lists: first[gate][unit][feature + hidden],
    first_bias[gate][unit], second[gate][hidden][unit], second_bias[gate][hidden].
    """
    hidden = len(w["second"][0])
    h, c = [0.0] * hidden, [0.0] * hidden
    states = []
    for x in sequence:
        joined = [*x, *h]
        gates = []
        for k, act in enumerate((logistic, logistic, math.tanh, logistic)):
            inner = [
                max(0.0, sum(a * b for a, b in zip(row, joined, strict=True)) + bias)
                for row, bias in zip(w["first"][k], w["first_bias"][k], strict=True)
            ]
            gates.append(
                [
                    act(sum(a * b for a, b in zip(row, inner, strict=True)) + bias)
                    for row, bias in zip(w["second"][k], w["second_bias"][k], strict=True)
                ]
            )
        i, f, g, o = gates
        c = [f[u] * c[u] + i[u] * g[u] for u in range(hidden)]
        h = [o[u] * math.tanh(c[u]) for u in range(hidden)]
        states.append(h)
    return states
