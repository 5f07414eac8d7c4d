"""A machine from a template of ten parameters: groups of MACs, banks of memory, tiles, a loop order.

The parameters are those of the software-defined design-space exploration of Yu, Li, Che, Jha and Zhang (IEEE
Trans. Computers 70(1), 2021): one tiling and one loop order serve every layer of every network, so that the
choice of a machine is a compromise. The paper prints neither its equations nor its constants; the formulas
(`hwmodels.kernels.template.template`) and the component costs are this project's.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from hwmodels import lines
from hwmodels.accounting import Account, blank_sheet
from hwmodels.batch import check_layers
from hwmodels.checks import positive, whole
from hwmodels.columns import BOUNDS
from hwmodels.components import arithmetic
from hwmodels.components.leakage import leakage_at
from hwmodels.components.main_memory import MainMemory, main_memory
from hwmodels.components.prices import unpriced
from hwmodels.components.sram import DEVICES, leakage_of_class, sram
from hwmodels.composed import check_path, fingerprint, paths, replaced
from hwmodels.costs import PLACED, mac_of
from hwmodels.formats import number_format
from hwmodels.kernels.template import template as kernels
from hwmodels.kernels.template.columns import TemplateMetrics, TemplateTable
from hwmodels.own_macs import code_of
from hwmodels.parts import NUMBER_FORMATS, Datapath, Technology
from hwmodels.technology import nominal_voltage
from hwmodels.written import Saved
from workloads.errors import InputError, shown
from workloads.grammar.arguments import MAPPING, takes
from workloads.table import IntColumn, LayerTable, make_table

if TYPE_CHECKING:
    from hwmodels.machine import Model

USUAL_PATHS: Final = ("groups", "tile_of", "main_memory")
"""What is named where no path is near."""

LOOP_ORDERS: Final = ("of_if_xy", "of_xy_if", "if_of_xy", "if_xy_of", "xy_of_if", "xy_if_of")
"""Orders of the tile loops over output channels, input channels and positions, the outermost first."""

_COUNTS: Final = (
    "groups",
    "macs_per_group",
    "bank_height",
    "bank_width_bits",
    "weight_banks",
    "input_banks",
    "tile_if",
    "tile_ix",
    "tile_iy",
    "tile_of",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Template(Saved):
    """A machine of the template.

    Parameters
    ----------
    loop_order
        One of `LOOP_ORDERS`.
    groups, macs_per_group
        Groups work on different output channels, the MACs of a group on input channels of one output.
    bank_height, bank_width_bits
        Words of a bank, and bits of a word; every bank is read once a cycle.
    weight_banks, input_banks
        Banks of each kind a group. Activation banks also hold the partial sums of a tile, and send their
        words to all groups. Half of a bank holds the tile in use, half the next one.
    tile_if, tile_ix, tile_iy, tile_of
        Input channels, output columns, output rows and output channels of a tile.
    source, assumptions
        Where it comes from, and what its figures rest on.

    """

    KIND: ClassVar[str] = "template"  # what its machine file begins with
    name: str = "template"
    loop_order: str = "of_if_xy"
    groups: int = 16
    macs_per_group: int = 16
    bank_height: int = 1024
    bank_width_bits: int = 64
    weight_banks: int = 2
    input_banks: int = 1
    tile_if: int = 64
    tile_ix: int = 14
    tile_iy: int = 14
    tile_of: int = 64
    clock_hz: float = 800e6
    datapath: Datapath = dataclasses.field(default_factory=Datapath)
    technology: Technology = dataclasses.field(default_factory=Technology)
    main_memory: MainMemory = dataclasses.field(default_factory=lambda: main_memory("lpddr4"))
    source: str = "formulas and constants of this project (assumed)"
    assumptions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        whole(self, *_COUNTS)
        positive(self, "clock_hz")
        if self.loop_order not in LOOP_ORDERS:
            raise InputError(
                f"Template.loop_order must be one of {', '.join(LOOP_ORDERS)}, got {shown(self.loop_order)}",
                path="loop_order",
            )
        if isinstance(self.main_memory, str):
            object.__setattr__(self, "main_memory", main_memory(self.main_memory))
        if self.technology.settled:
            raise InputError(
                "Template.technology.settled: a template has no tiers, from which heat follows; give "
                "Template.technology.temperature_c",
                path="technology.settled",
            )
        name = self.datapath.number_format
        if name != "int" and number_format(name).block > 1:
            raise InputError(
                "Template.datapath.number_format: its banks have no room for the scales that elements of "
                f"{name} share; take a format without, or a machine of two levels",
                path="datapath.number_format",
            )

    @takes(changes=MAPPING)
    def replace(self, changes: Mapping[str, Any]) -> "Template":
        """Return a copy with the fields at dotted paths replaced.

        Raises
        ------
        ValueError
            If a path is unknown or a part refuses its value.

        """
        known = paths(self)
        for path in changes:
            check_path(known, path, USUAL_PATHS)
        changed: Template = replaced(self, dict(changes))
        return changed

    @property
    def model(self) -> "Model":
        """How templates are costed."""
        from hwmodels.models.template import TEMPLATE

        return TEMPLATE

    def paths(self) -> dict[str, Any]:
        """Every dotted path with its value; see `hwmodels.composed.paths`."""
        return paths(self)

    def fingerprint(self) -> str:
        """Hash of all but name, source and assumptions; see `hwmodels.composed.fingerprint`."""
        return fingerprint(self)


def pack_templates(
    base: Template, axes: Mapping[str, tuple[Sequence[Any], IntColumn]] | None = None, size: int = 1
) -> TemplateTable:
    """Turn a template and columns of axis values into the table that the kernel reads.

    Parameters
    ----------
    base
        The machine that every configuration starts from.
    axes
        Dotted path -> (choices, codes): the values an axis may take, and for each configuration the index of
        the one it takes, shape (size,).
    size
        Number of configurations.

    Returns
    -------
    TemplateTable
        Columns of shape (size,).

    Raises
    ------
    ValueError
        If a path is unknown or a part refuses a value.

    """
    columns = _leaves(base)
    for path in sorted(axes or {}, key=lambda path: path.count(".")):
        choices, codes = (axes or {})[path]
        below = [_leaves(base.replace({path: choice})) for choice in choices]
        for leaf in below[0]:
            if leaf == path or leaf.startswith(path + "."):
                columns[leaf] = np.array([one[leaf] for one in below])[codes]
    values = {name: np.broadcast_to(np.asarray(column), size) for name, column in columns.items()}
    return _costed(values, size)


def _leaves(machine: Template) -> dict[str, Any]:
    """Numbers of a machine by dotted path; words by their codes."""
    numbers = {
        path: value for path, value in paths(machine).items() if isinstance(value, int | float | np.integer)
    }
    words = {
        "datapath.mac_unit": code_of(machine.datapath.mac_unit),
        "datapath.number_format": NUMBER_FORMATS[machine.datapath.number_format],
        "loop_order": LOOP_ORDERS.index(machine.loop_order),
        "technology.device": DEVICES.index(machine.technology.device),
    }
    own = {f"technology.prices.{what}": factor for what, factor in machine.technology.price_factors.items()}
    return numbers | words | own


def _costed(values: Mapping[str, Any], size: int) -> TemplateTable:
    """Capacities, ports, energies, leakage and area from the components."""
    node_nm, asked_v = values["technology.node_nm"], values["technology.voltage"]
    voltage = np.where(asked_v > 0, asked_v, nominal_voltage(node_nm))
    bits = {name: values[f"datapath.{name}_bits"] for name in ("weight", "input", "output", "accumulator")}
    mac = mac_of(values, bits, node_nm, voltage)
    held = arithmetic.register(bits["weight"] + bits["input"] + bits["accumulator"], node_nm, voltage)
    # As floats: products of counts up to 2**52 are no int64.
    groups, width, height, of_group, weight_banks, input_banks = (
        np.asarray(values[name], dtype=np.float64)
        for name in (
            "groups", "bank_width_bits", "bank_height", "macs_per_group", "weight_banks", "input_banks",
        )
    )  # fmt: skip
    bank_bytes = height * width / 8.0
    device = values["technology.device"]
    warm = leakage_at(values["technology.temperature_c"], node_nm, device)
    bank = sram(bank_bytes, width, node_nm, voltage=voltage, device=device)
    own = {what: values[f"technology.prices.{what}"] for what in unpriced()}
    macs = groups * of_group
    banks = groups * (weight_banks + input_banks)
    bandwidth = values["main_memory.bandwidth_bytes_per_s"] * values["main_memory.efficiency"]
    table = {
        "order": values["loop_order"],
        "groups": values["groups"],
        "macs_per_group": values["macs_per_group"],
        **{name: values[name] for name in ("tile_if", "tile_ix", "tile_iy", "tile_of", "clock_hz")},
        **{f"{name}_bits": width_bits for name, width_bits in bits.items()},
        "weight_capacity_bytes": groups * weight_banks * bank_bytes,
        "input_capacity_bytes": groups * input_banks * bank_bytes,
        "weight_bytes_per_cycle": weight_banks * width / 8.0,
        "input_bytes_per_cycle": groups * input_banks * width / 8.0,
        "dram_read_bytes_per_s": bandwidth,
        "dram_write_bytes_per_s": bandwidth * values["main_memory.write_share"],
        "mac_pj": mac.energy_pj + held.energy_pj,
        **{
            f"{name}_read_pj_per_byte": own["sram.read_pj"] * bank.read_pj_per_byte
            for name in ("weight", "input")
        },
        **{
            f"{name}_write_pj_per_byte": own["sram.write_pj"] * bank.write_pj_per_byte
            for name in ("weight", "input")
        },
        **{
            f"dram_{action}_pj_per_byte": 8.0
            * (values[f"main_memory.{action}_pj_per_bit"] + values["main_memory.interface_pj_per_bit"])
            for action in ("read", "write")
        },
        "leakage_w": warm * macs * (mac.leakage_w + held.leakage_w) * leakage_of_class(device, node_nm)
        + warm * banks * own["sram.leakage_w"] * bank.leakage_w,
        "dram_background_w": values["main_memory.background_w"] + values["main_memory.refresh_w"],
        "area_mm2": macs * (mac.area_um2 + held.area_um2) / PLACED * 1e-6
        + banks * own["sram.area_mm2"] * bank.area_mm2
        + values["main_memory.interface_mm2"],
    }
    return make_table(TemplateTable, table, size)


def evaluate_templates(layers: LayerTable, configs: TemplateTable) -> TemplateMetrics:
    """Cost templates on one network.

    Parameters
    ----------
    layers
        Lowered network, best deduplicated; columns of shape (n_operations,). Densities are not used.
    configs
        Machines; columns of shape (n_configs,).

    Returns
    -------
    TemplateMetrics
        Columns of shape (n_configs,). Serial and without the interpreter's lock.

    Raises
    ------
    ValueError
        If the layer table is refused.

    """
    check_layers(layers)
    out = make_table(TemplateMetrics, {}, configs.size)
    kernels.evaluate_templates(layers, configs, blank_sheet(lines.TEMPLATE, BOUNDS, 1), out)
    return out


def account_templates(layers: LayerTable, configs: TemplateTable, row: int = 0) -> Account:
    """Account of one instance of every operation on one template; errors as of `evaluate_templates`."""
    check_layers(layers)
    sheet = blank_sheet(lines.TEMPLATE, BOUNDS, layers.rows)
    carried, limits = np.empty((3, layers.rows)), np.zeros(layers.rows, dtype=np.int64)
    kernels.account_operations(layers, configs, row, sheet, carried, limits)
    names = ("compute_cycles", "dram_read_bytes", "dram_write_bytes")
    return Account(lines.TEMPLATE, BOUNDS, sheet, {**dict(zip(names, carried, strict=True)), "limit": limits})
