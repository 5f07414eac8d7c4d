"""Loop nests as data, the engine that counts and costs them, and the mapper that finds the best one.

Names are loaded when they are first used: a machine states its rules without the engine's kernels.
"""

from typing import TYPE_CHECKING

from workloads.lazy import lazily

if TYPE_CHECKING:
    from hwmodels.mapping.architecture import Architecture, StorageLevel
    from hwmodels.mapping.constraints import Constraints, Factors, LevelConstraints
    from hwmodels.mapping.engine import evaluate, evaluate_mappings
    from hwmodels.mapping.evaluation import Evaluation, LevelCounts
    from hwmodels.mapping.mapping import LevelMapping, Mapping, check, uniform
    from hwmodels.mapping.mapspace import Mapspace
    from hwmodels.mapping.pack import pack_mappings
    from hwmodels.mapping.problem import MappingError, Operand, Problem, convolution, joined, matrix_product
    from hwmodels.mapping.rules import TIMELOOP, Drain, FirstTouch, Gaps, Reuse, Rules
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

_HOMES = {
    "Architecture": "architecture",
    "Certificate": "search",
    "Constraints": "constraints",
    "Drain": "rules",
    "Evaluation": "evaluation",
    "Factors": "constraints",
    "FirstTouch": "rules",
    "Gaps": "rules",
    "LevelConstraints": "constraints",
    "LevelCounts": "evaluation",
    "LevelMapping": "mapping",
    "MapperResult": "search",
    "Mapping": "mapping",
    "MappingError": "problem",
    "Mapspace": "mapspace",
    "Operand": "problem",
    "Problem": "problem",
    "Reuse": "rules",
    "Rules": "rules",
    "StorageLevel": "architecture",
    "TIMELOOP": "rules",
    "Watch": "watch",
    "check": "mapping",
    "convolution": "problem",
    "evaluate": "engine",
    "evaluate_mappings": "engine",
    "joined": "problem",
    "map_problem": "search",
    "matrix_product": "problem",
    "pack_mappings": "pack",
    "uniform": "mapping",
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
