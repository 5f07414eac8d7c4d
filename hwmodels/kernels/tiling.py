"""The best mapping of one nest on a two-level machine: tiles of K, C and output positions M, and their loop order.

Main memory is outside, one on-chip level inside, the array at the centre. The tile loops run over K, C and M; a tile
stays on chip until one of its own indices changes, so an operand is fetched once for every turn of the loops down to
the innermost one that indexes it. Of the six orders only the innermost loop matters:

    innermost M   weights stay: each weight once, inputs nK times, partial sums spill nC - 1 times
    innermost K   inputs stay: each input once, weights nM times, partial sums spill nC - 1 times
    innermost C   outputs stay: nothing spills, weights nM times, inputs nK times

because the operand that the innermost loop does not index sees both other loops, whatever their order, and the
other two see all three. A loop of one turn is no loop: its order costs what the next loop's does.

On chip, the array takes operands as its dataflow asks (`systolic.py`): what a fold streams is read once a fold, what
it holds is read once a tile, outputs are accumulated in the output buffer at accumulator width.
"""

import math

from hwmodels.accelerate import kernel
from hwmodels.columns import ConfigTable, TileTable
from hwmodels.kernels.systolic import INPUT_STATIONARY, OUTPUT_STATIONARY, fold_overhead
from workloads.table import LayerTable

LATENCY = 0
ENERGY = 1
EDP = 2

INNERMOST_M = 0
INNERMOST_K = 1
INNERMOST_C = 2


@kernel
def stored_bytes(own_bits: int, datapath_bits: int) -> float:
    """Bytes an element takes: the network's own width where it states one, else the datapath's."""
    if own_bits > 0:
        return own_bits / 8.0
    return datapath_bits / 8.0


@kernel
def folds(tiles: float, size: float, rest_tiles: float, rest_size: float, edge: float) -> float:
    """Folds of all tiles of a dimension on an array edge; exact while size * edge < 2**52."""
    return tiles * math.ceil(size / edge) + rest_tiles * math.ceil(rest_size / edge)


@kernel
def array_work(
    flow: int,
    overhead: float,
    positions: float,
    reduction: float,
    all_k: float,
    turns: tuple[float, float, float],
    folded: tuple[float, float, float],
) -> tuple[float, float, float, float]:
    """Cycles of one group's tiles, and how often the array goes through each operand.

    Parameters
    ----------
    flow, overhead
        Dataflow and cycles a fold takes beyond its stream.
    positions, reduction, all_k
        The whole product (positions, reduction) x (reduction, all_k).
    turns, folded
        Numbers of tiles of (K, C, M), and folds summed over those tiles.

    Returns
    -------
    tuple
        Cycles; passes over the weights, the inputs and the outputs (a pass of the outputs writes each once; all
        but the first also read it).

    """
    n_k, n_c, n_m = turns
    k_folds, c_folds, m_folds = folded
    if flow == OUTPUT_STATIONARY:
        return m_folds * k_folds * (reduction + n_c * overhead), m_folds, k_folds, n_c
    if flow == INPUT_STATIONARY:
        return c_folds * m_folds * (all_k + n_k * overhead), m_folds, n_k, c_folds
    return c_folds * k_folds * (positions + n_m * overhead), n_m, k_folds, c_folds


@kernel
def score(latency_s: float, energy_pj: float, objective: int) -> float:
    """What a mapping is chosen by; less is better."""
    if objective == LATENCY:
        return latency_s
    if objective == ENERGY:
        return energy_pj
    return latency_s * energy_pj


@kernel
def overlapped_latency(on_chip_s: float, dram_s: float, edge_s: float, double_buffered: int) -> float:
    """Latency of an operation whose tiles are loaded, computed and stored.

    Double-buffered: the first load and the last store (`edge_s`) are exposed, the rest of the traffic hides behind
    the work on chip or the other way round. Single-buffered: the sum.
    """
    if double_buffered == 1:
        return edge_s + max(on_chip_s, dram_s - edge_s)
    return on_chip_s + dram_s


@kernel
def slowest_port(
    weight_s: float, input_s: float, output_s: float, weight_own: bool, input_own: bool, output_own: bool
) -> float:
    """Time of the slowest buffer port; operands without a buffer of their own queue at the shared one."""
    slowest = 0.0
    shared = 0.0
    if weight_own:
        slowest = weight_s
    else:
        shared = weight_s
    if input_own:
        slowest = max(slowest, input_s)
    else:
        shared += input_s
    if output_own:
        slowest = max(slowest, output_s)
    else:
        shared += output_s
    return max(slowest, shared)


