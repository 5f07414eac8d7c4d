"""What keeps a machine from running a network whatever its mappings: found before anything is costed."""

import numpy as np

from hwmodels.columns import LIMITS, ConfigTable
from hwmodels.sparsity import FORMATS
from hwmodels.tiers import broken_by_standing_power
from workloads.table import FloatColumn, IntColumn, LayerTable

_OPERANDS = (("weight", "weight"), ("read", "input"), ("write", "output"))  # elements, and the rest
CAPACITY = LIMITS.index("main_memory.capacity_bytes")


def broken_by_architecture(layers: LayerTable, configs: ConfigTable) -> IntColumn:
    """Find the limit that each machine breaks before any mapping is chosen.

    Parameters
    ----------
    layers, configs
        Network and machines; columns of shape (n_operations,) and (n_configs,).

    Returns
    -------
    int array of shape (n_configs,)
        Codes of `columns.LIMITS`; 0 where nothing is known to be broken yet. A main memory must hold the
        operands of every single operation; a stack with a temperature limit must bear its standing power
        alone, with enough vias and not too many logic tiers.

    """
    limit = broken_by_standing_power(configs)
    if _at_most_stored_bytes(layers, configs) > configs.dram_capacity_bytes.min(initial=np.inf):
        stored = least_stored_bytes(layers, configs)
        limit[(limit == 0) & (stored > configs.dram_capacity_bytes)] = CAPACITY
    return limit


def _at_most_stored_bytes(layers: LayerTable, configs: ConfigTable) -> float:
    """No less than any of `least_stored_bytes`, quickly."""
    stored = np.zeros(layers.rows)
    for elements, name in _OPERANDS:
        own = getattr(layers, f"{name}_bits")
        bits = np.where(own > 0, own, getattr(configs, f"{name}_bits").max(initial=0)).astype(np.float64)
        stored += getattr(layers, f"{elements}_elements") * bits / 8.0  # in float64: integers would wrap
    return float(stored.max())


def least_stored_bytes(layers: LayerTable, configs: ConfigTable) -> FloatColumn:
    """Bytes that main memory holds at least, shape (n_configs,): the operands of the largest operation.

    A packed operand takes its non-zeros at least; metadata are left out, and so are operands of other
    operations, which a layer table does not tell apart from ones used twice.
    """
    most = np.zeros(configs.size)
    for i in range(layers.rows):
        stored = np.zeros(configs.size)
        for elements, name in _OPERANDS:
            own = int(getattr(layers, f"{name}_bits")[i])
            bits = own if own > 0 else getattr(configs, f"{name}_bits")
            packed = getattr(configs, f"{name}_format") != FORMATS["dense"]
            share = np.where(packed, getattr(layers, f"{name}_density")[i], 1.0)
            stored += getattr(layers, f"{elements}_elements")[i] * share * bits / 8.0
        np.maximum(most, stored, out=most)
    return most
