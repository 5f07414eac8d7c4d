"""Machines of any number of levels: every operation's best mapping by the loop-nest engine.

A configuration is a machine of its own here. Which mapping an operation has is `nest_mappings`' to say, which
tensors stay on chip `nest_staying`'s, and what it all counts and costs `nest_account`'s.
"""

import math
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from hwmodels.accounting import Account
from hwmodels.batch import check_layers, objective_code
from hwmodels.columns import MetricTable
from hwmodels.components.ranges import range_notes
from hwmodels.fusion.bound import Alone
from hwmodels.fusion.schedule import FusionSchedule, fuse
from hwmodels.kernels.accounting.account import OUTSIDE
from hwmodels.level import Level
from hwmodels.level_sheet import links
from hwmodels.level_sparsity import said_of_zeros
from hwmodels.levels import LevelMachine
from hwmodels.machine import BEST, UNEVEN, Axes, Effort, Least, Model, metric_table
from hwmodels.models import nest_counts
from hwmodels.models.level_table import LevelTable, pack_levels, standing_w, warmed
from hwmodels.models.nest_account import (
    ELEMENTS,
    Counter,
    Row,
    account_of,
    nearest,
    resources,
    write_row,
)
from hwmodels.models.nest_bounds import least_of
from hwmodels.models.nest_mappings import Found, Key, key_of, limits, mapping_of, problem_of
from hwmodels.models.nest_staying import (
    Chosen,
    at,
    beside,
    chosen_of,
    counted,
    place_of,
    remapped,
    without_memory,
)
from hwmodels.models.nest_zeros import densities_of, minded
from hwmodels.residency.graph import Stays
from hwmodels.residency.laid import schedules_of
from hwmodels.residency.plan import Plan, by_rows
from hwmodels.residency.tensors import REORDERED, Schedule
from hwmodels.tiers import STACK_LIMITS, apply_tiers, tier_table
from hwmodels.times import OperationTimes
from hwmodels.warming import RUNAWAY, coolest_c, settle
from workloads.grammar.quantities import binary_bytes
from workloads.table import Kind, LayerTable, take_rows
from workloads.table import fingerprint as fingerprint_of

if TYPE_CHECKING:
    import pandas

_COLUMN: Final = {"latency": "latency_s", "energy": "energy_j", "edp": "edp_js"}
_LESS: Final = 1.0 - 1e-12
"""What another order has to be better than, for the one given to be left."""
_MOST_LAID: Final = 8
_SECONDS_A_SHAPE: Final = 0.05
"""Typical time of mapping one shape: a hundredth to several seconds."""
_SECONDS_A_READING: Final = 1e-6
"""Typical time of costing an operation whose count set is there."""


