"""The best mapping of one nest on a two-level machine: tiles of K, C and positions M, and their loop order.

Main memory is outside, one on-chip level inside, the array at the centre. The tile loops run over K, C and M;
a tile stays on chip until one of its own indices changes, so an operand is fetched once for every turn of the
loops down to the innermost one that indexes it. Of the six orders only the innermost loop matters:

    innermost M   weights stay: each weight once, inputs nK times, partial sums spill nC - 1 times
    innermost K   inputs stay: each input once, weights nM times, partial sums spill nC - 1 times
    innermost C   outputs stay: nothing spills, weights nM times, inputs nK times

because the operand that the innermost loop does not index sees both other loops, whatever their order, and
the other two see all three. A loop of one turn is no loop: its order costs what the next loop's does.

On chip, the array takes operands as its dataflow asks (`systolic.py`): what a fold streams is read once a
fold, what it holds is read once a tile, outputs are accumulated in the output buffer at accumulator width.
"""

import math
from typing import NamedTuple

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
        Cycles; passes over the weights, the inputs and the outputs (a pass of the outputs writes each once;
        all but the first also read it).

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

    Double-buffered: the first load and the last store (`edge_s`) are exposed, the rest of the traffic hides
    behind the work on chip or the other way round. Single-buffered: the sum.
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


class Terms(NamedTuple):
    """Everything of one nest on one configuration that no tile changes; scalars. Bytes are of the whole
    nest.
    """

    flow: int
    rows: float
    cols: float
    overhead: float  # cycles a fold takes beyond its stream
    double: int
    groups: float
    positions: float
    window: float
    all_k: float
    all_c: float
    reduction: float
    cycle_s: float
    weight_b: float  # bytes of an element
    input_b: float
    output_b: float
    sum_b: float  # bytes of a partial sum
    weight_cap: float
    input_cap: float
    output_cap: float
    shared_cap: float
    weight_port_s: float  # seconds an element takes through its port
    input_port_s: float
    output_port_s: float
    read_s: float  # seconds a byte takes from main memory
    write_s: float
    weight_fill_pj: float  # a byte from main memory into the buffer
    input_fill_pj: float
    output_fill_pj: float
    output_drain_pj: float  # a byte from the buffer to main memory
    weight_read_pj: float  # an element from the buffer into the array
    input_read_pj: float
    output_write_pj: float
    output_read_pj: float
    static_pj_per_s: float
    mac_pj: float  # all multiply-accumulates
    weight_bytes: float
    result_bytes: float
    sum_bytes: float


@kernel
def nest_terms(layers: LayerTable, i: int, configs: ConfigTable, c: int) -> Terms:
    """Collect the terms of nest `i` on configuration `c`."""
    groups = float(layers.g[i])
    positions = float(layers.n[i] * layers.p[i] * layers.q[i])
    window = float(layers.r[i] * layers.s[i])
    all_k = float(layers.k[i])
    all_c = float(layers.c[i])
    weight_b = stored_bytes(layers.weight_bits[i], configs.weight_bits[c])
    input_b = stored_bytes(layers.input_bits[i], configs.input_bits[c])
    output_b = stored_bytes(layers.output_bits[i], configs.output_bits[c])
    sum_b = configs.accumulator_bits[c] / 8.0
    outputs = groups * positions * all_k
    return Terms(
        flow=configs.dataflow[c],
        rows=float(configs.rows[c]),
        cols=float(configs.cols[c]),
        overhead=float(fold_overhead(configs.rows[c], configs.cols[c], configs.dataflow[c])),
        double=configs.double_buffered[c],
        groups=groups,
        positions=positions,
        window=window,
        all_k=all_k,
        all_c=all_c,
        reduction=all_c * window,
        cycle_s=1.0 / configs.clock_hz[c],
        weight_b=weight_b,
        input_b=input_b,
        output_b=output_b,
        sum_b=sum_b,
        weight_cap=configs.weight_capacity_bytes[c],
        input_cap=configs.input_capacity_bytes[c],
        output_cap=configs.output_capacity_bytes[c],
        shared_cap=configs.shared_capacity_bytes[c],
        weight_port_s=weight_b / configs.weight_port_bytes_per_s[c],
        input_port_s=input_b / configs.input_port_bytes_per_s[c],
        output_port_s=sum_b / configs.output_port_bytes_per_s[c],
        read_s=1.0 / configs.dram_read_bytes_per_s[c],
        write_s=1.0 / configs.dram_write_bytes_per_s[c],
        weight_fill_pj=configs.dram_read_pj_per_byte[c] + configs.weight_write_pj_per_byte[c],
        input_fill_pj=configs.dram_read_pj_per_byte[c] + configs.input_write_pj_per_byte[c],
        output_fill_pj=configs.dram_read_pj_per_byte[c] + configs.output_write_pj_per_byte[c],
        output_drain_pj=configs.dram_write_pj_per_byte[c] + configs.output_read_pj_per_byte[c],
        weight_read_pj=configs.weight_read_pj_per_byte[c] * weight_b,
        input_read_pj=configs.input_read_pj_per_byte[c] * input_b,
        output_write_pj=configs.output_write_pj_per_byte[c] * sum_b,
        output_read_pj=configs.output_read_pj_per_byte[c] * sum_b,
        static_pj_per_s=(configs.leakage_w[c] + configs.dram_background_w[c]) * 1e12,
        mac_pj=outputs * all_c * window * configs.mac_pj[c],
        weight_bytes=groups * all_k * all_c * window * weight_b,
        result_bytes=outputs * output_b,
        sum_bytes=outputs * sum_b,
    )


