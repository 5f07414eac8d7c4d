"""Machines with one level on chip: compiled batches, every operation with its best mapping of two levels."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np

from hwmodels import batch
from hwmodels.accounting import Account
from hwmodels.columns import BOUNDS, LIMITS, ConfigTable, MetricTable
from hwmodels.components.ranges import range_notes
from hwmodels.kernels.accounting.account import EDGE
from hwmodels.machine import ALIGNED, BEST, ROUNDED, ZEROS, Axes, Effort, Least, Model
from hwmodels.packing import pack
from hwmodels.parts import OPERANDS
from hwmodels.residency.plan import Plan
from hwmodels.residency.tensors import Schedule
from hwmodels.spec import OUT_OF_STEP, Accelerator
from hwmodels.tiers import tier_table
from hwmodels.tiles import TileLists
from hwmodels.tiling import Tiling
from hwmodels.times import OperationTimes, operation_times
from hwmodels.unaware import UnawareTiles
from hwmodels.warming import coolest_c, warmed
from workloads.errors import InputError, WrongTypeError
from workloads.grammar.quantities import binary_bytes
from workloads.table import FloatColumn, IntColumn, LayerTable, fingerprint, take_rows, without_masks

if TYPE_CHECKING:
    import pandas

_SECONDS_A_CHOICE: Final = 7e-10
"""Typical time of one choice of tiles of the mapspace on one core."""
_SECONDS_A_SPARSE_CHOICE: Final = 9e-10
"""The same on a machine that skips or gates."""

_TILES: dict[tuple[str, bool], TileLists] = {}
_TILES_KEPT: Final = 64


def tiles_of(layers: LayerTable, *, halved: bool = False) -> TileLists:
    """The network's mapspace, made once a process: a task brings its own copy of the layer table."""
    key = fingerprint(layers), halved
    if key not in _TILES:
        if len(_TILES) >= _TILES_KEPT:
            _TILES.clear()
        _TILES[key] = TileLists(layers, halved=halved)
    return _TILES[key]


def _bound(value: FloatColumn, limit: IntColumn) -> FloatColumn:
    """A bound from the best configuration's cost: infinite where no buffer fits, 0 where it says nothing.

    Other limits than a buffer's size, such as a tier's temperature, may spare a worse configuration.
    """
    buffers = np.array([name.startswith("buffers.") for name in LIMITS])[limit]
    return np.asarray(np.where(limit == 0, value * ROUNDED, np.where(buffers, np.inf, 0.0)))


def _given(effort: Effort) -> batch.Given:
    """Mappings given, each of them a tiling."""
    for mapping in effort.given.values():
        if not isinstance(mapping, Tiling):
            raise WrongTypeError(
                "mappings: one of a machine with one level on chip is a hwmodels.Tiling, got "
                f"{type(mapping).__name__}",
                path="mappings",
            )
    return effort.given


def _refuse_given(effort: Effort) -> None:
    """Refuse mappings given beside tensors that stay, whose tiles the schedule chooses."""
    if effort.given:
        raise InputError(
            'mappings: schedule "resident" chooses the tiles of a machine with one level on chip itself; '
            'give them with schedule "layers"',
            path="mappings",
        )


