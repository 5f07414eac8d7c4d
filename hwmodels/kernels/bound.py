"""Which resource an operation's latency waits for, once its mapping is chosen."""

from hwmodels.accelerate import kernel
from hwmodels.columns import ConfigTable, TileTable
from hwmodels.kernels.systolic import OUTPUT_STATIONARY
from hwmodels.kernels.tiling import array_work, folds, nest_terms
from workloads.table import LayerTable

COMPUTE = 0
WEIGHT_PORT = 1
INPUT_PORT = 2
OUTPUT_PORT = 3
SHARED_PORT = 4
MAIN_MEMORY = 5
VECTOR = 6


@kernel
def on_chip_bound(
    layers: LayerTable, tiles: TileTable, i: int, choice: tuple[int, int, int], configs: ConfigTable, c: int
) -> int:
    """Name the slowest of the array and the buffer ports for nest `i` under tiles `choice` = (k, c, m)."""
    ki, ci, mi = choice
    terms = nest_terms(layers, i, configs, c)
    n_k = float(tiles.k_tiles[i, ki])
    n_c = float(tiles.c_tiles[i, ci])
    m_rest = float(tiles.m_rest[i, mi])
    n_m = tiles.m_full[i, mi] + m_rest
    m_edge = terms.rows if terms.flow == OUTPUT_STATIONARY else terms.cols
    c_size, c_rest = tiles.c_size[i, ci] * terms.window, tiles.c_rest_size[i, ci] * terms.window
    folded = (
        folds(n_k - 1.0, float(tiles.k_size[i, ki]), 1.0, float(tiles.k_rest_size[i, ki]), terms.cols),
        folds(n_c - 1.0, c_size, 1.0, c_rest, terms.rows),
        folds(n_m - m_rest, float(tiles.m_size[i, mi]), m_rest, float(tiles.m_rest_size[i, mi]), m_edge),
    )
    cycles, weight_passes, input_passes, sum_passes = array_work(
        terms.flow, terms.overhead, terms.positions, terms.reduction, terms.all_k, (n_k, n_c, n_m), folded
    )
    weight_s = terms.all_k * terms.reduction * weight_passes * terms.weight_port_s
    input_s = terms.positions * terms.reduction * input_passes * terms.input_port_s
    output_s = terms.positions * terms.all_k * (2.0 * sum_passes - 1.0) * terms.output_port_s

    bound = COMPUTE
    slowest = cycles * terms.cycle_s
    shared_s = 0.0
    for port in range(WEIGHT_PORT, SHARED_PORT):
        if port == WEIGHT_PORT:
            port_s, own = weight_s, terms.weight_cap > 0.0
        elif port == INPUT_PORT:
            port_s, own = input_s, terms.input_cap > 0.0
        else:
            port_s, own = output_s, terms.output_cap > 0.0
        if not own:
            shared_s += port_s
        elif port_s > slowest:
            slowest, bound = port_s, port
    return SHARED_PORT if shared_s > slowest else bound
