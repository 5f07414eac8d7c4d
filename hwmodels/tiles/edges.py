"""What tiles align with on a configuration: the PEs that K, C and positions are folded on.

Candidates depend on these few numbers and on no other column of the configuration table, so that a space of
many arrays has few different lists.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwmodels.array import INTERCONNECTS, Dataflow
from hwmodels.columns import ConfigTable
from hwmodels.sparsity import FORMATS, MODES
from workloads.table import IntColumn

Keys = list[tuple[int, ...]]


class Aligned(NamedTuple):
    """The different alignments of a batch of configurations, and which one each has, shape (n_configs,)."""

    k: Keys  # PEs (0: none); and of a cartesian array its parts of the plane and accumulators, else 0
    k_of: IntColumn
    c: Keys  # PEs; 1 where the taps of a channel are folded with it; n and m of what is held (see `held_as`)
    c_of: IntColumn
    m: Keys  # fields of `positions.Positions`
    m_of: IntColumn


def different(columns: list[NDArray[np.int64]]) -> tuple[Keys, IntColumn]:
    """Different rows of some columns, and which of them each row is."""
    code = np.zeros(columns[0].size, dtype=np.int64)
    for column in columns:
        values, one = np.unique(column, return_inverse=True)
        code = np.unique(code * values.size + one.ravel(), return_inverse=True)[1].ravel()
    first = np.unique(code, return_index=True)[1]
    return list(zip(*(column[first].tolist() for column in columns), strict=True)), code


WEIGHTS, INPUTS = 1, 2
"""What a systolic array holds with its n:m zeros left out."""


def held_as(configs: ConfigTable) -> list[NDArray[np.int64]]:
    """What is held without its zeros (0: nothing), n and m.

    A systolic array that holds an operand pruned n:m holds n of m along the sum: fewer folds, each as long as
    it was, since all that streams still passes (SCALE-Sim v3's sparse mode).
    """
    held, n, m = (np.full(configs.size, value, dtype=np.int64) for value in (0, 1, 1))
    systolic = configs.interconnect == INTERCONNECTS["systolic"]
    for code, name, flow in (
        (WEIGHTS, "weight", Dataflow.WEIGHT_STATIONARY),
        (INPUTS, "input", Dataflow.INPUT_STATIONARY),
    ):
        mode, form = getattr(configs, f"{name}_mode"), getattr(configs, f"{name}_format")
        taken = systolic & (configs.dataflow == flow) & (mode == MODES["skip"]) & (form == FORMATS["n_m"])
        taken &= getattr(configs, f"{name}_skip_block") == 1
        held[taken] = code
        n[taken], m[taken] = getattr(configs, f"{name}_n")[taken], getattr(configs, f"{name}_m")[taken]
    return [held, n, m]


def aligned(configs: ConfigTable) -> Aligned:
    """Collect what the tiles of each configuration align with."""
    systolic = configs.interconnect == INTERCONNECTS["systolic"]
    unrolled = configs.interconnect == INTERCONNECTS["unrolled"]
    cartesian = configs.interconnect == INTERCONNECTS["cartesian"]
    holds_outputs = configs.dataflow == Dataflow.OUTPUT_STATIONARY
    holds_inputs = configs.dataflow == Dataflow.INPUT_STATIONARY
    spread, follows = unrolled | cartesian, configs.unroll_k

    k_pes = np.where(spread, follows, np.where(systolic & ~holds_inputs, configs.cols, 0))
    k, k_of = different(
        [
            k_pes,
            np.where(cartesian, configs.unroll_p, 0),
            np.where(cartesian, configs.unroll_q, 0),
            np.where(cartesian, configs.accumulators, 0),
        ]
    )
    c_pes = np.where(systolic & ~holds_outputs, configs.rows, np.where(cartesian, 1, 0))
    c_pes = np.where(unrolled, configs.unroll_c, c_pes)
    with_taps = np.where(systolic | (unrolled & (configs.im2col == 1)), 1, 0)
    c, c_of = different([c_pes, with_taps, *held_as(configs)])
    folded = np.where(holds_outputs, configs.rows, np.where(holds_inputs, configs.cols, 0))
    m, m_of = different(
        [
            configs.interconnect,
            np.where(spread, configs.unroll_n, np.where(systolic, folded, 0)),
            np.where(spread, configs.unroll_p, 0),
            np.where(spread, configs.unroll_q, 0),
            np.where(unrolled, configs.unroll_r, 0),
            np.where(unrolled, configs.unroll_s, 0),
        ]
    )
    return Aligned(k, k_of, c, c_of, m, m_of)
