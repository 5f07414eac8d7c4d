"""What a network costs on an accelerator: specs above, arrays and compiled kernels below.

>>> import hwmodels
>>> hwmodels.systolic_cycles(m=196, k=36, n=8, rows=8, cols=8, dataflow="os")
1250
"""

from hwmodels.batch import OBJECTIVES, evaluate, evaluate_operations, mapspace
from hwmodels.columns import BOUNDS, LIMITS, ConfigTable, MetricTable, OperationTable
from hwmodels.components.main_memory import MainMemory, main_memory, main_memory_names
from hwmodels.packing import pack
from hwmodels.presets import UnknownAcceleratorError, load, names
from hwmodels.spec import (
    Accelerator,
    Array,
    Buffer,
    Buffers,
    Dataflow,
    Datapath,
    Macro,
    Module,
    OperandSparsity,
    Sparsity,
    Stacking,
    Technology,
    Unroll,
    fingerprint,
    paths,
)
from hwmodels.systolic import systolic_cycles

__all__ = [
    "BOUNDS",
    "LIMITS",
    "OBJECTIVES",
    "Accelerator",
    "Array",
    "Buffer",
    "Buffers",
    "ConfigTable",
    "Dataflow",
    "Datapath",
    "Macro",
    "MainMemory",
    "MetricTable",
    "Module",
    "OperandSparsity",
    "OperationTable",
    "Sparsity",
    "Stacking",
    "Technology",
    "UnknownAcceleratorError",
    "Unroll",
    "evaluate",
    "evaluate_operations",
    "fingerprint",
    "load",
    "main_memory",
    "main_memory_names",
    "mapspace",
    "names",
    "pack",
    "paths",
    "systolic_cycles",
]
