"""Configurations side by side, each in a lane: where what is known of a lane lies.

Lanes are flat: row `r` of lane l lies at `r * WIDTH + l`, and rows are constants, so that the compiler sees
that they never overlap and packs a loop over the lanes.
"""

from typing import Final, NamedTuple

from hwmodels.accelerate import inlined
from hwmodels.kernels.two_level.bounds import Crossing
from hwmodels.kernels.two_level.chip import ChipWork
from hwmodels.kernels.two_level.terms import Counts, Prices, Rates, Terms
from workloads.table import FloatColumn, IntColumn

WIDTH: Final = 32
"""Lanes of a group at most."""

RATES, PRICES = len(Rates._fields), len(Prices._fields)
"""Rows of rates and of prices, in the order of their fields."""

OWN_S, SHARED_S, CHIP_PJ, LEAST_S, LEAST_PJ, EACH_S, EACH_PJ, NEVER_S, NEVER_PJ = range(9)
SCORE, SCORE_S, SCORE_PJ, COSTED = range(9, 13)
STATE: Final = 13
"""Rows of state: what given tiles of K and positions take, and the best so far."""

IN_M, IN_K, TRIED, WON_M, WON_K, WON_C, WON_ORDER, HOLDS, MAY_HOLD = range(9)
MARKS: Final = 9
"""Rows of marks: whether a lane goes on beside tiles of positions, of K and of C; tiles and loop it chose;
whether tiles may win, further ones and these, if what the array holds stays in it."""


class Lanes(NamedTuple):
    """A group of configurations; arrays of shape (rows * WIDTH,), of which `number` lanes are in use."""

    number: int
    rates: FloatColumn
    state: FloatColumn
    marks: IntColumn


@inlined
def put_rates(into: FloatColumn, lane: int, rates: Rates) -> None:
    """Keep the rates of a lane."""
    into[0 * WIDTH + lane] = rates.cycle_s
    into[1 * WIDTH + lane] = rates.weight_port_s
    into[2 * WIDTH + lane] = rates.input_port_s
    into[3 * WIDTH + lane] = rates.output_port_s
    into[4 * WIDTH + lane] = rates.read_s
    into[5 * WIDTH + lane] = rates.write_s
    into[6 * WIDTH + lane] = rates.weight_fill_pj
    into[7 * WIDTH + lane] = rates.input_fill_pj
    into[8 * WIDTH + lane] = rates.output_fill_pj
    into[9 * WIDTH + lane] = rates.output_drain_pj
    into[10 * WIDTH + lane] = rates.weight_read_pj
    into[11 * WIDTH + lane] = rates.input_read_pj
    into[12 * WIDTH + lane] = rates.output_write_pj
    into[13 * WIDTH + lane] = rates.output_read_pj
    into[14 * WIDTH + lane] = rates.stays_pj
    into[15 * WIDTH + lane] = rates.static_pj_per_s
    into[16 * WIDTH + lane] = rates.busy_pj
    into[17 * WIDTH + lane] = rates.mac_pj
    into[18 * WIDTH + lane] = rates.result_pj


@inlined
def lane_terms(counts: Counts, lanes: Lanes, lane: int) -> Terms:
    """Terms of a lane: counts of the group, rates of its own."""
    at = lanes.rates
    rates = Rates(
        cycle_s=at[0 * WIDTH + lane],
        weight_port_s=at[1 * WIDTH + lane],
        input_port_s=at[2 * WIDTH + lane],
        output_port_s=at[3 * WIDTH + lane],
        read_s=at[4 * WIDTH + lane],
        write_s=at[5 * WIDTH + lane],
        weight_fill_pj=at[6 * WIDTH + lane],
        input_fill_pj=at[7 * WIDTH + lane],
        output_fill_pj=at[8 * WIDTH + lane],
        output_drain_pj=at[9 * WIDTH + lane],
        weight_read_pj=at[10 * WIDTH + lane],
        input_read_pj=at[11 * WIDTH + lane],
        output_write_pj=at[12 * WIDTH + lane],
        output_read_pj=at[13 * WIDTH + lane],
        stays_pj=at[14 * WIDTH + lane],
        static_pj_per_s=at[15 * WIDTH + lane],
        busy_pj=at[16 * WIDTH + lane],
        mac_pj=at[17 * WIDTH + lane],
        result_pj=at[18 * WIDTH + lane],
    )
    return Terms(counts, rates)