class NestModel(Model):
    """The model of `hwmodels.levels.LevelMachine`; the engine's equations are in `docs/engine.md`."""

    name = "levels"
    columns = tuple(name for name in MetricTable._fields if name not in ("feasible", "limit"))
    bounded = True
    monotone = False
    perturbable = True
    tells = True
    maps = True
    searches = True
    switches: tuple[str, ...] = (UNEVEN,)

    def limits(self, machine: LevelMachine) -> tuple[str, ...]:
        """Capacity of each level; what no mapping meets; narrow words; main memory; what a stack bears."""
        return limits(machine)

    def bounds(self, machine: LevelMachine) -> tuple[str, ...]:
        """Array, ports of each level, main memory, lanes."""
        return resources(machine)

    def pack(self, base: LevelMachine, axes: Axes | None = None, size: int = 1) -> LevelTable:
        """See `hwmodels.models.level_table.pack_levels`."""
        return pack_levels(base, axes, size)

    def evaluate(
        self,
        layers: LayerTable,
        configs: LevelTable,
        objective: str = "edp",
        effort: Effort = BEST,
    ) -> MetricTable:
        """Cost every configuration, each operation with its best mapping or the one given for its row."""
        check_layers(layers)
        objective_code(objective)
        table, broken = _costed(layers, objective, effort, configs), limits(configs.machine[0])
        if configs.leakage_curve.any():
            fill = partial(_fill, layers, objective, effort)
            configs = settle(fill, configs, table, warm=warmed, runaway=broken.index(RUNAWAY))
        apply_tiers(configs, table, broken.index(STACK_LIMITS[0]))
        return table

    def least(self, layers: LayerTable, configs: LevelTable, schedule: Schedule | None = None) -> Least:
        """See `hwmodels.models.nest_bounds`."""
        return least_of(layers, configs, stays=schedule is not None)

    def account(
        self,
        layers: LayerTable,
        configs: LevelTable,
        objective: str = "edp",
        row: int = 0,
        effort: Effort = BEST,
    ) -> Account:
        """Account of one instance of every operation on one configuration."""
        check_layers(layers)
        objective_code(objective)
        return _account(layers, self._warm(layers, configs, objective, row, effort), objective, effort)

    def plan(
        self,
        layers: LayerTable,
        configs: LevelTable,
        objective: str = "edp",
        row: int = 0,
        effort: Effort = BEST,
    ) -> Plan:
        """Where every tensor lives on one configuration, and why."""
        machine = self._warm(layers, configs, objective, row, effort)
        assert effort.schedule is not None
        key = key_of(machine, objective, effort)
        found = _found(layers, machine, key, effort)
        stay, _ = _stayed(layers, Counter(machine), found, key, effort)
        level = machine.level(machine.resident)
        places = tuple(place_of(tensor, stay.kept, machine, level) for tensor in stay.tensors)
        return Plan(by_rows(places, stay.order), stay.certificate, stay.order)

    def times(
        self, layers: LayerTable, configs: LevelTable, objective: str, effort: Effort = BEST
    ) -> OperationTimes:
        """Parts of every operation's latency; transfers that hide behind nothing count to both sides."""
        check_layers(layers)
        objective_code(objective)
        configs = self._all_warm(layers, configs, objective, effort)
        shape, parts = (configs.size, layers.rows), partial(_parts_s, configs, objective)
        space = _space_of(configs, effort)
        if space is not None:
            chip, dram = nest_counts.times(layers, space, objective, parts)
            return OperationTimes(chip, dram, np.zeros(shape))
        chip, dram = np.empty(shape), np.empty(shape)
        for c in range(configs.size):
            chip[c], dram[c] = parts(layers, c, effort)
        return OperationTimes(chip, dram, np.zeros(shape))

    def _all_warm(
        self, layers: LayerTable, configs: LevelTable, objective: str, effort: Effort
    ) -> LevelTable:
        """Configurations as warm as their work makes them; at ambient where nothing settles them."""
        if not configs.leakage_curve.any():
            return configs
        unlimited = configs._replace(temperature_limit_c=np.zeros(configs.size))
        heat_c = self.evaluate(layers, unlimited, objective, effort).temperature_c
        return warmed(configs, np.nan_to_num(heat_c, nan=coolest_c()))._replace(
            leakage_curve=np.zeros(configs.size, dtype=np.int64)
        )

    def _warm(
        self, layers: LayerTable, configs: LevelTable, objective: str, row: int, effort: Effort
    ) -> LevelMachine:
        """The machine of a row, as warm as its work makes it."""
        one: LevelTable = take_rows(configs, slice(row, row + 1))
        return self._all_warm(layers, one, objective, effort).at(0)

    def tiers(self, configs: LevelTable, metrics: MetricTable) -> "pandas.DataFrame":
        """See `hwmodels.tiers.tier_table`."""
        return tier_table(configs, metrics)

    def seconds_a_point(self, layers: LayerTable, configs: LevelTable) -> float:
        """Shapes times the typical time of mapping one; of those that count sets cover, of reading one."""
        nests = np.flatnonzero(layers.kind == Kind.NEST)
        space = nest_counts.space_of(configs.machine)
        # Where tensors may stay, whether they are asked to is not known here: then sets are not read.
        if space is not None and not space.base.resident:
            searched = nest_counts.uncovered(layers, space)
        else:
            searched = len(nests)
        return max(_SECONDS_A_READING * max(1, layers.rows), _SECONDS_A_SHAPE * searched)

    def keeper(self, machine: LevelMachine) -> str:
        """The level that the machine names."""
        return machine.resident

    def handing(self, machine: LevelMachine) -> str:
        """The level that the machine names."""
        return machine.fusion

    def fusion(
        self, layers: LayerTable, machine: LevelMachine, objective: str, effort: Effort
    ) -> FusionSchedule | None:
        """Fused groups; None where tensors that stay do better."""
        check_layers(layers)
        objective_code(objective)
        return _fused(layers, machine, objective, effort)[1]

    def summary(self, machine: LevelMachine) -> dict[str, str]:
        """Edges of the array, number of levels, bytes of all instances on chip."""
        levels = machine.architecture.levels
        bits = [level.capacity_words * level.word_bits * level.instances for level in levels]
        return {
            "array": f"{machine.array.fanout_y}×{machine.array.fanout_x}",
            "flow": f"{len(levels)} levels",
            "on chip": binary_bytes(sum(size for size in bits if size < math.inf) / 8),
        }

    def premises(self, machine: LevelMachine, layers: LayerTable, swept: Sequence[str]) -> list[str]:
        """Process, widths, levels, mapspace, rules and memory, as far as no axis sweeps them."""
        said = []
        if "technology.node_nm" not in swept:
            said += [f"{machine.technology.node_nm:g} nm", *range_notes(machine.technology)]
        if not any(path.startswith("datapath") for path in swept):
            said.append(machine.datapath.widths)
        said.append(f"{len(machine.levels)} storage levels, {machine.factors} tiles")
        if "main_memory" not in swept:
            said.append(f"main memory {machine.main_memory.name}")
        moved = {path for path in swept if path.endswith(".bytes_per_s")}
        said += [f"main memory is {link}" for link in links(machine) if not any(one in link for one in moved)]
        said += ["an element takes a whole word of a level", *said_of_zeros(machine)]
        said.append("energy includes main memory; area is the accelerator die's alone")
        return said


