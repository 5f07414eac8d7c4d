"""What a network costs on an accelerator: specs above, arrays and compiled kernels below.

>>> import hwmodels
>>> hwmodels.systolic_cycles(m=196, k=36, n=8, rows=8, cols=8, dataflow="os")
1250
"""

from typing import TYPE_CHECKING

from workloads.lazy import lazily

if TYPE_CHECKING:
    from hwmodels.batch import OBJECTIVES, evaluate, evaluate_operations, mapspace
    from hwmodels.columns import BOUNDS, LIMITS, ConfigTable, MetricTable, OperationTable
    from hwmodels.components.main_memory import MainMemory, main_memory, main_memory_names
    from hwmodels.errors import SpringboardError
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

_HOMES = {
    "Accelerator": "spec",
    "Array": "spec",
    "BOUNDS": "columns",
    "Buffer": "spec",
    "Buffers": "spec",
    "ConfigTable": "columns",
    "Dataflow": "spec",
    "Datapath": "spec",
    "LIMITS": "columns",
    "Macro": "spec",
    "MainMemory": "components.main_memory",
    "MetricTable": "columns",
    "Module": "spec",
    "OBJECTIVES": "batch",
    "OperandSparsity": "spec",
    "OperationTable": "columns",
    "Sparsity": "spec",
    "SpringboardError": "errors",
    "Stacking": "spec",
    "Technology": "spec",
    "UnknownAcceleratorError": "presets",
    "Unroll": "spec",
    "evaluate": "batch",
    "evaluate_operations": "batch",
    "fingerprint": "spec",
    "load": "presets",
    "main_memory": "components.main_memory",
    "main_memory_names": "components.main_memory",
    "mapspace": "batch",
    "names": "presets",
    "pack": "packing",
    "paths": "spec",
    "systolic_cycles": "systolic",
}

__getattr__, __dir__ = lazily(__name__, _HOMES)

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
    "SpringboardError",
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