class TwoLevel(Model):
    """The model of `hwmodels.Accelerator`; see `docs/architecture.md`, "The two-level model of a sweep"."""

    name = "two levels"
    columns = tuple(name for name in MetricTable._fields if name not in ("feasible", "limit"))
    bounded = True
    monotone = True
    perturbable = True
    tells = True
    maps = True
    searches = False
    switches: tuple[str, ...] = (ALIGNED, ZEROS)

    def limits(self, machine: Accelerator) -> tuple[str, ...]:
        """Buffers, tiers, main memory: the same names for every machine of two levels."""
        return LIMITS

    def bounds(self, machine: Accelerator) -> tuple[str, ...]:
        """Array, ports, main memory, lanes, front end."""
        return BOUNDS

    def pack(self, base: Accelerator, axes: Axes | None = None, size: int = 1) -> ConfigTable:
        """See `hwmodels.packing.pack`."""
        return pack(base, axes, size)

    def evaluate(
        self, layers: LayerTable, configs: ConfigTable, objective: str = "edp", effort: Effort = BEST
    ) -> MetricTable:
        """See `hwmodels.batch.evaluate`."""
        halved = ALIGNED in effort.without
        if effort.schedule is not None:
            _refuse_given(effort)
            if ZEROS in effort.without:
                raise InputError(
                    f"without: {ZEROS} is switched off layer by layer alone, not beside a schedule"
                )
            return batch.evaluate(layers, configs, objective, schedule=effort.schedule, halved=halved)
        if not effort.given:
            layers = without_masks(layers)
        tiles = tiles_of(layers, halved=halved)
        if ZEROS in effort.without:
            tiles = UnawareTiles(layers, objective, tiles)
        return batch.evaluate(layers, configs, objective, tiles=tiles, given=_given(effort))

    def least(self, layers: LayerTable, configs: ConfigTable, schedule: Schedule | None = None) -> Least:
        """Least latency and energy that any mapping and schedule reaches."""
        fastest, thriftiest = (
            self._best(layers, configs, objective, schedule) for objective in ("latency", "energy")
        )
        return Least(
            _bound(fastest.latency_s, fastest.limit),
            _bound(thriftiest.energy_j, thriftiest.limit),
            np.nan_to_num(fastest.area_mm2, nan=0.0),
            np.nan_to_num(fastest.footprint_mm2, nan=0.0),
        )

    def _best(
        self, layers: LayerTable, configs: ConfigTable, objective: str, schedule: Schedule | None
    ) -> MetricTable:
        given = np.zeros_like(configs.leakage_curve)  # at ambient, the least there is
        configs = configs._replace(leakage_curve=given)
        if schedule is None:
            layers = without_masks(layers)
            return batch.evaluate(layers, configs, objective, tiles=tiles_of(layers))
        return batch.evaluate(layers, configs, objective, schedule=schedule._replace(relaxed=True))

    def account(
        self,
        layers: LayerTable,
        configs: ConfigTable,
        objective: str = "edp",
        row: int = 0,
        effort: Effort = BEST,
    ) -> Account:
        """See `hwmodels.batch.account_operations`."""
        beside = None
        if configs.leakage_curve[row]:
            configs, row = self._as_warm(layers, configs, objective, row, effort), 0
        if effort.schedule is not None:
            _refuse_given(effort)
            beside = batch.beside_of(layers, configs, objective, row, effort.schedule)
        return batch.account_operations(
            layers,
            configs,
            objective,
            row=row,
            tiles=tiles_of(layers),
            beside=beside,
            given=_given(effort),
        )

    def _as_warm(
        self, layers: LayerTable, configs: ConfigTable, objective: str, row: int, effort: Effort
    ) -> ConfigTable:
        """One configuration with leakage at the temperature that its work makes; at ambient if none does."""
        one = take_rows(configs, slice(row, row + 1))
        unlimited = one._replace(temperature_limit_c=np.zeros(1))
        heat = self.evaluate(layers, unlimited, objective, effort).temperature_c
        return warmed(one, np.nan_to_num(heat, nan=coolest_c()))._replace(
            leakage_curve=np.zeros(1, dtype=np.int64)
        )

    def plan(
        self,
        layers: LayerTable,
        configs: ConfigTable,
        objective: str = "edp",
        row: int = 0,
        effort: Effort = BEST,
    ) -> Plan:
        """See `hwmodels.batch.plan_of`."""
        assert effort.schedule is not None
        return batch.plan_of(layers, configs, objective, row, effort.schedule)

    def times(
        self, layers: LayerTable, configs: ConfigTable, objective: str, effort: Effort = BEST
    ) -> OperationTimes:
        """See `hwmodels.times.operation_times`; under a schedule, those of each configuration's account."""
        if effort.schedule is None:
            return operation_times(layers, configs, objective, tiles_of(layers))
        found = OperationTimes(*np.empty((3, configs.size, layers.rows)))
        for c in range(configs.size):
            account = self.account(layers, configs, objective, c, effort)
            costs = account.operations()
            found.chip_s[c], found.dram_s[c] = costs["compute_s"], costs["dram_s"]
            found.edge_s[c] = account.sheet.waits[:, EDGE]
        return found

    def tiers(self, configs: ConfigTable, metrics: MetricTable) -> "pandas.DataFrame":
        """See `hwmodels.tiers.tier_table`."""
        return tier_table(configs, metrics)

    def seconds_a_point(self, layers: LayerTable, configs: ConfigTable) -> float:
        """Choices of tiles times the typical time of one; longer where zeros are skipped."""
        choices = max(160.0, float(tiles_of(layers).choices(configs).mean()))
        sparse = int(np.count_nonzero((configs.weight_mode > 0) | (configs.input_mode > 0)))
        dense = configs.size - sparse
        return (
            choices * (_SECONDS_A_CHOICE * dense + _SECONDS_A_SPARSE_CHOICE * sparse) / max(1, configs.size)
        )

    def keeper(self, machine: Accelerator) -> str:
        """Buffers that may keep tensors."""
        return ", ".join(f"buffers.{name}" for name in machine.buffers.keepers)

    def handing(self, machine: Accelerator) -> str:
        """None: operations hand on whole tensors."""
        return ""

    def fusion(self, layers: LayerTable, machine: Accelerator, objective: str, effort: Effort) -> None:
        """Nothing is fused."""

    def summary(self, machine: Accelerator) -> dict[str, str]:
        """Edges, dataflow, bytes of the buffers."""
        sizes = [getattr(machine.buffers, name).bytes for name in (*OPERANDS, "shared")]
        return {
            "array": f"{machine.array.rows}×{machine.array.cols}",
            "flow": machine.array.dataflow.short,
            "on chip": binary_bytes(sum(sizes)),
        }

    def premises(self, machine: Accelerator, layers: LayerTable, swept: Sequence[str]) -> list[str]:
        """Process, widths, buffering, mapspace and memory, as far as no axis sweeps them."""
        said = []
        if "technology.node_nm" not in swept:
            said += [f"{machine.technology.node_nm:g} nm", *range_notes(machine.technology)]
        if not any(path.startswith("datapath") for path in swept):
            said.append(machine.datapath.widths)
        overlap = "double-buffered" if machine.buffers.double_buffered else "single-buffered"
        said.append(f"two storage levels, {overlap}")
        space = "aligned tiles, even storage, any loop order"
        said.append(f"best of {batch.mapspace(layers, machine):,} mappings ({space}) on {machine.name}")
        moved = any(path.startswith("sparsity") for path in swept)
        if moved and machine.array.interconnect == "systolic" and OUT_OF_STEP not in machine.assumptions:
            said.append(f"where they are skipped at all, {OUT_OF_STEP}")
        if "main_memory" not in swept:
            said.append(f"main memory {machine.main_memory.name}")
        said.append("energy includes main memory; area is the accelerator die's alone")
        return said


TWO_LEVEL: Final = TwoLevel()
