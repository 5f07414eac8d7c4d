"""Accuracies that can be sent to other processes."""

import os
import time


def by_size(network):
    return network.parameters / (network.parameters + 1000)


def with_machine(network, machine):
    return 0.5 + machine / 10


def moody(network, *, seed=0):
    """Raises, hangs, dies, or returns what is no accuracy, as the network's width says."""
    width = network.weight("fc1").shape[0]
    if width == 1:
        raise RuntimeError("no\nmore")
    if width == 2:
        time.sleep(60)
    if width == 3:
        os._exit(7)
    if width == 4:
        return float("nan")
    if width == 5:
        return "good"
    return 0.5 + 0.01 * seed, 0.1
