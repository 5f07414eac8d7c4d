"""What is computed: networks as graphs of operations, lowered to the layer table that `hwmodels` reads."""

from typing import TYPE_CHECKING

from workloads.lazy import lazily

if TYPE_CHECKING:
    from workloads.errors import (
        GraphError,
        NetworkImportError,
        ShapeError,
        SpringboardError,
        UnknownNetworkError,
        WorkloadError,
    )
    from workloads.graph import Graph
    from workloads.importers import from_onnx, from_torch
    from workloads.network import Network
    from workloads.networks.registry import load, names
    from workloads.sparsity.schemes import schemes
    from workloads.table import Kind, LayerTable, deduplicate
    from workloads.tensors import Tensor, Weight

_HOMES = {
    "Graph": "graph",
    "GraphError": "errors",
    "Kind": "table",
    "LayerTable": "table",
    "Network": "network",
    "NetworkImportError": "errors",
    "ShapeError": "errors",
    "SpringboardError": "errors",
    "Tensor": "tensors",
    "UnknownNetworkError": "errors",
    "Weight": "tensors",
    "WorkloadError": "errors",
    "deduplicate": "table",
    "from_onnx": "importers",
    "from_torch": "importers",
    "load": "networks.registry",
    "names": "networks.registry",
    "schemes": "sparsity.schemes",
}

__getattr__, __dir__ = lazily(__name__, _HOMES)

__all__ = [
    "Graph",
    "GraphError",
    "Kind",
    "LayerTable",
    "Network",
    "NetworkImportError",
    "ShapeError",
    "SpringboardError",
    "Tensor",
    "UnknownNetworkError",
    "Weight",
    "WorkloadError",
    "deduplicate",
    "from_onnx",
    "from_torch",
    "load",
    "names",
    "schemes",
]
