"""The batch loops: every configuration on every operation, and every operation on one configuration."""

import math
from typing import Final

from hwmodels.accelerate import inlined, kernel
from hwmodels.columns import BesideTable, OperationTable, TileTable
from hwmodels.kernels.accounting.account import EDGE, OUTSIDE, USUAL, Sheet
from hwmodels.kernels.two_level.beside import beside_row, beside_terms, nest_beside, stream_beside
from hwmodels.kernels.two_level.bound import COMPUTE, FRONT_END, MAIN_MEMORY, VECTOR
from hwmodels.kernels.two_level.chip import array_work
from hwmodels.kernels.two_level.cost import Goal
from hwmodels.kernels.two_level.lines import (
    STANDBY,
    Stream,
    nest_busy,
    nest_lines,
    passed_of,
    stream_at,
    stream_bytes,
    stream_lines,
)
from hwmodels.kernels.two_level.mapspace import count_mappings
from hwmodels.kernels.two_level.room import Channels, Pixels, doubled, held_of
from hwmodels.kernels.two_level.rows import NEST, Config, Layer, config_row, layer_row
from hwmodels.kernels.two_level.spared import keep_spared, spared_at
from hwmodels.kernels.two_level.terms import Terms, counts_of, nest_terms, prices_of, rates_of
from hwmodels.kernels.two_level.tiling import best_mapping, channels_at, pixels_at, tile_rows
from workloads.table import FloatColumn, FloatMatrix, IntColumn

LIMIT_WEIGHT = 1
LIMIT_INPUT = 2
LIMIT_OUTPUT = 3
LIMIT_SHARED = 4
LIMIT_OVERFLOW = 5
LIMIT_MASK = 6

SUMS: Final = ("latency_s", "macs", "kept", "effectual", "costed", "limit")
"""What is summed over the network beside the lines, which come first in a batch's result, and the limit that
ended it.
"""
LINES: Final = STANDBY + 1
LATENCY_S, MACS_DONE, KEPT, EFFECTUAL, COSTED, LIMIT = range(LINES, LINES + 6)


@kernel
def broken_limit(terms: Terms, k: Channels, c: Channels, m: Pixels) -> int:
    """Name the buffer that cannot hold tiles of K, C and positions; the shared one if each alone could.

    Costs that are no numbers, of an array, a dataflow or a format that is not known, overflow.
    """
    nest = terms.counts
    work = array_work(nest, 1.0, 1.0, 1.0, 1.0, 1.0, False)
    stored = nest.weight_bytes + nest.input_dram_b + nest.output_b
    if math.isnan(work.weight_passes + stored + nest.time):
        return LIMIT_OVERFLOW
    held = held_of(nest, m)
    weight = k.size * c.size * nest.window * nest.weight_b
    weight = doubled(weight, k.tiles * c.tiles * held.groups, nest.double)
    inputs = doubled(held.input_b * c.size, held.loads * c.tiles * held.groups, nest.double)
    output = doubled(held.output_b * k.size, k.tiles * held.loads * held.groups, nest.double)
    if weight > nest.weight_cap > 0.0:
        return LIMIT_WEIGHT
    if inputs > nest.input_cap > 0.0:
        return LIMIT_INPUT
    if output > nest.output_cap > 0.0:
        return LIMIT_OUTPUT
    if weight * nest.weight_mask + inputs * nest.input_mask > nest.mask_cap:
        return LIMIT_MASK
    return LIMIT_SHARED


@kernel
def limit_of(terms: Terms, tiles: TileTable, rows: tuple[int, int, int]) -> int:
    """Name the buffer that cannot hold the smallest tiles of three lists."""
    k = channels_at(tiles.k[rows[0]], tiles.k_number[rows[0]] - 1)
    c = channels_at(tiles.c[rows[1]], tiles.c_number[rows[1]] - 1)
    return broken_limit(terms, k, c, pixels_at(tiles.m[rows[2]], tiles.m_number[rows[2]] - 1))


@kernel
def stream_cost(layer: Layer, config: Config) -> Stream:
    """Time of a vector or movement row on a configuration; see `lines.stream_at`."""
    return stream_at(layer, stream_bytes(layer, config), prices_of(config), config.double_buffered)


@kernel
def nest_macs(layer: Layer) -> float:
    """Multiply-accumulates of a nest; a float, exact below 2**53 and never wrapping."""
    outputs = float(layer.n * layer.p * layer.q) * float(layer.g * layer.k)
    return outputs * float(layer.c * layer.r * layer.s)


@inlined
def add_nest(
    layer: Layer,
    terms: Terms,
    tiles: tuple[Channels, Channels, Pixels],
    chosen: tuple[int, int],
    latency_s: float,
    sums: FloatColumn,
) -> None:
    """Add a nest to the sums: tiles with `chosen` = (order, place), and the latency of an instance."""
    count = float(layer.repeats)
    work = nest_macs(layer)
    nest_lines(terms, passed_of(terms, tiles, chosen), count, sums)
    sums[LATENCY_S] += count * latency_s
    sums[MACS_DONE] += count * work
    sums[KEPT] += count * (work * terms.counts.kept)
    sums[EFFECTUAL] += count * layer.effectual_macs


@inlined
def add_stream(layer: Layer, crossing: tuple[float, float, float], stream: Stream, sums: FloatColumn) -> None:
    """Add a vector or movement row to a configuration's sums."""
    count = float(layer.repeats)
    stream_lines(layer, crossing, count, sums)
    sums[LATENCY_S] += count * stream.latency_s


