"""Which resource an operation's latency waits for, once its mapping is chosen."""

from hwmodels.accelerate import kernel
from hwmodels.columns import TileTable
from hwmodels.kernels.two_level.chip import array_work
from hwmodels.kernels.two_level.room import DISTINCT, STEPS, TILES
from hwmodels.kernels.two_level.terms import Terms
from hwmodels.kernels.two_level.tiling import Found

COMPUTE = 0
WEIGHT_PORT = 1
INPUT_PORT = 2
OUTPUT_PORT = 3
SHARED_PORT = 4
MAIN_MEMORY = 5
VECTOR = 6
FRONT_END = 7


@kernel
def on_chip_bound(terms: Terms, tiles: TileTable, rows: tuple[int, int, int], best: Found) -> int:
    """Name the slowest of the array and the buffer ports for a mapping found in lists `rows` = (k, c, m)."""
    k, c, m = rows
    n_k, n_c, n_m = tiles.k[k, best.k, TILES], tiles.c[c, best.c, TILES], tiles.m[m, best.m, TILES]
    k_steps, m_steps = tiles.k[k, best.k, STEPS], tiles.m[m, best.m, STEPS]
    work = array_work(terms, n_k, n_m, k_steps, m_steps, tiles.m[m, best.m, DISTINCT])
    c_steps = tiles.c[c, best.c, STEPS]
    cycles = work.cycles_0 + work.cycles_n * n_c + work.cycles_f * c_steps
    sums = work.sums_n * n_c + work.sums_f * c_steps
    weight_s = terms.all_k * terms.reduction * work.weight_passes * terms.weight_port_s
    input_s = terms.positions * terms.reduction * work.input_passes * terms.input_port_s
    output_s = terms.positions * terms.all_k * (2.0 * sums - 1.0) * terms.output_port_s

    bound = FRONT_END if terms.front_end == 1 else COMPUTE
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
