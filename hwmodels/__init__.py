"""What a network costs on an accelerator: specs above, arrays and compiled kernels below.

Names are loaded when they are first used, so that what needs no kernel does not wait for a compiler.

>>> import hwmodels
>>> hwmodels.systolic_cycles(m=196, k=36, n=8, rows=8, cols=8, dataflow="os")
1250
"""

from typing import TYPE_CHECKING

from workloads.lazy import lazily

if TYPE_CHECKING:
    from hwmodels.batch import OBJECTIVES, evaluate, evaluate_operations, mapspace
    from hwmodels.columns import BOUNDS, LIMITS, ConfigTable, MetricTable, OperationTable
    from hwmodels.components.main_memory import (
        MainMemory,
        main_memory,
        main_memory_names,
        register_memory,
    )
    from hwmodels.interop import from_maestro, from_scalesim, from_timeloop, from_zigzag, price_table
    from hwmodels.interop.hwcomponents import from_hwcomponents
    from hwmodels.level import Level, MacPrices, Prices
    from hwmodels.level_sparsity import LevelSparsity, MacSparsity, OperandZeros, ZeroPrices
    from hwmodels.levels import LevelMachine
    from hwmodels.machine import Machine, Model
    from hwmodels.own_macs import register_mac_unit, unregister_mac_unit
    from hwmodels.own_storage import register_component, unregister_component
    from hwmodels.packing import pack
    from hwmodels.presets import UnknownAcceleratorError, load, names, register
    from hwmodels.rounding_demo import train_digits
    from hwmodels.settling import ThermalRunawayError, settled
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
    from hwmodels.tiling import Tiling
    from hwmodels.written import write_machine
    from workloads.errors import SpringboardError

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
    "Level": "level",
    "LevelMachine": "levels",
    "LevelSparsity": "level_sparsity",
    "MacPrices": "level",
    "MacSparsity": "level_sparsity",
    "Machine": "machine",
    "Macro": "spec",
    "MainMemory": "components.main_memory",
    "MetricTable": "columns",
    "Model": "machine",
    "Module": "spec",
    "OBJECTIVES": "batch",
    "OperandSparsity": "spec",
    "OperandZeros": "level_sparsity",
    "OperationTable": "columns",
    "Prices": "level",
    "Sparsity": "spec",
    "SpringboardError": "workloads.errors",
    "Stacking": "spec",
    "Technology": "spec",
    "ThermalRunawayError": "settling",
    "Tiling": "tiling",
    "UnknownAcceleratorError": "presets",
    "Unroll": "spec",
    "evaluate": "batch",
    "evaluate_operations": "batch",
    "fingerprint": "spec",
    "from_hwcomponents": "interop.hwcomponents",
    "from_maestro": "interop",
    "from_scalesim": "interop",
    "from_timeloop": "interop",
    "from_zigzag": "interop",
    "load": "presets",
    "main_memory": "components.main_memory",
    "main_memory_names": "components.main_memory",
    "register_memory": "components.main_memory",
    "mapspace": "batch",
    "names": "presets",
    "pack": "packing",
    "paths": "spec",
    "price_table": "interop",
    "register": "presets",
    "register_component": "own_storage",
    "register_mac_unit": "own_macs",
    "settled": "settling",
    "systolic_cycles": "systolic",
    "train_digits": "rounding_demo",
    "unregister_component": "own_storage",
    "unregister_mac_unit": "own_macs",
    "write_machine": "written",
    "ZeroPrices": "level_sparsity",
}

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
    "Level",
    "LevelMachine",
    "LevelSparsity",
    "MacPrices",
    "MacSparsity",
    "Machine",
    "Macro",
    "MainMemory",
    "MetricTable",
    "Model",
    "Module",
    "OperandSparsity",
    "OperandZeros",
    "OperationTable",
    "Prices",
    "Sparsity",
    "SpringboardError",
    "Stacking",
    "Technology",
    "ThermalRunawayError",
    "Tiling",
    "UnknownAcceleratorError",
    "Unroll",
    "ZeroPrices",
    "evaluate",
    "evaluate_operations",
    "fingerprint",
    "from_hwcomponents",
    "from_maestro",
    "from_scalesim",
    "from_timeloop",
    "from_zigzag",
    "load",
    "main_memory",
    "main_memory_names",
    "mapspace",
    "names",
    "pack",
    "paths",
    "price_table",
    "register",
    "register_component",
    "register_mac_unit",
    "register_memory",
    "settled",
    "systolic_cycles",
    "train_digits",
    "unregister_component",
    "unregister_mac_unit",
    "write_machine",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)