@kernel
def evaluate_batch(
    layers: FloatMatrix,
    tiles: TileTable,
    configs: FloatMatrix,
    order: IntColumn,
    objective: int,
    innermost: IntColumn,
    kept: FloatMatrix,
    out: FloatMatrix,
) -> None:
    """Fill rows `order` of `out`, columns as of lines and `SUMS`, with each configuration's network totals.

    Reads only the tables, allocates nothing, raises nothing. Serial and nogil: callers thread over disjoint
    tables. No result, the number of mappings costed among them, depends on the order. `innermost` is the loop
    that each operation's mapping is asked to have; -1 leaves it to the search. `kept`, shape (n_operations,
    `SPARED`), is room for what configurations that follow one another have in common.
    """
    last = -1
    for c in order:
        sums = out[c]
        sums[:] = 0.0
        config = config_row(configs, c)
        last = keep_spared(layers, configs, c, last, kept)
        for i in range(layers.shape[0]):
            layer = layer_row(layers, i)
            if layer.kind != NEST:
                add_stream(layer, stream_bytes(layer, config), stream_cost(layer, config), sums)
                continue
            counts = counts_of(layer, config, spared_at(kept, i))
            terms = Terms(counts, rates_of(counts, prices_of(config)))
            rows = tile_rows(tiles, c, i)
            best = best_mapping(terms, tiles, rows, Goal(objective, innermost[i]))
            sums[COSTED] += best.costed
            if best.k < 0:
                sums[LIMIT] = limit_of(terms, tiles, rows)
                break
            chosen = (
                channels_at(tiles.k[rows[0]], best.k),
                channels_at(tiles.c[rows[1]], best.c),
                pixels_at(tiles.m[rows[2]], best.m),
            )
            add_nest(layer, terms, chosen, (best.order, best.place), best.latency_s, sums)


@kernel
def account_operations(
    layers: FloatMatrix,
    tiles: TileTable,
    configs: FloatMatrix,
    which: tuple[int, int],
    innermost: IntColumn,
    beside: BesideTable,
    sheet: Sheet,
    out: OperationTable,
) -> None:
    """Fill the account of one instance of every operation on a configuration, and what was chosen for it.

    `which` are the configuration and the objective, `innermost` is as of `evaluate_batch`. `beside` says what
    tensors that stay leave to each operation.

    Of `out` the mapping, the limit, cycles and bytes are filled; times and energies are the account's. A row
    that breaks a limit counts NaN.
    """
    c, objective = which
    config = config_row(configs, c)
    for i in range(layers.shape[0]):
        layer, stay = layer_row(layers, i), beside_row(beside, i)
        counts, busy_s = sheet.counts[i], sheet.busy_s[i]
        counts[:] = 0.0
        busy_s[:] = 0.0
        out.limit[i] = 0
        out.order[i] = -1
        out.tile_k[i] = 0
        out.tile_c[i] = 0
        out.tile_pixels[i] = 0
        rows = tile_rows(tiles, c, i)
        out.mappings[i] = 0.0
        out.mappings_costed[i] = 0.0
        out.compute_cycles[i] = 0.0
        sheet.waits[i, OUTSIDE] = 0.0
        if layer.kind != NEST:
            stream, out.dram_read_bytes[i], out.dram_write_bytes[i] = stream_beside(
                layer, config, stay, counts
            )
            busy_s[VECTOR], busy_s[MAIN_MEMORY] = stream.lanes_s, stream.dram_s
            sheet.waits[i, USUAL] = VECTOR
            sheet.waits[i, EDGE] = 0.0 if config.double_buffered == 1 else stream.dram_s
            continue
        terms = beside_terms(layer, config, stay)
        best = best_mapping(terms, tiles, rows, Goal(objective, innermost[i]))
        out.mappings[i] = count_mappings(terms.counts, tiles, rows, innermost[i])
        out.mappings_costed[i] = best.costed
        sheet.waits[i, USUAL] = FRONT_END if terms.counts.front_end == 1 else COMPUTE
        if best.k < 0:
            out.limit[i] = limit_of(terms, tiles, rows)
            counts[:] = math.nan
            busy_s[:] = math.nan
            sheet.waits[i, EDGE] = math.nan
            out.compute_cycles[i] = math.nan
            out.dram_read_bytes[i], out.dram_write_bytes[i] = math.nan, math.nan
            continue
        chosen = (
            channels_at(tiles.k[rows[0]], best.k),
            channels_at(tiles.c[rows[1]], best.c),
            pixels_at(tiles.m[rows[2]], best.m),
        )
        passed = passed_of(terms, chosen, (best.order, best.place))
        nest_beside(nest_terms(layer, config), passed, stay, counts)
        nest_busy(terms, passed, busy_s)
        sheet.waits[i, EDGE] = best.edge_s if config.double_buffered == 1 else busy_s[MAIN_MEMORY]
        out.order[i] = best.order
        out.tile_k[i] = int(chosen[0].size)
        out.tile_c[i] = int(chosen[1].size)
        out.tile_pixels[i] = int(chosen[2].size)
        out.compute_cycles[i] = best.cycles
        out.dram_read_bytes[i], out.dram_write_bytes[i] = best.read, best.written
