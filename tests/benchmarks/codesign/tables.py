"""Tables of docs/codesign.md: each part runs its seeds, or finds them kept, and prints."""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np

from dse.run.digest import model_digest
from tests.benchmarks.codesign import arithmetic, arriving_data, dreams, methods, predicting, small_sets
from tests.benchmarks.codesign import connections as fewer
from tests.benchmarks.codesign import joint as searching
from tests.benchmarks.codesign import ranks as low
from tests.benchmarks.codesign.keeping import SEEDS, heading, interval, kept, row


def joint(seeds: Sequence[int] = SEEDS) -> None:
    """Print hypervolumes and EDP at iso-accuracy."""
    what = f"joint {searching.BUDGET} {model_digest()[:8]}"
    found = [kept(what, seed, searching.compared, searching.CODE) for seed in seeds]
    heading(f"joint search, {searching.BUDGET} trainings", "mean, 95 % interval", "each seed", "to reach")
    ours = [one["nested volume"] for one in found]
    for strategy in searching.STRATEGIES:
        values = [one[f"{strategy} volume"] for one in found]
        target = ""
        if strategy != "nested":
            won = sum(a > b for a, b in zip(ours, values, strict=True))
            target = f"nested is better in {won}; 4 of 5"
        row(f"{strategy}: hypervolume, common scale", values, target, "", 3)
    for rival in searching.STRATEGIES[1:]:
        for level in searching.LEVELS:
            edp = [(one[f"{rival} {level}"], one[f"nested {level}"]) for one in found]
            ratios = [theirs / own for theirs, own in edp if own == own and theirs == theirs]
            won = sum(own == own and not theirs <= own for theirs, own in edp)
            lost = sum(theirs == theirs and not own <= theirs for theirs, own in edp)
            what = f"EDP of {rival} over that of nested, {level:.0%} right"
            row(what, ratios or [math.nan], f"nested is better in {won}, worse in {lost}", "", 2)
    for strategy in searching.STRATEGIES:
        row(f"{strategy}: pairs costed", [one[f"{strategy} evaluations"] for one in found], "", "", 0)


def predictor(seeds: Sequence[int] = SEEDS) -> None:
    """Print tau, regret and coverage of each predictor and sample."""
    found = [
        kept(f"predictor {predicting.BUDGET}", seed, predicting.predicted, predicting.CODE) for seed in seeds
    ]
    heading(f"predictor, {predicting.BUDGET} trainings", "mean, 95 % interval", "each seed", "to reach")
    row("the same networks with another seed: tau", [one["ceiling tau"] for one in found], "", "", 2)
    row("- in the better half", [one["ceiling better"] for one in found], "", "", 2)
    row("- regret", [one["ceiling regret"] for one in found])
    row("fewest MACs last: tau", [one["macs tau"] for one in found], "", "", 2)
    for name in predicting.PREDICTORS:
        for how in predicting.SAMPLES:
            head = f"{name} {how}"
            ratios = [one[f"{head} tau"] / one["ceiling tau"] for one in found]
            row(f"{name}, {how} sample: tau", [one[f"{head} tau"] for one in found], "", "", 2)
            row("- of the ceiling", ratios, "0.9", "", 2)
            row("- in the better half", [one[f"{head} better"] for one in found], "0.45", "", 2)
            row("- regret of the top pick", [one[f"{head} regret"] for one in found], "1")
            row("- 90 % intervals cover", [one[f"{head} coverage"] for one in found], "85 to 95", " %", 0)
        for what, where in (("tau", "tau"), ("better", "the better half's tau")):
            ahead = [one[f"{name} iterative {what}"] - one[f"{name} random {what}"] for one in found]
            won = sum(one > 0 for one in ahead)
            row(f"- iterative ahead of random in {where}", ahead, f"ahead in {won}; 4 of 5", "", 2)
    for what, scale, unit in (("loss", -1, ""), ("test", 1, " points")):
        ahead = [scale * (one[f"iterative {what}"] - one[f"random {what}"]) for one in found]
        row(f"best network met: iterative ahead of random in {what}", ahead, "4 of 5", unit, 3)


def connections(seeds: Sequence[int] = SEEDS) -> None:
    """Print what growing and pruning loses."""
    heading(f"{fewer.RATIO}x fewer connections", "mean, 95 % interval", "each seed", "to reach")
    for name, (network, most, _) in fewer.NETWORKS.items():
        dense, grown = (fewer.tested(seeds, name, network, what) for what in ("dense", "grown"))
        row(f"{name}, dense, {network.macs:,} connections", dense, "", " %")
        row("- grow_and_prune: lost", _above(dense, grown), most, digits=2)


def rivals(seeds: Sequence[int] = SEEDS) -> None:
    """Print what pruning alone loses, and how far the thin dense network is behind."""
    heading(f"{fewer.RATIO}x fewer connections", "mean, 95 % interval", "each seed", "to reach")
    for name, (network, most, above) in fewer.NETWORKS.items():
        found = {what: fewer.tested(seeds, name, network, what) for what in fewer.METHODS}
        row(f"{name}, prune_alone: lost", _above(found["dense"], found["pruned"]), most, digits=2)
        for what, method in (("grown", "grow_and_prune"), ("pruned", "prune_alone")):
            row(f"- {method} above the thin dense network", _above(found[what], found["thin"]), above)


def _above(ours: Sequence[float], theirs: Sequence[float]) -> list[float]:
    return [one - other for one, other in zip(ours, theirs, strict=True)]