@inlined
def put_prices(into: FloatColumn, lane: int, prices: Prices) -> None:
    """Keep the prices of a lane."""
    into[0 * WIDTH + lane] = prices.clock_hz
    into[1 * WIDTH + lane] = prices.weight_port_bytes_per_s
    into[2 * WIDTH + lane] = prices.input_port_bytes_per_s
    into[3 * WIDTH + lane] = prices.output_port_bytes_per_s
    into[4 * WIDTH + lane] = prices.dram_read_bytes_per_s
    into[5 * WIDTH + lane] = prices.dram_write_bytes_per_s
    into[6 * WIDTH + lane] = prices.weight_read_pj
    into[7 * WIDTH + lane] = prices.weight_write_pj
    into[8 * WIDTH + lane] = prices.input_read_pj
    into[9 * WIDTH + lane] = prices.input_write_pj
    into[10 * WIDTH + lane] = prices.output_read_pj
    into[11 * WIDTH + lane] = prices.output_write_pj
    into[12 * WIDTH + lane] = prices.dram_read_pj
    into[13 * WIDTH + lane] = prices.dram_write_pj
    into[14 * WIDTH + lane] = prices.mask_read_pj
    into[15 * WIDTH + lane] = prices.mask_write_pj
    into[16 * WIDTH + lane] = prices.mac_pj
    into[17 * WIDTH + lane] = prices.static_w
    into[18 * WIDTH + lane] = prices.busy_pj
    into[19 * WIDTH + lane] = prices.result_pj
    into[20 * WIDTH + lane] = prices.vector_lanes
    into[21 * WIDTH + lane] = prices.vector_pj


@inlined
def lane_prices(at: FloatColumn, lane: int) -> Prices:
    """Prices of a lane."""
    return Prices(
        clock_hz=at[0 * WIDTH + lane],
        weight_port_bytes_per_s=at[1 * WIDTH + lane],
        input_port_bytes_per_s=at[2 * WIDTH + lane],
        output_port_bytes_per_s=at[3 * WIDTH + lane],
        dram_read_bytes_per_s=at[4 * WIDTH + lane],
        dram_write_bytes_per_s=at[5 * WIDTH + lane],
        weight_read_pj=at[6 * WIDTH + lane],
        weight_write_pj=at[7 * WIDTH + lane],
        input_read_pj=at[8 * WIDTH + lane],
        input_write_pj=at[9 * WIDTH + lane],
        output_read_pj=at[10 * WIDTH + lane],
        output_write_pj=at[11 * WIDTH + lane],
        dram_read_pj=at[12 * WIDTH + lane],
        dram_write_pj=at[13 * WIDTH + lane],
        mask_read_pj=at[14 * WIDTH + lane],
        mask_write_pj=at[15 * WIDTH + lane],
        mac_pj=at[16 * WIDTH + lane],
        static_w=at[17 * WIDTH + lane],
        busy_pj=at[18 * WIDTH + lane],
        result_pj=at[19 * WIDTH + lane],
        vector_lanes=at[20 * WIDTH + lane],
        vector_pj=at[21 * WIDTH + lane],
    )


@inlined
def put_work(lanes: Lanes, lane: int, work: ChipWork, port: Crossing) -> None:
    """Keep what tiles of K and positions take in a lane."""
    state = lanes.state
    state[OWN_S * WIDTH + lane] = work.own_s
    state[SHARED_S * WIDTH + lane] = work.shared_s
    state[CHIP_PJ * WIDTH + lane] = work.pj
    state[LEAST_S * WIDTH + lane] = port.least_s
    state[LEAST_PJ * WIDTH + lane] = port.least_pj
    state[EACH_S * WIDTH + lane] = port.each_s
    state[EACH_PJ * WIDTH + lane] = port.each_pj
    state[NEVER_S * WIDTH + lane] = port.never_s
    state[NEVER_PJ * WIDTH + lane] = port.never_pj


@inlined
def lane_work(work: ChipWork, lanes: Lanes, lane: int) -> ChipWork:
    """Work on chip in a lane: counts of `work`, times and energy as kept."""
    state = lanes.state
    return ChipWork(
        cycles_0=work.cycles_0,
        cycles_n=work.cycles_n,
        cycles_f=work.cycles_f,
        sums_0=work.sums_0,
        sums_n=work.sums_n,
        sums_f=work.sums_f,
        own_s=state[OWN_S * WIDTH + lane],
        shared_s=state[SHARED_S * WIDTH + lane],
        pj=state[CHIP_PJ * WIDTH + lane],
    )


@inlined
def lane_port(lanes: Lanes, lane: int) -> Crossing:
    """What the main-memory port takes at least in a lane, as kept."""
    state = lanes.state
    return Crossing(
        least_s=state[LEAST_S * WIDTH + lane],
        least_pj=state[LEAST_PJ * WIDTH + lane],
        each_s=state[EACH_S * WIDTH + lane],
        each_pj=state[EACH_PJ * WIDTH + lane],
        never_s=state[NEVER_S * WIDTH + lane],
        never_pj=state[NEVER_PJ * WIDTH + lane],
    )


@inlined
def lane_best(lanes: Lanes, lane: int) -> tuple[float, float]:
    """Score and energy of the best mapping of a lane so far."""
    return lanes.state[SCORE * WIDTH + lane], lanes.state[SCORE_PJ * WIDTH + lane]