NEST: Final = NestModel()


def _space_of(configs: LevelTable, effort: Effort) -> nest_counts.Space | None:
    """What count sets can do for machines, with the leakage of their temperatures."""
    space = nest_counts.space_of(configs.machine) if effort == BEST else None
    if space is None:
        return None
    return space._replace(columns=space.columns._replace(leakage_w=configs.leakage_w))


def _costed(layers: LayerTable, objective: str, effort: Effort, configs: LevelTable) -> MetricTable:
    """Cost configurations with the leakage that their table holds."""
    space = _space_of(configs, effort)
    if space is not None:
        return nest_counts.evaluate(layers, space, objective, partial(_one, configs, objective))
    found: dict[str, list[float]] = {name: [] for name in MetricTable._fields}
    for c in range(configs.size):
        account = _account(layers, configs.at(c), objective, effort)
        for name, value in _totals(layers, configs, c, account).items():
            found[name].append(value)
    return metric_table({name: values for name, values in found.items() if values}, configs.size)


def _fill(layers: LayerTable, objective: str, effort: Effort, configs: LevelTable, out: MetricTable) -> None:
    """Cost configurations into a table."""
    for column, costs in zip(out, _costed(layers, objective, effort, configs), strict=True):
        column[:] = costs


def _one(configs: LevelTable, objective: str, layers: LayerTable, c: int) -> dict[str, float]:
    """Totals of some operations on one configuration, and the first limit that one of them breaks."""
    account = _account(layers, configs.at(c), objective, BEST)
    limit = next((int(code) for code in account.carried["limit"] if code), 0)
    found = {} if limit else account.totals(layers.repeats)
    return found | {"limit": limit, "mappings_costed": float(account.carried["mappings_costed"].sum())}


