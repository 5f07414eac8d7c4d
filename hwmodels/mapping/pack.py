"""The staircase: problems, architectures and mappings in, columns out."""

from collections.abc import Sequence
from math import prod

import numpy as np

from hwmodels.kernels.nest_columns import ArchitectureColumns, MappingColumns, ProblemColumns
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.mapping import Mapping, check
from hwmodels.mapping.problem import MappingError, Problem

COUNT_LIMIT = float(2**62)  # counts are int64; whatever could pass this is refused before anything is counted


def pack_problem(problem: Problem) -> ProblemColumns:
    """Turn a problem into columns.

    Raises
    ------
    MappingError
        If a 64-bit count could overflow.

    """
    dims, operands = len(problem.dimensions), len(problem.operands)
    ranks = max(len(operand.ranks) for operand in problem.operands) or 1
    rank = np.full((operands, dims), -1, dtype=np.int64)
    coefficient = np.zeros((operands, dims), dtype=np.int64)
    rank_dims = np.full((operands, ranks, 2), -1, dtype=np.int64)
    for o, operand in enumerate(problem.operands):
        for r, terms in enumerate(operand.ranks):
            for t, (dimension, scale) in enumerate(terms):
                d = problem.dimensions.index(dimension)
                rank[o, d], coefficient[o, d], rank_dims[o, r, t] = r, scale, d
        spread = prod(float(sum(c for _, c in terms)) for terms in operand.ranks)
        if prod(map(float, problem.bounds)) * spread > COUNT_LIMIT:
            raise MappingError(
                f"Problem {problem.name}: accesses of {operand.name} could pass 2**62, "
                "more than a 64-bit count holds"
            )
    return ProblemColumns(
        bounds=np.array(problem.bounds, dtype=np.int64),
        rank=rank,
        coefficient=coefficient,
        rank_dims=rank_dims,
        ranks=np.array([len(operand.ranks) for operand in problem.operands], dtype=np.int64),
        sliding=np.array(
            [any(len(r) > 1 for r in operand.ranks) for operand in problem.operands], dtype=np.int64
        ),
        read_write=np.array([operand.read_write for operand in problem.operands], dtype=np.int64),
    )


def pack_architecture(architecture: Architecture) -> ArchitectureColumns:
    """Turn an architecture into columns."""
    levels = architecture.levels

    def floats(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.array([float(getattr(level, name)) for level in levels])

    def ints(name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return np.array([int(getattr(level, name)) for level in levels], dtype=np.int64)

    leakage_w = architecture.mac_leakage_w * architecture.macs
    leakage_w += sum(level.leakage_w * level.instances for level in levels)
    return ArchitectureColumns(
        usable_words=floats("usable_words"),
        block_words=floats("block_words"),
        clusters=floats("instances") / floats("cluster"),
        fanout_x=ints("fanout_x"),
        fanout_y=ints("fanout_y"),
        read_words_per_cycle=floats("read_words_per_cycle"),
        write_words_per_cycle=floats("write_words_per_cycle"),
        shared_words_per_cycle=floats("shared_words_per_cycle"),
        overlapped=ints("overlapped"),
        read_pj=floats("read_pj"),
        fill_pj=floats("fill_pj"),
        update_pj=floats("update_pj"),
        mac_pj=np.array([float(architecture.mac_pj)]),
        macs=np.array([float(architecture.macs)]),
        leakage_pj_per_cycle=np.array([leakage_w / architecture.clock_hz * 1e12]),
    )


def pack_mappings(
    problem: Problem, architecture: Architecture, mappings: Sequence[Mapping]
) -> MappingColumns:
    """Turn mappings of one problem onto one architecture into columns, in the given order.

    Raises
    ------
    MappingError
        If a mapping is none of this problem onto this architecture (`hwmodels.mapping.mapping.check`).

    """
    columns = blank_mappings(problem, architecture, len(mappings))
    index = {name: i for i, name in enumerate(problem.dimensions)}
    for row, mapping in enumerate(mappings):
        check(problem, architecture, mapping)
        for level, loops in enumerate(mapping.levels):
            for dimension, count in loops.temporal:
                columns.temporal[row, level, index[dimension]] = count
            for dimension, count in loops.spatial_x:
                columns.spatial_x[row, level, index[dimension]] = count
            for dimension, count in loops.spatial_y:
                columns.spatial_y[row, level, index[dimension]] = count
            inner_first = [index[dimension] for dimension, _ in reversed(loops.temporal)]
            rest = [d for d in range(len(problem.dimensions)) if d not in inner_first]
            columns.order[row, level] = [*inner_first, *rest]
            for o, operand in enumerate(problem.operands):
                columns.keep[row, level, o] = operand.name in loops.keep
    return columns


def blank_mappings(problem: Problem, architecture: Architecture, rows: int) -> MappingColumns:
    """Columns of `rows` mappings with every factor 1, dimensions in the problem's order and nothing kept."""
    shape = (rows, len(architecture.levels), len(problem.dimensions))
    order = np.broadcast_to(np.arange(shape[2], dtype=np.int8), shape).copy()
    return MappingColumns(
        temporal=np.ones(shape, dtype=np.int32),
        spatial_x=np.ones(shape, dtype=np.int32),
        spatial_y=np.ones(shape, dtype=np.int32),
        order=order,
        keep=np.zeros((rows, shape[1], len(problem.operands)), dtype=np.int8),
    )


def limit_name(architecture: Architecture, code: int) -> str:
    """Name the limit of a code in `MetricColumns.limit`; empty where there is none."""
    if code == 0:
        return ""
    level, kind = divmod(code - 1, 3)
    return f"{architecture.levels[level].name} {('capacity', 'fanout X', 'fanout Y')[kind]}"


def bound_name(architecture: Architecture, code: int) -> str:
    """Name what bounds the cycles of a code in `MetricColumns.bound`."""
    if code == 0:
        return "compute"
    level, port = divmod(code - 1, 3)
    return f"{architecture.levels[level].name} {('read port', 'write port', 'shared port')[port]}"
