"""One network on one accelerator, operation by operation."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

import hwmodels
from dse.metrics import columns
from dse.results.frames import categories
from dse.run.network import Network, load_network, network_table
from hwmodels.columns import BOUNDS, LIMITS, ConfigTable, MetricTable
from hwmodels.spec import Accelerator
from hwmodels.tiers import tier_table
from workloads.table import Kind, LayerTable, deduplicate

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False)
class Result:
    """What a network costs on an accelerator. Made by `dse.evaluate`."""

    network: str
    accelerator: Accelerator
    mapping_objective: str
    layers: LayerTable
    names: tuple[str, ...]

    @cached_property
    def operations(self) -> "pandas.DataFrame":
        """One row an operation: latency, energy, traffic, what bounds it, and the mapping chosen for it."""
        import pandas

        table = hwmodels.evaluate_operations(self.layers, self.accelerator, self.mapping_objective)
        frame = pandas.DataFrame(
            {"operation": self.names, "kind": [Kind(kind).name.lower() for kind in self.layers.kind]}
        )
        frame["repeats"] = self.layers.repeats
        frame["macs"] = self.layers.macs * self.layers.repeats
        for name, column in zip(table._fields, table, strict=True):
            frame[name] = column
        frame["bound"] = categories(table.bound, BOUNDS)
        frame["limit"] = categories(table.limit, LIMITS)
        return frame

    @cached_property
    def _costed(self) -> tuple[ConfigTable, MetricTable]:
        """The machine's row of the configuration table, and the network's metrics on it."""
        unique, _ = deduplicate(self.layers)
        configs = hwmodels.pack(self.accelerator, {}, 1)
        return configs, hwmodels.evaluate(unique, configs, self.mapping_objective)

    @cached_property
    def totals(self) -> "pandas.Series":
        """The network's metrics, `feasible`, and `limit` where it is not."""
        import pandas

        _, table = self._costed
        totals: dict[str, object] = {name: float(getattr(table, name)[0]) for name in columns()}
        totals["feasible"] = bool(table.feasible[0])
        totals["limit"] = LIMITS[int(table.limit[0])]
        return pandas.Series(totals, name=self.accelerator.name)

    def tiers(self) -> "pandas.DataFrame":
        """Area, power, power density and temperature of each tier; see `hwmodels.tiers.tier_table`."""
        return tier_table(*self._costed)

    @property
    def feasible(self) -> bool:
        """Whether the accelerator can run the network at all."""
        return bool(self.totals["feasible"])

    def bottlenecks(self) -> "pandas.DataFrame":
        """What the latency waits for: shares of latency and energy by bound, and the longest operation."""
        import pandas

        table = self.operations
        repeats = np.asarray(self.layers.repeats)
        seconds = table["latency_s"].to_numpy() * repeats
        joules = table["energy_j"].to_numpy() * repeats
        rows = {}
        for code, bound in enumerate(BOUNDS):
            members = np.flatnonzero(table["bound"].cat.codes.to_numpy() == code)
            if not len(members):
                continue
            longest = members[seconds[members].argmax()]
            rows[bound] = {
                "operations": int(repeats[members].sum()),
                "latency_s": seconds[members].sum(),
                "latency_share": seconds[members].sum() / seconds.sum(),
                "energy_share": joules[members].sum() / joules.sum(),
                "longest": self.names[longest],
                "longest_s": seconds[longest],
            }
        frame = pandas.DataFrame.from_dict(rows, orient="index").rename_axis(index="bound")
        return frame.sort_values("latency_s", ascending=False)

    def __repr__(self) -> str:
        from dse.views.text import result_text

        return result_text(self)

    def _repr_html_(self) -> str:
        from dse.views.text import html_note

        return html_note(
            f"{self.network} on {self.accelerator.name}", self.totals.to_frame(), self.bottlenecks()
        )


def evaluate(
    network: Network | str | LayerTable,
    accelerator: Accelerator | str,
    batch: int | None = None,
    *,
    mapping_objective: str = "edp",
) -> Result:
    """Cost a network on an accelerator, every operation with its best mapping.

    Parameters
    ----------
    network
        A network, a built-in network's name, the path of an ONNX file, or a layer table.
    accelerator
        An accelerator, or a preset's name.
    batch
        Inputs at once; by default the network's own batch.
    mapping_objective
        What each operation's mapping minimises: "edp", "latency" or "energy".

    Returns
    -------
    Result
        `.operations` (DataFrame), `.totals` (Series), `.bottlenecks()` (DataFrame).

    Raises
    ------
    KeyError
        If a network or an accelerator of that name is not known.
    ValueError
        If the batch or the mapping objective is refused.

    """
    machine = hwmodels.load(accelerator) if isinstance(accelerator, str) else accelerator
    if isinstance(network, str):
        network = load_network(network, batch=batch)
    name, layers = network_table(network, batch)
    if mapping_objective not in hwmodels.OBJECTIVES:
        known = ", ".join(hwmodels.OBJECTIVES)
        raise ValueError(f"mapping objective must be one of {known}, got {mapping_objective!r}")
    return Result(name, machine, mapping_objective, layers, operation_names(network, layers))


def operation_names(network: object, layers: LayerTable) -> tuple[str, ...]:
    """Name of each row of a layer table, where the network knows them."""
    names = getattr(network, "row_names", None)
    if names is None or len(names) != layers.rows:
        return tuple(f"operation {i}" for i in range(layers.rows))
    return tuple(str(name) for name in names)