def _parts_s(
    configs: LevelTable, objective: str, layers: LayerTable, c: int, effort: Effort = BEST
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seconds on chip and of main memory; see `NestModel.times`."""
    account = _account(layers, configs.at(c), objective, effort)
    costs, outside_s = account.operations(), account.sheet.waits[:, OUTSIDE]
    chip_s = costs["compute_s"] + outside_s
    return chip_s, costs["dram_s"] + np.where(costs["dram_s"] > 0.0, outside_s, 0.0)


def _account(layers: LayerTable, machine: LevelMachine, objective: str, effort: Effort) -> Account:
    """Map every row of a layer table, and count what its mapping does."""
    if effort.fused:
        return _fused(layers, machine, objective, effort)[0]
    key = key_of(machine, objective, effort)
    found = _found(layers, machine, key, effort)
    counter, standing = Counter(machine), standing_w(machine)
    alone = without_memory(layers)
    rows = [counted(counter, layers, row, one, at(alone, row)) for row, one in enumerate(found)]
    if effort.schedule is not None and not any(one.limit for one in found):
        _, rows = _stayed(layers, counter, found, key, effort)
    chosen = {
        "mappings": np.array([one.mappings for one in found]),
        "mappings_costed": np.array([one.costed for one in found]),
        "limit": np.array([one.limit for one in found]),
        "optimal": np.array([bool(one.optimal) for one in found]),
    }
    return account_of(machine, rows, standing, chosen)


def _found(layers: LayerTable, machine: LevelMachine, key: Key, effort: Effort) -> list[Found]:
    """Mapping of every row by itself; distinct nests share the time that is left."""
    found: list[Found] = []
    begun = time.process_time()
    limit_s = effort.limit_s
    to_map = _firsts(layers) if limit_s < math.inf else []
    if effort.kept is None:
        effort = effort._replace(kept={})
    for row in range(layers.rows):
        if int(layers.kind[row]) == Kind.NEST:
            left = max(0.0, limit_s - (time.process_time() - begun))
            share = left / max(1, len(to_map) - bisect_left(to_map, row))
            found.append(mapping_of(layers, row, machine, key, effort._replace(limit_s=share)))
        else:
            found.append(Found())
        if effort.told is not None:
            effort.told(row + 1, layers.rows)
    return found


def _firsts(layers: LayerTable) -> list[int]:
    """The first row of every distinct nest, rising."""
    nests = np.flatnonzero(layers.kind == Kind.NEST).tolist()
    return sorted({problem_of(layers, row): row for row in reversed(nests)}.values())


def _stayed(
    layers: LayerTable, counter: Counter, found: Sequence[Found], key: Key, effort: Effort
) -> tuple[Chosen, list[Row]]:
    """The best schedule and its rows; another order only where it does better than the one given."""
    assert effort.schedule is not None
    machine, standing, objective = counter.machine, standing_w(counter.machine), key.objective
    laid = _laid(layers, effort.schedule)
    best: tuple[float, Chosen, list[Row]] | None = None
    for stays in laid:
        stay = chosen_of(layers, machine, found, standing, objective, (stays, laid[-1]))
        rows = _beside(layers, counter, found, stay, (key, standing), effort)
        value = account_of(machine, rows, standing, {}).totals(layers.repeats)[_COLUMN[objective]]
        if best is None or value < best[0] * _LESS:
            best = value, stay, rows
    assert best is not None
    _, stay, rows = best
    if effort.schedule.name == REORDERED:
        stay = stay._replace(certificate=replace(stay.certificate, orders=laid[-1].orders))
    return stay, rows


_LAID: Final[dict[tuple[object, ...], tuple[Stays, ...]]] = {}
"""Schedules of a few networks: every configuration asks for the same ones."""


def _laid(layers: LayerTable, schedule: Schedule) -> tuple[Stays, ...]:
    """Lay out what a schedule asks for, once for a network."""
    asked = schedule._replace(edges=None)  # type: ignore[arg-type]  # what is left is told by its values
    key = (fingerprint_of(layers), fingerprint_of(schedule.edges), asked)
    if key not in _LAID:
        if len(_LAID) >= _MOST_LAID:
            _LAID.clear()
        _LAID[key] = schedules_of(layers, schedule)
    return _LAID[key]


def _beside(
    layers: LayerTable,
    counter: Counter,
    found: Sequence[Found],
    stay: Chosen,
    about: tuple[Key, tuple[float, float]],
    effort: Effort,
) -> list[Row]:
    """Rows beside the tensors that stay, each with the mapping found alone or with a better one beside them.

    `about` is the key under which mappings are kept, and what machine and main memory stand by with.
    """
    machine, (key, standing) = counter.machine, about
    rows = []
    for row, one in enumerate(found):
        kept = at(stay.shares, row)
        mine = counted(counter, layers, row, one, kept)
        whole = frozenset(operand for operand, share in kept.items() if share == 1.0)
        again_found = row not in effort.given and not minded(machine, densities_of(layers, row))
        if one.evaluation is not None and whole and again_found:
            other = remapped(layers, row, beside(machine, whole, float(stay.alive[row])), key, effort)
            if other is not None and other.evaluation is not None:
                again = counter.nest(layers, row, other.evaluation, kept)
                mine = _better(machine, (mine, again), standing, stay.weights)
        rows.append(mine)
    return rows


def _fused(
    layers: LayerTable, machine: LevelMachine, objective: str, effort: Effort
) -> tuple[Account, FusionSchedule | None]:
    """Account with the best fused groups, or with tensors that stay where those do better."""
    key = ("fused", key_of(machine, objective, effort), fingerprint_of(layers))
    if effort.kept is not None and key in effort.kept:
        known: tuple[Account, FusionSchedule | None] = effort.kept[key]
        return known
    begun = time.process_time()
    chained = effort.edges is not None and machine.fusion != ""
    alone_s = effort.limit_s / (2.0 if chained else 1.0)
    account = _account(layers, machine, objective, effort._replace(schedule=None, limit_s=alone_s))
    schedule: FusionSchedule | None = None
    if effort.edges is not None and machine.fusion and not account.carried["limit"].any():
        costs = account.operations()
        active_j = costs["energy_j"] - costs["static_energy_j"]
        schedule = fuse(
            layers,
            effort.edges,
            machine,
            [
                Alone(float(time_s), float(joules), optimal=bool(ended))
                for time_s, joules, ended in zip(
                    costs["latency_s"], active_j, account.carried["optimal"], strict=True
                )
            ],
            objective=objective,  # type: ignore[arg-type]
            static_w=sum(standing_w(machine)),
            seconds=max(0.0, effort.limit_s - (time.process_time() - begun)),
            fixed=tuple(effort.given),
            key=key[1],
        )
        for group in schedule.groups:
            for row, spent in zip(group.rows, group.spent, strict=True):
                write_row(account, row, spent.row)
        if machine.resident:
            asked = effort.schedule._replace(name="resident") if effort.schedule else None
            whole = _account(layers, machine, objective, effort._replace(schedule=asked))
            column = _COLUMN[objective]
            if whole.totals(layers.repeats)[column] < account.totals(layers.repeats)[column]:
                account, schedule = whole, None
    if effort.kept is not None:
        effort.kept[key] = account, schedule
    return account, schedule


def _better(
    machine: LevelMachine, rows: Sequence[Row], standing: tuple[float, float], weights: tuple[float, float]
) -> Row:
    """The row whose mapping is best for the schedule; the first of equal ones."""
    costs = account_of(machine, rows, standing, {}).operations()
    return rows[int(np.argmin(weights[0] * costs["latency_s"] + weights[1] * costs["energy_j"]))]


def _totals(layers: LayerTable, configs: LevelTable, c: int, account: Account) -> Mapping[str, float]:
    """Metrics of a network: sums over its operations, and what follows from them."""
    machine: LevelMachine = configs.machine[c]
    area = float(configs.array_area_mm2[c] + configs.buffer_area_mm2[c])
    found = {"area_mm2": area, "footprint_mm2": area, "temperature_c": math.nan}  # those of its tiers follow
    limit = next((int(code) for code in account.carried["limit"] if code), 0)
    if not limit and _stored_bytes(layers, machine) > machine.main_memory.capacity_bytes:
        limit = limits(machine).index("main_memory.capacity_bytes")
    found |= {"feasible": float(limit == 0), "limit": float(limit)}
    found["mappings_costed"] = float(account.carried["mappings_costed"].sum())
    if limit:
        return found | {name: math.nan for name in MetricTable._fields if name not in found}
    repeats = layers.repeats.astype(np.float64)
    costs, macs = account.totals(layers.repeats), float(repeats @ layers.macs)
    latency = costs["latency_s"]
    return (
        found
        | costs
        | {
            "utilisation": macs / (machine.macs * machine.clock_hz * latency) if latency else math.nan,
            "macs": macs,
            "effectual_macs": float(repeats @ layers.effectual_macs),
        }
    )


def _stored_bytes(layers: LayerTable, machine: LevelMachine) -> float:
    """Bytes of the operands of the largest operation, in words of main memory."""
    sizes = np.zeros(layers.rows)
    for operand, column in ELEMENTS.items():
        level: Level = nearest(machine, operand, off_chip=True)
        sizes += getattr(layers, column).astype(np.float64) * machine.word_bits(level) / 8.0
    return float(sizes.max())
