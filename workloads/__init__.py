"""What is computed: networks as graphs of operations, lowered to the layer table that `hwmodels` reads."""

from typing import TYPE_CHECKING

from workloads.lazy import lazily

if TYPE_CHECKING:
    from workloads.edges import EdgeTable
    from workloads.errors import (
        GraphError,
        NetworkImportError,
        ShapeError,
        SpringboardError,
        UnknownNetworkError,
        WorkloadError,
    )
    from workloads.graph import Graph
    from workloads.importers import from_file, from_maestro, from_onnx, from_scalesim, from_torch, from_zigzag
    from workloads.importers.own_operators import OperatorCall, register_operator, unregister_operator
    from workloads.modules import ModuleMismatchError, check_module, to_module
    from workloads.network import Network
    from workloads.networks.registry import load, names, parameters
    from workloads.spaces.space import NetworkSpace, builders, of_networks
    from workloads.sparsity.schemes import register_scheme, schemes
    from workloads.table import Kind, LayerTable, deduplicate, with_densities
    from workloads.tensors import Tensor, Weight

_HOMES = {
    "EdgeTable": "edges",
    "Graph": "graph",
    "GraphError": "errors",
    "Kind": "table",
    "LayerTable": "table",
    "ModuleMismatchError": "modules",
    "Network": "network",
    "NetworkImportError": "errors",
    "NetworkSpace": "spaces.space",
    "OperatorCall": "importers.own_operators",
    "ShapeError": "errors",
    "SpringboardError": "errors",
    "Tensor": "tensors",
    "UnknownNetworkError": "errors",
    "Weight": "tensors",
    "WorkloadError": "errors",
    "builders": "spaces.space",
    "check_module": "modules",
    "deduplicate": "table",
    "with_densities": "table",
    "from_file": "importers",
    "from_maestro": "importers",
    "from_onnx": "importers",
    "from_scalesim": "importers",
    "from_torch": "importers",
    "from_zigzag": "importers",
    "load": "networks.registry",
    "names": "networks.registry",
    "of_networks": "spaces.space",
    "parameters": "networks.registry",
    "register_operator": "importers.own_operators",
    "register_scheme": "sparsity.schemes",
    "schemes": "sparsity.schemes",
    "to_module": "modules",
    "unregister_operator": "importers.own_operators",
}

__getattr__, __dir__ = lazily(__name__, _HOMES)

__all__ = [
    "EdgeTable",
    "Graph",
    "GraphError",
    "Kind",
    "LayerTable",
    "ModuleMismatchError",
    "Network",
    "NetworkImportError",
    "NetworkSpace",
    "OperatorCall",
    "ShapeError",
    "SpringboardError",
    "Tensor",
    "UnknownNetworkError",
    "Weight",
    "WorkloadError",
    "builders",
    "check_module",
    "deduplicate",
    "from_file",
    "from_maestro",
    "from_onnx",
    "from_scalesim",
    "from_torch",
    "from_zigzag",
    "load",
    "names",
    "of_networks",
    "parameters",
    "register_operator",
    "register_scheme",
    "schemes",
    "to_module",
    "unregister_operator",
    "with_densities",
]
