"""The staircase: problems, architectures and mappings in, columns out."""

from collections.abc import Sequence
from math import prod

import numpy as np

from hwmodels.kernels.nest.columns import (
    ACROSS,
    DOWN,
    TEMPORAL,
    ArchitectureColumns,
    MappingColumns,
    ProblemColumns,
)
from hwmodels.mapping.architecture import Architecture
from hwmodels.mapping.mapping import Mapping, check
from hwmodels.mapping.problem import MappingError, Problem

BOUND_LIMIT = 2**31 - 1  # loop counts are int32
COUNT_LIMIT = float(2**53)  # counts are int64 and become float64; what could pass this is refused beforehand


def pack_problem(problem: Problem) -> ProblemColumns:
    """Turn a problem into columns.

    Raises
    ------
    MappingError
        If a count could pass 2^53, up to which they are exact.

    """
    for dimension, bound in problem.extents.items():
        if bound > BOUND_LIMIT:
            raise MappingError(
                f"Problem.bounds of {problem.name}: {dimension} must be at most {BOUND_LIMIT}, got {bound}"
            )
    dims, operands = len(problem.dimensions), len(problem.operands)
    ranks = max(len(operand.ranks) for operand in problem.operands) or 1
    rank = np.full((operands, dims), -1, dtype=np.int64)
    coefficient = np.zeros((operands, dims), dtype=np.int64)
    rank_dims = np.full((operands, ranks, 2), -1, dtype=np.int64)
    for o, operand in enumerate(problem.operands):
        for r, terms in enumerate(operand.ranks):
            for t, (dimension, scale) in enumerate(terms):
                if scale > BOUND_LIMIT:
                    raise MappingError(
                        f"Operand.ranks of {operand.name}: the coefficient of {dimension} must be at most "
                        f"{BOUND_LIMIT}, got {scale}"
                    )
                d = problem.dimensions.index(dimension)
                rank[o, d], coefficient[o, d], rank_dims[o, r, t] = r, scale, d
        spread = prod(float(sum(c for _, c in terms)) for terms in operand.ranks)
        if prod(map(float, problem.bounds)) * spread > COUNT_LIMIT:
            raise MappingError(
                f"Problem {problem.name}: accesses of {operand.name} could pass 2**53; counts are exact "
                "to 2**53 only"
            )
    return ProblemColumns(
        bounds=np.array(problem.bounds, dtype=np.int64),
        rank=rank,
        coefficient=coefficient,
        rank_dims=rank_dims,
        traits=np.array(
            [[len(o.ranks), any(len(r) > 1 for r in o.ranks), o.read_write] for o in problem.operands],
            dtype=np.int64,
        ),
    )


def pack_architecture(architecture: Architecture) -> ArchitectureColumns:
    """Turn an architecture into columns."""
    levels = architecture.levels
    leakage_w = architecture.mac_leakage_w * architecture.macs + architecture.clock_w
    leakage_w += architecture.others_w
    leakage_w += sum(level.leakage_w * level.instances for level in levels)
    return ArchitectureColumns(
        usable_words=np.array([float(level.usable_words) for level in levels]),
        fanouts=np.array([[level.fanout_x, level.fanout_y] for level in levels], dtype=np.int64),
        rates=np.array(
            [
                [
                    float(v)
                    for v in (
                        level.read_words_per_cycle,
                        level.write_words_per_cycle,
                        level.shared_words_per_cycle,
                    )
                ]
                for level in levels
            ]
        ),
        hidden=np.array([level.overlapped for level in levels], dtype=np.int64),
        prices=np.array(
            [
                [
                    float(v)
                    for v in (
                        level.read_pj,
                        level.fill_pj,
                        level.update_pj,
                        level.block_words,
                        level.instances / level.cluster,
                    )
                ]
                for level in levels
            ]
        ),
        totals=np.array(
            [float(architecture.mac_pj), float(architecture.macs), leakage_w / architecture.clock_hz * 1e12]
        ),
        joined=np.array([level.joined for level in levels], dtype=np.int64),
    )


def pack_mappings(
    problem: Problem, architecture: Architecture, mappings: Sequence[Mapping]
) -> MappingColumns:
    """Turn mappings of one problem onto one architecture into columns, in the given order.

    Raises
    ------
    MappingError
        If a mapping is none of this problem onto this architecture (`hwmodels.mapping.mapping.check`), or
        stores operands unevenly: `hwmodels.mapping.uneven.unfold` makes it an even one.

    """
    columns = blank_mappings(problem, architecture, len(mappings))
    index = {name: i for i, name in enumerate(problem.dimensions)}
    for row, mapping in enumerate(mappings):
        check(problem, architecture, mapping)
        for level, loops in enumerate(mapping.levels):
            if any(depth for _, depth in loops.depths):
                raise MappingError(
                    f"LevelMapping.depths of {loops.level}: columns hold even mappings; unfold this one first"
                )
            for dimension, count in loops.temporal:
                columns.factors[row, level, TEMPORAL, index[dimension]] = count
            for dimension, count in loops.spatial_x:
                columns.factors[row, level, ACROSS, index[dimension]] = count
            for dimension, count in loops.spatial_y:
                columns.factors[row, level, DOWN, index[dimension]] = count
            inner_first = [index[dimension] for dimension, _ in reversed(loops.temporal)]
            rest = [d for d in range(len(problem.dimensions)) if d not in inner_first]
            columns.order[row, level] = [*inner_first, *rest]
            for o, operand in enumerate(problem.operands):
                columns.keep[row, level, o] = operand.name in loops.keep
    return columns


def blank_mappings(problem: Problem, architecture: Architecture, rows: int) -> MappingColumns:
    """Columns of `rows` mappings with every factor 1, dimensions in the problem's order and nothing kept."""
    depth, dims, operands = len(architecture.levels), len(problem.dimensions), len(problem.operands)
    return MappingColumns(
        factors=np.ones((rows, depth, 3, dims), dtype=np.int32),
        order=np.broadcast_to(np.arange(dims, dtype=np.int8), (rows, depth, dims)).copy(),
        keep=np.zeros((rows, depth, operands), dtype=np.int8),
    )


def limit_name(architecture: Architecture, code: int) -> str:
    """Name the limit of a code in `MetricColumns.limit`; empty where there is none."""
    if code == 0:
        return ""
    level, kind = divmod(code - 1, 3)
    return f"{_memory(architecture, level)} {('capacity', 'fanout X', 'fanout Y')[kind]}"


def bound_name(architecture: Architecture, code: int) -> str:
    """Name what bounds the cycles of a code in `MetricColumns.bound`."""
    if code == 0:
        return "compute"
    level, port = divmod(code - 1, 3)
    return f"{_memory(architecture, level)} {('read port', 'write port', 'shared port')[port]}"


def _memory(architecture: Architecture, level: int) -> str:
    """Name of the memory that a level is, alone or joined to others: that of the innermost."""
    while architecture.levels[level].joined:
        level -= 1
    return architecture.levels[level].name
