"""Designs that can be left out: a design that is dominated in every sample is on no sample's front.

A few good designs (the nominal front) are known exactly in every sample, every other one only from below, by
its nominal totals. Where a good design that is feasible in a sample dominates the bound, it dominates the
design. Nothing else is left out, so that the result is that of all designs.
"""

from typing import NamedTuple

import numpy as np

from dse.pareto.dominance import strike_dominated, strike_everywhere
from dse.pareto.front import filter_finite
from dse.uncertain.designs import Designs
from dse.uncertain.draws import FloatArray, IntArray
from dse.uncertain.trial import Trial, Tried, memory_codes


class Strikers(NamedTuple):
    """Objectives of good designs, those first that are good in all of them: they strike most."""

    by_sample: FloatArray  # shape (n_samples, n_good, n_objectives); infinite where infeasible
    robust: FloatArray  # shape (n_good, n_objectives)


def robust_values(values: FloatArray, quantile: float | None) -> FloatArray:
    """Objectives over all samples as one: their quantiles, or their means for a quantile of None.

    Parameters
    ----------
    values
        Shape (n_designs, n_samples, n_objectives).
    quantile
        In (0, 1).

    Returns
    -------
    float array of shape (n_designs, n_objectives)

    """
    if quantile is not None:
        return np.asarray(np.quantile(values, quantile, axis=1))
    first = values[:, :1]  # means of differences: equal values have themselves as their mean
    return np.asarray(first[:, 0] + (values - first).mean(axis=1))


def strikers(trial: Trial, good: Tried, quantile: float | None, share: float) -> Strikers:
    """Choose the good designs that strike, in every sample and for the robust front.

    `share` is that of the samples in which a robust design has to be feasible.
    """
    values, feasible = trial.values(good), trial.feasible(good)
    order = np.argsort(_rank_sum(robust_values(values, None)), kind="stable")
    by_sample = np.where(feasible[:, :, None], values, np.inf)[order].transpose(1, 0, 2)
    robust = robust_values(values[feasible.mean(axis=1) >= share], quantile)
    robust = robust[filter_finite(robust)]
    order = np.argsort(_rank_sum(robust), kind="stable")
    return Strikers(np.ascontiguousarray(by_sample), np.ascontiguousarray(robust[order]))


def _rank_sum(values: FloatArray) -> IntArray:
    ranks = np.argsort(np.argsort(values, axis=0, kind="stable"), axis=0, kind="stable")
    return np.asarray(ranks.sum(axis=1), dtype=np.int64)


def surviving(trial: Trial, designs: Designs, strike: Strikers, quantile: float | None) -> IntArray:
    """Rows of designs that may be on a sample's front or on the robust one.

    Designs that no sample makes run, of which nothing is known at nominal, are none of them.
    """
    runs = np.flatnonzero(np.isfinite([one["latency_s"] for one in designs.nominal]).all(axis=0))
    if len(runs) < len(designs.points):
        return runs[surviving(trial, designs.take(runs), strike, quantile)]
    return _alive(trial.least(designs), strike, quantile)


def roughly_surviving(
    trial: Trial, points: IntArray, values: FloatArray, strike: Strikers, quantile: float | None
) -> IntArray:
    """Rows of `surviving` and some more, from nominal objectives alone: before anything is costed again.

    Parameters
    ----------
    trial, strike, quantile
        As of `surviving`.
    points
        Indices of designs, shape (n,).
    values
        Their nominal objectives to minimise, shape (n, n_objectives); NaN where they are not known.

    """
    memory = memory_codes(trial.space, points, trial.draws.memories)
    least = trial.rough(memory, values)
    return np.arange(len(points)) if least is None else _alive(least, strike, quantile)


def _alive(least: FloatArray, strike: Strikers, quantile: float | None) -> IntArray:
    alive = np.ones(len(least), dtype=bool)
    strike_dominated(np.ascontiguousarray(robust_values(least, quantile)), strike.robust, alive)
    rows = np.flatnonzero(~alive)
    anywhere = np.ones(len(rows), dtype=bool)
    strike_everywhere(least[rows], strike.by_sample, anywhere)
    alive[rows] = anywhere
    return np.flatnonzero(alive)