@kernel
def fits(terms: Terms, weight_need: float, input_need: float, output_need: float) -> bool:
    """Whether a tile of each operand, doubled where it is reloaded, finds room where that operand lives."""
    shared = 0.0
    if terms.weight_cap == 0.0:
        shared += weight_need
    elif weight_need > terms.weight_cap:
        return False
    if terms.input_cap == 0.0:
        shared += input_need
    elif input_need > terms.input_cap:
        return False
    if terms.output_cap == 0.0:
        shared += output_need
    elif output_need > terms.output_cap:
        return False
    return shared <= terms.shared_cap


@kernel
def chip_work(
    terms: Terms, turns: tuple[float, float, float], folded: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Array cycles, time on chip [s] and energy between buffers and array [pJ] of the whole nest."""
    cycles, weight_passes, input_passes, sum_passes = array_work(
        terms.flow, terms.overhead, terms.positions, terms.reduction, terms.all_k, turns, folded
    )
    weight_reads = terms.all_k * terms.reduction * weight_passes
    input_reads = terms.positions * terms.reduction * input_passes
    outputs = terms.positions * terms.all_k
    port_s = slowest_port(
        weight_reads * terms.weight_port_s,
        input_reads * terms.input_port_s,
        outputs * (2.0 * sum_passes - 1.0) * terms.output_port_s,
        terms.weight_cap > 0.0,
        terms.input_cap > 0.0,
        terms.output_cap > 0.0,
    )
    pj = (
        weight_reads * terms.weight_read_pj
        + input_reads * terms.input_read_pj
        + outputs * (sum_passes * terms.output_write_pj + (sum_passes - 1.0) * terms.output_read_pj)
    )
    return cycles * terms.groups, max(cycles * terms.cycle_s, port_s) * terms.groups, pj * terms.groups


@kernel
def loop_turns(innermost: int, n_k: float, n_c: float, n_m: float) -> tuple[float, float, float]:
    """How often each operand passes the main-memory port: weights, inputs, and spills of the partial sums.

    A loop of a single turn cannot be innermost (its order is another one's): weights are then negative.
    """
    if innermost == INNERMOST_M and (n_m > 1.0 or (n_k == 1.0 and n_c == 1.0)):
        return 1.0, n_k, n_c - 1.0
    if innermost == INNERMOST_K and n_k > 1.0:
        return n_m, 1.0, n_c - 1.0
    if innermost == INNERMOST_C and n_c > 1.0:
        return n_m, n_k, 0.0
    return -1.0, 0.0, 0.0


@kernel
def total_cost(
    terms: Terms,
    work: tuple[float, float, float],
    edge_s: float,
    input_bytes: float,
    passes: tuple[float, float, float],
) -> tuple[float, float, float, float, float]:
    """Latency [s], energy [pJ], main-memory time [s], bytes read and bytes written of a nest.

    Parameters
    ----------
    terms, work, edge_s
        Constants, what `chip_work` returned, and the exposed first load and last store [s].
    input_bytes
        Bytes of one pass over the input tiles, halos included.
    passes
        What `loop_turns` returned.

    """
    weight_turns, input_turns, spills = passes
    spilled = spills * terms.sum_bytes
    weights = weight_turns * terms.weight_bytes
    inputs = input_turns * input_bytes
    read = weights + inputs + spilled
    written = terms.result_bytes + spilled
    dram_s = read * terms.read_s + written * terms.write_s
    latency = overlapped_latency(work[1], dram_s, edge_s, terms.double)
    pj = (
        terms.mac_pj
        + work[2]
        + weights * terms.weight_fill_pj
        + inputs * terms.input_fill_pj
        + spilled * terms.output_fill_pj
        + written * terms.output_drain_pj
        + latency * terms.static_pj_per_s
    )
    return latency, pj, dram_s, read, written


@kernel
def doubled(need: float, loads: float, double: int) -> float:
    """Bytes kept for an operand: twice its tile where it is loaded again while the last one is in use."""
    return 2.0 * need if double == 1 and loads > 1.0 else need


@kernel
def best_mapping(
    layers: LayerTable, tiles: TileTable, i: int, configs: ConfigTable, c: int, objective: int
) -> tuple[float, float, float, float, float, float, float, float, float, int, int, int, int, float]:
    """Search the mapspace of nest `i` on configuration `c`.

    Candidates are skipped when their tiles do not fit or when a lower bound of their score (every operand
    moved once, work on chip as it is) already reaches the best found; both leave the minimum untouched. The
    first best in enumeration order wins.

    Returns
    -------
    tuple
        Score, latency [s], energy [pJ], array cycles, on-chip time [s], main-memory time [s], main-memory
        bytes read and written, energy in the buffers [pJ], candidates (k, c, m), innermost loop, mappings
        costed. The score is infinite and the candidates -1 where nothing fits.

    """
    terms = nest_terms(layers, i, configs, c)
    once = (1.0, 1.0, 0.0)
    best = math.inf
    cost = (0.0, 0.0, 0.0, 0.0, 0.0)
    cost_work = (0.0, 0.0, 0.0)
    best_k, best_c, best_m, best_order = -1, -1, -1, -1
    costed = 0.0

    for mi in range(tiles.m_number[i]):
        m_size = float(tiles.m_size[i, mi])
        m_rest, m_rest_size = float(tiles.m_rest[i, mi]), float(tiles.m_rest_size[i, mi])
        n_m = tiles.m_full[i, mi] + m_rest
        m_last = m_rest_size if m_rest > 0.0 else m_size
        m_edge = terms.rows if terms.flow == OUTPUT_STATIONARY else terms.cols
        m_folds = folds(n_m - m_rest, m_size, m_rest, m_rest_size, m_edge)
        input_bytes = terms.groups * tiles.m_input_total[i, mi] * terms.all_c * terms.input_b
        for ki in range(tiles.k_number[i]):
            k_size = float(tiles.k_size[i, ki])
            k_rest = float(tiles.k_rest_size[i, ki])
            n_k = float(tiles.k_tiles[i, ki])
            k_folds = folds(n_k - 1.0, k_size, 1.0, k_rest, terms.cols)
            output_need = doubled(m_size * k_size * terms.sum_b, n_k * n_m * terms.groups, terms.double)
            drain_s = m_last * k_rest * terms.output_b * terms.write_s
            for ci in range(tiles.c_number[i]):
                c_size = float(tiles.c_size[i, ci])
                n_c = float(tiles.c_tiles[i, ci])
                weight_tile = k_size * c_size * terms.window * terms.weight_b
                input_tile = tiles.m_input_largest[i, mi] * c_size * terms.input_b
                weight_need = doubled(weight_tile, n_k * n_c * terms.groups, terms.double)
                input_need = doubled(input_tile, n_m * n_c * terms.groups, terms.double)
                if not fits(terms, weight_need, input_need, output_need):
                    continue
                c_rest = tiles.c_rest_size[i, ci] * terms.window
                c_folds = folds(n_c - 1.0, c_size * terms.window, 1.0, c_rest, terms.rows)
                work = chip_work(terms, (n_k, n_c, n_m), (k_folds, c_folds, m_folds))
                edge_s = (weight_tile + input_tile) * terms.read_s + drain_s
                least = total_cost(terms, work, edge_s, input_bytes, once)
                if score(least[0], least[1], objective) >= best:
                    continue
                for order in range(3):
                    passes = loop_turns(order, n_k, n_c, n_m)
                    if passes[0] < 0.0:
                        continue
                    costed += 1.0
                    found = total_cost(terms, work, edge_s, input_bytes, passes)
                    if score(found[0], found[1], objective) < best:
                        best = score(found[0], found[1], objective)
                        cost, cost_work = found, work
                        best_k, best_c, best_m, best_order = ki, ci, mi, order
    dram_pj = cost[3] * configs.dram_read_pj_per_byte[c] + cost[4] * configs.dram_write_pj_per_byte[c]
    buffer_pj = cost[1] - dram_pj - terms.mac_pj - cost[0] * terms.static_pj_per_s
    return (
        best,
        cost[0],
        cost[1],
        cost_work[0],
        cost_work[1],
        cost[2],
        cost[3],
        cost[4],
        buffer_pj,
        best_k,
        best_c,
        best_m,
        best_order,
        costed,
    )
