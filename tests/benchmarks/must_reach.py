"""What co-design is to reach, measured: five seeds (split and weights), means with 95 % intervals.

`python -m tests.benchmarks must_reach` prints the table of docs/codesign.md; `codesign` has the joint search.
"""

from collections.abc import Callable, Sequence

import torch

from dse.results.training_cost import training_cost
from hwmodels.arithmetic import FixedArithmetic
from hwmodels.rounding import FixedPoint
from tests.benchmarks.codesign import interval
from tests.benchmarks.synthesis import skips, thin
from workloads import Network, load, to_module
from workloads.learning.data import load_data
from workloads.learning.data_free import Inversion, invert, prune_without_data
from workloads.learning.fitting import Samples, Training, fit
from workloads.learning.incremental import arriving, update
from workloads.learning.precision import fit_in
from workloads.learning.synthesis import Phase, grow_and_prune, scann
from workloads.spaces.builders import convolutional, perceptron

SEEDS = (0, 1, 2, 3, 4)
MACHINE = "spring"


def row(what: str, values: Sequence[float], target: str, unit: str = "points") -> None:
    """Print a row: mean with its interval, every seed, and the target."""
    each = " ".join(f"{one:.1f}" for one in values)
    print(f"| {what} | {interval(values)} {unit} | {each} | {target} |", flush=True)


def connections(seeds: Sequence[int]) -> None:
    """Print what 50 times fewer connections lose, on MNIST-5k and digits (SCANN B)."""
    for name, network, target in (
        ("mnist5k", load("lenet_300_100"), "0.5"),
        ("digits", perceptron(features=64, depth=2, width=(300, 100)), "0.6"),
    ):
        lost, above = [], []
        for seed in seeds:
            data, training = load_data(name, seed=seed), Training(epochs=30, seed=seed)
            dense = fit(to_module(network, seed=seed), data, training).test.accuracy
            keep = network.macs // 50
            wide = skips(network) if name == "mnist5k" else _skips(network)
            sparse = scann("B", wide, data, keep, training).fitted.test.accuracy
            lost.append(100 * (dense - sparse))
            if name == "mnist5k":
                above.append(100 * (sparse - thin(network, data, keep, training)))
        row(f"{name}, 50x fewer connections: lost", lost, f"interval inside {target}")
        if above:
            row("- above the dense network of as many connections", above, "3")


def _skips(network: Network) -> Network:
    return perceptron(features=64, depth=2, width=(300, 100), skip=True)


def incremental(seeds: Sequence[int]) -> None:
    """Print what learning from arriving data saves in joules on a machine, and what it costs in accuracy."""
    network = load("lenet_300_100")
    saved: dict[str, list[float]] = {"fine-tuning": [], "grow-and-prune from scratch": []}
    behind: dict[str, list[float]] = {name: [] for name in saved}
    for seed in seeds:
        arrival = arriving(load_data("mnist5k", seed=seed), 0.5, seed)
        whole, keep = Training(epochs=20, seed=seed), network.macs // 20
        made = grow_and_prune(network, arrival.before, keep, whole)
        scratch = grow_and_prune(network, arrival.after, keep, whole)
        module = to_module(network, seed=seed)
        fit(module, arrival.before, whole)
        tuned = fit(module, arrival.after, Training(epochs=20, seed=seed + 1, learning_rate=1e-3))
        updated = update(made, arrival, Training(epochs=12, seed=seed))
        ours = _joules(updated.phases)
        rivals = {
            "fine-tuning": (_joules([Phase(network, tuned.steps, whole.batch)]), tuned.test.accuracy),
            "grow-and-prune from scratch": (_joules(scratch.phases), scratch.fitted.test.accuracy),
        }
        for name, (joules, accuracy) in rivals.items():
            saved[name].append(100 * (1 - ours / joules))
            behind[name].append(100 * (accuracy - updated.fitted.test.accuracy))
    for name, target in (("fine-tuning", "50"), ("grow-and-prune from scratch", "60")):
        row(f"incremental, joules on {MACHINE} saved against {name}", saved[name], target, "%")
        row(f"- accuracy behind {name}", behind[name], "0.3")


def _joules(phases: Sequence[Phase]) -> float:
    cost = training_cost(phases, MACHINE)
    return float((cost["energy_j"] + cost["growth_energy_j"]).sum())


def precision(seeds: Sequence[int]) -> None:
    """Print what <4, 16> loses: a CNN with batch norm on digits."""
    network = convolutional(resolution=8, stages=2, width=(8, 16))
    lost: dict[str, list[float]] = {"stochastic": [], "nearest": []}
    for seed in seeds:
        data = load_data("digits", seed=seed)
        training = Training(epochs=12, batch=32, learning_rate=0.01, seed=seed)
        real = fit(to_module(network, seed=seed), data, training).test.accuracy
        for mode, values in lost.items():
            arithmetic = FixedArithmetic(FixedPoint(4, 16), mode, seed=seed)
            found = fit_in(to_module(network, seed=seed), data, arithmetic, training)
            values.append(100 * (real - found.test.accuracy))
    for mode, values in lost.items():
        row(f"CNN in <4, 16> {mode}: lost", values, "0.5" if mode == "stochastic" else "")


def data_free(seeds: Sequence[int]) -> None:
    """Print what pruning and repair without data keep: a CNN on digits, 500 inverted images."""
    network = convolutional(resolution=8, stages=2, width=(16, 32), depth=(2, 2, 1))
    lost, above, ahead = [], [], []
    for seed in seeds:
        data = load_data("digits", seed=seed)
        teacher = to_module(network, seed=seed, masked=True)
        right = fit(teacher, data, Training(epochs=20, batch=32, learning_rate=0.01, seed=seed)).test.accuracy
        images = invert(teacher, 500, Inversion(seed=seed)).images
        noise = torch.randn(500, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
        samples = Samples(data, network)

        def kept(density: float, method: str, seen: torch.Tensor) -> float:
            module = prune_without_data(teacher, density, seen, method=method, seed=seed)[0]  # noqa: B023
            return 100 * samples.score(module, data.test).accuracy  # noqa: B023

        ours = kept(0.2, "synflow", images)
        lost.append(100 * right - ours)
        above.append(ours - kept(0.2, "synflow", noise))
        ahead.append(kept(0.05, "synflow", images) - kept(0.05, "magnitude", images))
    row("20 % kept, repaired on inverted images: behind the teacher", lost, "2")
    row("- above repair on noise", above, "8")
    row("5 % kept: SynFlow above magnitude", ahead, "15")


PARTS: dict[str, Callable[[Sequence[int]], None]] = {
    "connections": connections,
    "incremental": incremental,
    "precision": precision,
    "data_free": data_free,
}


def main(seeds: Sequence[int] = SEEDS, parts: Sequence[str] = tuple(PARTS)) -> None:
    """Print the table."""
    torch.set_num_threads(1)
    print("| what | mean, 95 % interval | each seed | to reach |\n|---|---|---|---|")
    for part in parts:
        PARTS[part](seeds)


if __name__ == "__main__":
    main()
