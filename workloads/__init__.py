"""What is computed: networks as graphs of operations, lowered to the layer table that `hwmodels` reads."""

from workloads.edges import EdgeTable
from workloads.errors import GraphError, NetworkImportError, ShapeError, UnknownNetworkError, WorkloadError
from workloads.graph import Graph
from workloads.importers import from_file, from_maestro, from_onnx, from_scalesim, from_torch, from_zigzag
from workloads.modules import ModuleMismatchError, check_module, to_module
from workloads.network import Network
from workloads.networks.registry import load, names, parameters
from workloads.spaces.space import NetworkSpace, builders, of_networks
from workloads.sparsity.schemes import register_scheme, schemes
from workloads.table import Kind, LayerTable, deduplicate
from workloads.tensors import Tensor, Weight

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
    "ShapeError",
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
    "register_scheme",
    "schemes",
    "to_module",
]
