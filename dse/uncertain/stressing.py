"""Stress a front: sample the technology, and see which designs stay on the front."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from dse.arguments import SUBJECT
from dse.designs import Subject
from dse.pareto.front import filter_finite, refuse_non_finite
from dse.results.stressed import Stressed
from dse.run.progress import Progress
from dse.run.workers import default_workers
from dse.uncertain.designs import BoolArray
from dse.uncertain.draws import Draws, FloatArray, IntArray
from dse.uncertain.rivals import Rivals, rivals_of
from dse.uncertain.strike import robust_values, roughly_surviving, strikers, surviving
from dse.uncertain.table import Declared, declared
from dse.uncertain.trial import Trial, Tried, memories_of
from workloads.errors import InputError, shown
from workloads.grammar.arguments import MAPPING, NUMBER, TEXT, WHOLE, takes

SHOWN: Final = (0.05, 0.5, 0.95)
"""Quantiles of the objectives that a result shows of each design."""

_CELLS: Final = 1 << 19
"""Designs times samples that are worked on at once: a few megabytes a column."""


@takes(
    subject=SUBJECT,
    samples=WHOLE,
    seed=WHOLE,
    uncertainties=MAPPING.or_none(),
    robust=TEXT,
    quantile=NUMBER,
    workers=WHOLE.or_none(),
)
def stress(
    subject: Subject,
    samples: int = 200,
    seed: int = 0,
    uncertainties: Mapping[str, Declared] | None = None,
    *,
    robust: str = "quantile",
    quantile: float = 0.95,
    workers: int | None = None,
    progress: bool | None = None,
) -> Stressed:
    """Ask of every design of a front how probably it stays there when the technology is not quite as stated.

    Parameters
    ----------
    subject
        A sweep, a front, or what a search found. All configurations costed for it compete.
    samples
        Technologies drawn. In each, every constant is multiplied by a factor of its own that all designs
        share: it is one technology.
    seed
        Equal seeds give equal results, bit for bit.
    uncertainties
        Relative uncertainties in the place of the shipped ones (`dse.uncertainties()`): name -> share in
        [0, 1), or name -> ("uniform", share). "main_memory_bandwidth[hbm2]" speaks of one main memory, "all"
        of everything that is not named.
    robust
        What the robust front compares: "quantile", each objective at its bad quantile, or "mean".
    quantile
        Which quantile, in (0, 1). A robust design satisfies the space's constraints in at least this share of
        the samples.
    workers
        Number of threads, by default one a core. Results do not depend on it.
    progress
        True or False to force the progress bar; by default shown on a terminal only.

    Returns
    -------
    Stressed
        `.probability`, `.robust`, `.table`, `.uncertainties`, `.plot()`.

    Raises
    ------
    UnknownNameError
        If an uncertainty's name is not known; the nearest are named.
    InfeasibleSpaceError
        If the sweep has no feasible configuration.
    ValueError
        If an argument is refused, the front is empty, or its machines are templates.

    Notes
    -----
    Mappings, and what stays on chip, are those chosen at nominal, so that counts are used again: energies
    and areas are sums of factors times parts, a latency is summed over operations from their times on chip
    and in main memory.
    Designs whose lower bound is dominated in every sample are left out before, which changes no result.

    The robust front is that of each objective's quantile over the samples, the value-at-risk version of
    objective-wise worst cases (Kuroiwa and Lee, Vietnam J. Math. 40, 2012); "mean" gives mean effective
    objectives (Deb and Gupta, Evolutionary Computation 14(4), 2006, robustness of type I).

    """
    check_options(samples, seed, robust, quantile)
    if workers is not None and workers < 1:
        raise InputError(f"workers must be at least 1, got {workers}", path="workers")
    rivals = rivals_of(subject)
    front = rivals.front
    memories = memories_of(front.space)
    rows = declared(uncertainties, memories)
    work = rivals.work
    trial = Trial(
        front.space,
        work.members,
        work.together,
        front.objectives,
        front.mapping_objective,
        Draws.of(rows, memories, samples, seed),
    )
    level = quantile if robust == "quantile" else None
    with ThreadPoolExecutor(workers or default_workers()) as pool:
        tried = _tried(trial, rivals, level, quantile, pool, progress)
        on_front, feasible = _memberships(trial, tried, pool)
        values = _quantiles(trial, tried, level, pool)
    steady = np.flatnonzero(feasible.mean(axis=1) >= quantile)
    steadfast = np.zeros(len(on_front), dtype=bool)
    steadfast[steady[filter_finite(values[steady, -1])]] = True
    return Stressed.of(
        trial,
        rivals,
        rows,
        seed=seed,
        quantile=level,
        designs=tried.designs,
        on_front=on_front,
        feasible=feasible,
        robust=steadfast,
        values=values,
    )


def check_options(samples: int, seed: int, robust: str, quantile: float) -> None:
    """Raise ValueError if an option of `stress` is out of its range."""
    if samples < 1:
        raise InputError(f"samples must be at least 1, got {samples}", path="samples")
    if seed < 0:
        raise InputError(f"seed must not be negative, got {seed}", path="seed")
    if robust not in ("quantile", "mean"):
        raise InputError(f'robust must be "quantile" or "mean", got {shown(robust)}', path="robust")
    if not 0.0 < quantile < 1.0:
        raise InputError(f"quantile must be in (0, 1), got {quantile}", path="quantile")


def _tried(
    trial: Trial,
    rivals: Rivals,
    level: float | None,
    share: float,
    pool: ThreadPoolExecutor,
    progress: bool | None,
) -> Tried:
    """The front and every rival that may be on a sample's front, with their latencies, by index."""
    known = rivals.nominal(trial.kept)
    chunk = max(16, _CELLS // trial.draws.samples)
    on_front = np.isin(rivals.points, rivals.front.frame.index.to_numpy())

    def costed(rows: IntArray, keep: Callable[..., IntArray] | None) -> Tried:
        nominal = None if known is None else {name: column[rows] for name, column in known.items()}
        designs = trial.designs(rivals.points[rows], nominal)
        return trial.tried(designs if keep is None else designs.take(keep(designs)))

    mine = np.flatnonzero(on_front)
    good = Tried.join(list(pool.map(lambda rows: costed(rows, None), _split(mine, chunk // 8 + 1))))
    strike = strikers(trial, good, level, share)
    found = [good]

    def struck(rows: IntArray) -> Tried:
        if known is None and rivals.values is not None:
            points, values = rivals.points[rows], rivals.values[rows]
            rows = rows[roughly_surviving(trial, points, values, strike, level)]
        return costed(rows, lambda designs: surviving(trial, designs, strike, level))

    others = _split(np.flatnonzero(~on_front), chunk)
    done = len(mine)
    with Progress(lambda: len(rivals.points), 0, progress) as bar:
        for rows, part in zip(others, pool.map(struck, others), strict=True):
            found.append(part)
            done += len(rows)
            bar.show(done, sum(len(one.designs.points) for one in found))
    whole = Tried.join(found)
    return whole.take(np.argsort(whole.designs.points, kind="stable"))


def _split(rows: IntArray, size: int) -> list[IntArray]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def _memberships(trial: Trial, tried: Tried, pool: ThreadPoolExecutor) -> tuple[BoolArray, BoolArray]:
    """Where a design is on the sample's front, and where it is feasible, both (n_designs, n_samples)."""
    count, samples = len(tried.designs.points), trial.draws.samples
    on_front, feasible = np.zeros((2, count, samples), dtype=bool)
    block = max(1, _CELLS // count)
    names = [str(objective) for objective in trial.objectives]

    def fill(start: int) -> None:
        taken = slice(start, min(start + block, samples))
        values, feasible[:, taken] = trial.values(tried, taken), trial.feasible(tried, taken)
        for sample in range(taken.start, taken.stop):
            rows = np.flatnonzero(feasible[:, sample])
            here = np.ascontiguousarray(values[rows, sample - start])
            refuse_non_finite(here, names=[f"{name} in sample {sample}" for name in names])
            on_front[rows[filter_finite(here)], sample] = True

    list(pool.map(fill, range(0, samples, block)))
    return on_front, feasible


def _quantiles(trial: Trial, tried: Tried, level: float | None, pool: ThreadPoolExecutor) -> FloatArray:
    """Objectives to minimise at the quantiles shown, then the robust ones: (n_designs, 4, n_objectives)."""
    rows = np.arange(len(tried.designs.points))

    def of(rows: IntArray) -> FloatArray:
        values = trial.values(tried.take(rows))
        shown = [robust_values(values, share) for share in SHOWN]
        return np.stack([*shown, robust_values(values, level)], axis=1)

    return np.concatenate(list(pool.map(of, _split(rows, max(16, _CELLS // trial.draws.samples)))))