@kernel
def best_mapping(
    layers: LayerTable, tiles: TileTable, i: int, configs: ConfigTable, c: int, objective: int
) -> tuple[float, float, float, float, float, float, float, float, float, int, int, int, int, float]:
    """Search the mapspace of nest `i` on configuration `c`.

    Candidates are skipped when their tiles do not fit or when a lower bound of their score (compulsory traffic, work
    on chip) already reaches the best found; both leave the minimum untouched. The first best in enumeration order
    wins.

    Returns
    -------
    tuple
        Score, latency [s], energy [pJ], array cycles, on-chip time [s], main-memory time [s], main-memory bytes read
        and written, buffer energy [pJ], candidates (k, c, m), innermost loop, mappings costed. The score is infinite
        where nothing fits.

    """
    groups = float(layers.g[i])
    positions = float(layers.n[i] * layers.p[i] * layers.q[i])
    window = float(layers.r[i] * layers.s[i])
    all_k = float(layers.k[i])
    all_c = float(layers.c[i])
    reduction = all_c * window
    outputs = positions * all_k

    weight_b = stored_bytes(layers.weight_bits[i], configs.weight_bits[c])
    input_b = stored_bytes(layers.input_bits[i], configs.input_bits[c])
    output_b = stored_bytes(layers.output_bits[i], configs.output_bits[c])
    sum_b = configs.accumulator_bits[c] / 8.0

    flow = configs.dataflow[c]
    rows = float(configs.rows[c])
    cols = float(configs.cols[c])
    overhead = float(fold_overhead(configs.rows[c], configs.cols[c], flow))
    cycle_s = 1.0 / configs.clock_hz[c]
    double = configs.double_buffered[c]

    # An operand without a buffer of its own uses the shared one: own or shared rate is zero.
    weight_cap = configs.weight_capacity_bytes[c]
    input_cap = configs.input_capacity_bytes[c]
    output_cap = configs.output_capacity_bytes[c]
    shared_cap = configs.shared_capacity_bytes[c]
    weight_own = weight_cap > 0.0
    input_own = input_cap > 0.0
    output_own = output_cap > 0.0
    weight_port_s = weight_b / configs.weight_port_bytes_per_s[c]
    input_port_s = input_b / configs.input_port_bytes_per_s[c]
    output_port_s = sum_b / configs.output_port_bytes_per_s[c]

    read_s = 1.0 / configs.dram_read_bytes_per_s[c]
    write_s = 1.0 / configs.dram_write_bytes_per_s[c]
    weight_fill_pj = configs.dram_read_pj_per_byte[c] + configs.weight_write_pj_per_byte[c]
    input_fill_pj = configs.dram_read_pj_per_byte[c] + configs.input_write_pj_per_byte[c]
    output_fill_pj = configs.dram_read_pj_per_byte[c] + configs.output_write_pj_per_byte[c]
    output_drain_pj = configs.dram_write_pj_per_byte[c] + configs.output_read_pj_per_byte[c]
    weight_read_pj = configs.weight_read_pj_per_byte[c] * weight_b
    input_read_pj = configs.input_read_pj_per_byte[c] * input_b
    output_write_pj = configs.output_write_pj_per_byte[c] * sum_b
    output_read_pj = configs.output_read_pj_per_byte[c] * sum_b
    static_pj_per_s = (configs.leakage_w[c] + configs.dram_background_w[c]) * 1e12
    mac_pj = groups * positions * all_k * reduction * configs.mac_pj[c]

    weights_bytes = groups * all_k * reduction * weight_b
    results_bytes = groups * outputs * output_b
    sums_bytes = groups * outputs * sum_b

    best = math.inf
    best_latency = 0.0
    best_energy = 0.0
    best_cycles = 0.0
    best_chip = 0.0
    best_dram = 0.0
    best_read = 0.0
    best_write = 0.0
    best_buffer = 0.0
    best_k = -1
    best_c = -1
    best_m = -1
    best_order = -1
    costed = 0.0

    for mi in range(tiles.m_number[i]):
        m_size = float(tiles.m_size[i, mi])
        m_full = float(tiles.m_full[i, mi])
        m_rest = float(tiles.m_rest[i, mi])
        m_rest_size = float(tiles.m_rest_size[i, mi])
        n_m = m_full + m_rest
        m_edge = rows if flow == OUTPUT_STATIONARY else cols
        m_folds = folds(m_full, m_size, m_rest, m_rest_size, m_edge)
        m_last = m_rest_size if m_rest > 0.0 else m_size
        inputs_bytes = groups * float(tiles.m_input_total[i, mi]) * all_c * input_b
        for ki in range(tiles.k_number[i]):
            k_size = float(tiles.k_size[i, ki])
            n_k = float(tiles.k_tiles[i, ki])
            k_rest = float(tiles.k_rest_size[i, ki])
            k_folds = folds(n_k - 1.0, k_size, 1.0, k_rest, cols)
            output_need = m_size * k_size * sum_b
            if n_k * n_m * groups > 1.0 and double == 1:
                output_need *= 2.0
            if output_need > (output_cap if output_own else shared_cap):
                continue
            drain_s = m_last * k_rest * output_b * write_s
            for ci in range(tiles.c_number[i]):
                c_size = float(tiles.c_size[i, ci])
                n_c = float(tiles.c_tiles[i, ci])
                weight_need = k_size * c_size * window * weight_b
                input_need = float(tiles.m_input_largest[i, mi]) * c_size * input_b
                fill_s = (weight_need + input_need) * read_s
                if double == 1:
                    if n_k * n_c * groups > 1.0:
                        weight_need *= 2.0
                    if n_m * n_c * groups > 1.0:
                        input_need *= 2.0
                shared_need = 0.0
                if weight_own:
                    if weight_need > weight_cap:
                        continue
                else:
                    shared_need += weight_need
                if input_own:
                    if input_need > input_cap:
                        continue
                else:
                    shared_need += input_need
                if not output_own:
                    shared_need += output_need
                if shared_need > shared_cap:
                    continue

                c_rest = float(tiles.c_rest_size[i, ci])
                c_folds = folds(n_c - 1.0, c_size * window, 1.0, c_rest * window, rows)
                cycles, weight_passes, input_passes, sum_passes = array_work(
                    flow, overhead, positions, reduction, all_k, (n_k, n_c, n_m), (k_folds, c_folds, m_folds)
                )

                # Work on chip: the slowest of the array and the ports.
                weight_reads = all_k * reduction * weight_passes
                input_reads = positions * reduction * input_passes
                port_s = slowest_port(
                    weight_reads * weight_port_s,
                    input_reads * input_port_s,
                    outputs * (2.0 * sum_passes - 1.0) * output_port_s,
                    weight_own,
                    input_own,
                    output_own,
                )
                chip_s = max(cycles * cycle_s, port_s) * groups
                array_pj = groups * (
                    weight_reads * weight_read_pj
                    + input_reads * input_read_pj
                    + outputs * (sum_passes * output_write_pj + (sum_passes - 1.0) * output_read_pj)
                )
                edge_s = fill_s + drain_s

                # Bound: every operand moved once.
                least_dram_s = (weights_bytes + inputs_bytes) * read_s + results_bytes * write_s
                least_s = overlapped_latency(chip_s, least_dram_s, edge_s, double)
                least_pj = (
                    mac_pj
                    + array_pj
                    + weights_bytes * weight_fill_pj
                    + inputs_bytes * input_fill_pj
                    + results_bytes * output_drain_pj
                    + static_pj_per_s * least_s
                )
                if score(least_s, least_pj, objective) >= best:
                    continue

                for order in range(3):
                    if order == INNERMOST_M:
                        if n_m == 1.0 and (n_k > 1.0 or n_c > 1.0):
                            continue
                        weight_turns, input_turns, spills = 1.0, n_k, n_c - 1.0
                    elif order == INNERMOST_K:
                        if n_k == 1.0:
                            continue
                        weight_turns, input_turns, spills = n_m, 1.0, n_c - 1.0
                    else:
                        if n_c == 1.0:
                            continue
                        weight_turns, input_turns, spills = n_m, n_k, 0.0
                    costed += 1.0
                    spilled = spills * sums_bytes
                    read = weight_turns * weights_bytes + input_turns * inputs_bytes + spilled
                    written = results_bytes + spilled
                    dram_s = read * read_s + written * write_s
                    latency = overlapped_latency(chip_s, dram_s, edge_s, double)
                    buffer_and_dram_pj = (
                        array_pj
                        + weight_turns * weights_bytes * weight_fill_pj
                        + input_turns * inputs_bytes * input_fill_pj
                        + spilled * output_fill_pj
                        + written * output_drain_pj
                    )
                    energy = mac_pj + buffer_and_dram_pj + static_pj_per_s * latency
                    found = score(latency, energy, objective)
                    if found < best:
                        best = found
                        best_latency = latency
                        best_energy = energy
                        best_cycles = cycles * groups
                        best_chip = chip_s
                        best_dram = dram_s
                        best_read = read
                        best_write = written
                        best_buffer = buffer_and_dram_pj
                        best_k = ki
                        best_c = ci
                        best_m = mi
                        best_order = order
    dram_pj = best_read * configs.dram_read_pj_per_byte[c] + best_write * configs.dram_write_pj_per_byte[c]
    return (
        best,
        best_latency,
        best_energy,
        best_cycles,
        best_chip,
        best_dram,
        best_read,
        best_write,
        best_buffer - dram_pj,
        best_k,
        best_c,
        best_m,
        best_order,
        costed,
    )
