"""The doors to the kernels: tables in, tables out, checked on the way."""

import numpy as np

from hwmodels.columns import ConfigTable, MetricTable, OperationTable
from hwmodels.exact import check_counts
from hwmodels.feasibility import broken_by_architecture
from hwmodels.kernels.two_level import evaluate as kernels
from hwmodels.packing import pack
from hwmodels.spec import Accelerator
from hwmodels.tiers import apply_tiers
from hwmodels.tiles import TileLists
from workloads.errors import InputError, InputIndexError, shown
from workloads.table import LayerTable, make_table, take_rows

OBJECTIVES = ("latency", "energy", "edp")
"""What a mapping may be chosen by, in the order of the kernels' codes."""


def objective_code(objective: str) -> int:
    """Code of a mapping objective, or a ValueError that lists them."""
    if objective not in OBJECTIVES:
        raise InputError(f"mapping objective must be one of {', '.join(OBJECTIVES)}, got {shown(objective)}")
    return OBJECTIVES.index(objective)


def check_layers(layers: LayerTable) -> None:
    """Refuse a table that a kernel would misread: ragged, empty, or with counts too large to be exact."""
    lengths = {column.size for column in layers}
    if len(lengths) != 1 or 0 in lengths:
        raise InputError(f"LayerTable: columns need one common, nonzero length, got {sorted(lengths)}")
    for name in (
        "n",
        "g",
        "k",
        "c",
        "p",
        "q",
        "r",
        "s",
        "stride_p",
        "stride_q",
        "dilation_r",
        "dilation_s",
        "repeats",
    ):
        column = getattr(layers, name)
        if column.min() < 1:
            row = int(column.argmin())
            raise InputError(f"LayerTable.{name}[{row}] must be at least 1, got {int(column[row])}")
    for name in ("weight_density", "input_density", "output_density"):
        column = getattr(layers, name)
        inside = (column > 0.0) & (column <= 1.0)
        if not inside.all():
            row = int(np.argmin(inside))
            raise InputError(f"LayerTable.{name}[{row}] must be in (0, 1], got {shown(float(column[row]))}")
    check_counts(layers)


def evaluate(
    layers: LayerTable,
    configs: ConfigTable,
    objective: str = "edp",
    *,
    tiles: TileLists | None = None,
    start: int = 0,
    stop: int | None = None,
) -> MetricTable:
    """Cost configurations start:stop on one network, every operation with its best mapping.

    Parameters
    ----------
    layers
        Lowered network, best deduplicated; columns of shape (n_operations,).
    configs
        Accelerators; columns of shape (n_configs,).
    objective
        What each operation's mapping is chosen by: "latency", "energy" or "edp" of that operation.
    tiles
        `TileLists(layers)` where the caller keeps them; made here otherwise.
    start, stop
        Range of configurations; to the end where `stop` is None.

    Returns
    -------
    MetricTable
        Columns of shape (stop - start,). Serial and without the interpreter's lock: thread over ranges.

    Raises
    ------
    ValueError
        If the layer table or the objective is refused.

    """
    check_layers(layers)
    code = objective_code(objective)
    stop = configs.size if stop is None else stop
    taken = take_rows(configs, slice(start, stop))
    lists = TileLists(layers) if tiles is None else tiles
    out = make_table(MetricTable, {}, stop - start)
    out.limit[:] = broken_by_architecture(layers, taken)
    if not out.limit.any():
        _evaluate_batch(layers, lists, taken, code, out)
    else:
        _evaluate_sound(layers, lists, taken, code, out)
    apply_tiers(taken, out)
    return out


def _evaluate_batch(
    layers: LayerTable, lists: TileLists, configs: ConfigTable, objective: int, out: MetricTable
) -> None:
    """Cost configurations in an order in which those that are alike follow one another."""
    tiles = lists.table(configs)
    alike = np.lexsort(
        (
            configs.shared_capacity_bytes,
            configs.output_capacity_bytes,
            configs.input_capacity_bytes,
            configs.weight_capacity_bytes,
            tiles.c_list,
            tiles.k_list,
            tiles.m_list,
        )
    )
    kernels.evaluate_batch(layers, tiles, configs, alike, objective, out)


def _evaluate_sound(
    layers: LayerTable, lists: TileLists, configs: ConfigTable, objective: int, out: MetricTable
) -> None:
    """Cost the configurations without a limit in `out`; the others have an area and no costs."""
    sound = np.flatnonzero(out.limit == 0)
    costed = make_table(MetricTable, {}, sound.size)
    taken = take_rows(configs, sound)
    _evaluate_batch(layers, lists, taken, objective, costed)
    for name in MetricTable._fields:
        column = getattr(out, name)
        if name not in ("feasible", "limit"):
            column[:] = np.nan
        column[sound] = getattr(costed, name)
    out.area_mm2[:] = configs.array_area_mm2 + configs.buffer_area_mm2
    out.mappings_costed[out.limit > 0] = 0.0


def evaluate_operations(
    layers: LayerTable,
    accelerator: Accelerator | ConfigTable,
    objective: str = "edp",
    *,
    row: int = 0,
    tiles: TileLists | None = None,
) -> OperationTable:
    """Cost one instance of every operation on one accelerator, with the mapping chosen for it.

    Parameters
    ----------
    layers
        Lowered network; columns of shape (n_operations,). Not deduplicated: one row out for each row in.
    accelerator
        The machine; or a table of machines, for a caller that asks for many.
    objective
        What mappings are chosen by: "latency", "energy" or "edp".
    row
        Which machine of the table.
    tiles
        `TileLists(layers)` where the caller keeps them; made here otherwise.

    Returns
    -------
    OperationTable
        Columns of shape (n_operations,).

    Raises
    ------
    ValueError
        If the layer table or the objective is refused.
    IndexError
        If the table has no such row.

    """
    check_layers(layers)
    code = objective_code(objective)
    configs = accelerator if isinstance(accelerator, ConfigTable) else pack(accelerator)
    if not 0 <= row < configs.size:
        raise InputIndexError(
            f"row {row} is outside the {configs.size:,} configurations of the table", path="row"
        )
    out = make_table(OperationTable, {}, layers.rows)
    lists = TileLists(layers) if tiles is None else tiles
    kernels.evaluate_operations(layers, lists.table(configs), configs, row, code, out)
    return out


def mapspace(layers: LayerTable, accelerator: Accelerator | ConfigTable) -> int:
    """Mappings that a network is searched over, the sum over its rows; the most of any machine given."""
    configs = accelerator if isinstance(accelerator, ConfigTable) else pack(accelerator)
    return int(TileLists(layers).mappings(configs).max())