def incremental(seeds: Sequence[int] = SEEDS) -> None:
    """Print what learning from arriving data saves in joules on a machine, and what it costs in accuracy."""
    found = [kept("incremental", seed, arriving_data.updated, arriving_data.CODE) for seed in seeds]
    heading("data that arrive", "mean, 95 % interval", "each seed", "to reach")
    for what in ("before", "updated"):
        row(f"accuracy {what}", [one[what] for one in found], "", " %")
    for rival, target in (("fine-tuning", "50"), ("scratch", "60")):
        saved = [100 * (1 - one["updated joules"] / one[f"{rival} joules"]) for one in found]
        row(f"joules on `{arriving_data.MACHINE}` saved against {rival}", saved, target, " %")
        row(f"- accuracy behind {rival}", [one[rival] - one["updated"] for one in found], "0.3")
        same = [one[f"{rival}, decayed"] - one["updated"] for one in found]
        row(f"- behind {rival} with the update's rate and decay", same, "0.3")


def precision(seeds: Sequence[int] = SEEDS) -> None:
    """Print what <4, 16> loses: a CNN with batch norm on digits."""
    found = [kept("precision", seed, arithmetic.rounded, arithmetic.CODE) for seed in seeds]
    heading("SPRING's <4, 16>", "mean, 95 % interval", "each seed", "to reach")
    for mode in arithmetic.MODES:
        target = "0.5" if mode == "stochastic" else ""
        row(f"{mode}: lost", [one["float"] - one[mode] for one in found], target)


def data_free(seeds: Sequence[int] = SEEDS) -> None:
    """Print what pruning and repair without data keep."""
    found = [kept("data-free", seed, dreams.repaired, dreams.CODE) for seed in seeds]
    heading("without data", "mean, 95 % interval", "each seed", "to reach")
    ours = "0.2 synflow inverted"
    behind = [one["teacher"] - one[ours] for one in found]
    row("20 % kept, SynFlow, repaired on inverted images: behind the teacher", behind, "2")
    row("- above repair on noise", [one[ours] - one["0.2 synflow noise"] for one in found], "8")
    ahead = [one["0.05 synflow inverted"] - one["0.05 magnitude inverted"] for one in found]
    row("5 % kept: SynFlow above magnitude", ahead, "15")


def ranks(seeds: Sequence[int] = SEEDS) -> None:
    """Print what ranks chosen by loss within a latency keep, beside one rule of that latency."""
    found = [kept("ranks", seed, low.chosen, low.CODE) for seed in seeds]
    heading("low rank, equal time", "mean, 95 % interval", "each seed", "to reach")
    row("as trained", [one["trained"] for one in found], "", " %")
    row("- latency", [one["trained us"] for one in found], "", " us")
    for what in ("rule", "chosen"):
        row(
            f"ranks by {'one rule' if what == 'rule' else 'loss and latency'}",
            [one[what] for one in found],
            "",
            " %",
        )
        row("- before it is trained on", [one[f"{what} before"] for one in found], "", " %")
        row("- latency", [one[f"{what} us"] for one in found], "", " us")
        row("- parameters", [one[f"{what} parameters"] for one in found], "", "", 0)
    ahead = [one["chosen"] - one["rule"] for one in found]
    row("chosen ahead of the rule", ahead, f"ahead in {sum(gain > 0 for gain in ahead)} of {len(ahead)}")


def small(seeds: Sequence[int] = SEEDS) -> None:
    """Print the small sets: five times two folds, selection inside them."""
    heading("small sets", "mean, 95 % interval", "each repeat", "to reach")
    ratios, lost = [], []
    for name in small_sets.SETS:
        make = partial(small_sets.repeated, name=name)
        found = [kept(f"small {name}", seed, make, small_sets.CODE) for seed in seeds]
        ratios.append([one["ratio"] for one in found])
        lost.append([one["dense"] - one["sparse"] for one in found])
        row(
            f"{name}: dense, {found[0]['connections']:,.0f} connections",
            [one["dense"] for one in found],
            "",
            " %",
        )
        row("- times fewer connections", ratios[-1], "", "")
        row("- lost", lost[-1])
    row("all: times fewer, geometric mean", np.exp(np.log(ratios).mean(0)).tolist(), "20", "")
    row("all: lost, mean", np.mean(lost, axis=0).tolist(), "0.5")


def synthesis(seeds: Sequence[int] = SEEDS[:3]) -> None:
    """Print each method of sparse synthesis beside its parents at equal connections and epochs."""
    heading("LeNet-300-100, MNIST-5k", *(f"{ratio}x" for ratio in methods.RATIOS))
    for name in methods.METHODS:
        cells = []
        for ratio in methods.RATIOS:
            make = partial(methods.accuracy, method=name, ratio=ratio)
            found = [kept(f"{name} {ratio}x", seed, make, methods.CODE) for seed in seeds]
            values = [one["accuracy"] for one in found]
            cells.append(f"{interval(values)} ({' '.join(f'{one:.1f}' for one in values)})")
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print()
    heading("CGaP, 20 of 60 units", "mean, 95 % interval", "each seed", "to reach")
    for by in ("saliency", "random"):
        make = partial(methods.filters, by=by)
        found = [kept(f"filters {by}", seed, make, methods.CODE) for seed in seeds]
        row(f"by {by}", [one["accuracy"] for one in found], "", " %")
