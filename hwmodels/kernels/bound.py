"""Which resource an operation's latency waits for, once its mapping is chosen."""

from hwmodels.accelerate import kernel
from hwmodels.columns import ConfigTable, TileTable
from hwmodels.kernels.systolic import OUTPUT_STATIONARY, fold_overhead
from hwmodels.kernels.tiling import array_work, folds, stored_bytes
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
    window = float(layers.r[i] * layers.s[i])
    positions = float(layers.n[i] * layers.p[i] * layers.q[i])
    reduction = layers.c[i] * window
    rows = float(configs.rows[c])
    cols = float(configs.cols[c])
    flow = configs.dataflow[c]
    n_k = float(tiles.k_tiles[i, ki])
    n_c = float(tiles.c_tiles[i, ci])
    n_m = float(tiles.m_full[i, mi] + tiles.m_rest[i, mi])
    m_edge = rows if flow == OUTPUT_STATIONARY else cols
    k_folds = folds(n_k - 1.0, float(tiles.k_size[i, ki]), 1.0, float(tiles.k_rest_size[i, ki]), cols)
    c_folds = folds(n_c - 1.0, tiles.c_size[i, ci] * window, 1.0, tiles.c_rest_size[i, ci] * window, rows)
    m_folds = folds(
        float(tiles.m_full[i, mi]),
        float(tiles.m_size[i, mi]),
        float(tiles.m_rest[i, mi]),
        float(tiles.m_rest_size[i, mi]),
        m_edge,
    )
    overhead = float(fold_overhead(configs.rows[c], configs.cols[c], flow))
    cycles, weight_passes, input_passes, sum_passes = array_work(
        flow, overhead, positions, reduction, float(layers.k[i]), (n_k, n_c, n_m), (k_folds, c_folds, m_folds)
    )
    weight_s = layers.k[i] * reduction * weight_passes / configs.weight_port_bytes_per_s[c]
    weight_s *= stored_bytes(layers.weight_bits[i], configs.weight_bits[c])
    input_s = positions * reduction * input_passes / configs.input_port_bytes_per_s[c]
    input_s *= stored_bytes(layers.input_bits[i], configs.input_bits[c])
    output_s = positions * layers.k[i] * (2.0 * sum_passes - 1.0) / configs.output_port_bytes_per_s[c]
    output_s *= configs.accumulator_bits[c] / 8.0

    bound = COMPUTE
    slowest = cycles / configs.clock_hz[c]
    shared_s = 0.0
    for port in range(WEIGHT_PORT, SHARED_PORT):
        if port == WEIGHT_PORT:
            port_s, own = weight_s, configs.weight_capacity_bytes[c] > 0.0
        elif port == INPUT_PORT:
            port_s, own = input_s, configs.input_capacity_bytes[c] > 0.0
        else:
            port_s, own = output_s, configs.output_capacity_bytes[c] > 0.0
        if not own:
            shared_s += port_s
        elif port_s > slowest:
            slowest, bound = port_s, port
    return SHARED_PORT if shared_s > slowest else bound
