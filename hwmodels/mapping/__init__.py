"""Loop nests as data, the engine that counts and costs them, and the mapper that finds the best one."""

from hwmodels.mapping.architecture import Architecture, StorageLevel
from hwmodels.mapping.constraints import Constraints, Factors, LevelConstraints
from hwmodels.mapping.engine import (
    TIMELOOP,
    Drain,
    Evaluation,
    FirstTouch,
    Gaps,
    LevelCounts,
    Reuse,
    Rules,
    evaluate,
    evaluate_mappings,
)
from hwmodels.mapping.mapping import LevelMapping, Mapping, check, uniform
from hwmodels.mapping.mapspace import Mapspace
from hwmodels.mapping.pack import pack_mappings
from hwmodels.mapping.problem import MappingError, Operand, Problem, convolution, joined, matrix_product
from hwmodels.mapping.search import Certificate, MapperResult, map_problem
from hwmodels.mapping.watch import Watch

__all__ = [
    "TIMELOOP",
    "Architecture",
    "Certificate",
    "Constraints",
    "Drain",
    "Evaluation",
    "Factors",
    "FirstTouch",
    "Gaps",
    "LevelConstraints",
    "LevelCounts",
    "LevelMapping",
    "MapperResult",
    "Mapping",
    "MappingError",
    "Mapspace",
    "Operand",
    "Problem",
    "Reuse",
    "Rules",
    "StorageLevel",
    "Watch",
    "check",
    "convolution",
    "evaluate",
    "evaluate_mappings",
    "joined",
    "map_problem",
    "matrix_product",
    "pack_mappings",
    "uniform",
]
