"""How prices follow the node: logic energy through published points, bit cells, flip-flops.

Polynomials fitted to inverter chains (Stillmaker-Baas, `hwmodels.technology`) put an int8 multiplication at 7
nm at 0.07 of its energy at 45 nm; Jouppi et al. (ISCA 2021, table 2) print 0.35. Energies of logic and SRAM
therefore run through published points between 45 and 7 nm, and follow the polynomials beyond 45 nm, below 7
nm and in voltage at one node. Areas of logic follow Stillmaker-Baas, those of SRAM the published bit cells.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike

from hwmodels import technology
from hwmodels.components.tables import Floats, column, floats, read

LARGE_NM, SMALL_NM = 45.0, 7.0
"""The nodes whose operations are published one by one."""


@cache
def _curve() -> tuple[Floats, Floats]:
    """Logarithms of nodes, ascending, and of logic energy there at the nominal voltage."""
    rows = sorted(read("logic_energy"), key=lambda row: float(row["node_nm"]))
    nodes = column(rows, "node_nm")
    given = [at_nominal(float(row["relative"]), row) for row in rows]
    return np.log(nodes), np.log(given)


def at_nominal(energy: float, row: dict[str, str]) -> float:
    """Energy of a table's row moved from its voltage, nominal where empty, to the node's nominal voltage."""
    volts = float(row["voltage"]) if row["voltage"] else None
    node = float(row["node_nm"])
    return energy * float(technology.scale_energy(node, node, volts, None))


def _log_energy(node_nm: Floats) -> Floats:
    """Logarithm of logic energy at the nominal voltage: published points, the polynomials beyond them."""
    logs, energies = _curve()
    inside = np.clip(node_nm, np.exp(logs[0]), np.exp(logs[-1]))
    beyond = np.log(technology.scale_energy(inside, node_nm))
    return np.asarray(np.interp(np.log(node_nm), logs, energies) + beyond)


def voltage_factor(node_nm: ArrayLike, voltage: ArrayLike | None) -> Floats:
    """Energy at a voltage over that at the node's nominal one (Stillmaker-Baas)."""
    if voltage is None:
        return np.ones_like(floats(node_nm))
    return technology.scale_energy(node_nm, node_nm, None, voltage)


def logic_energy(
    from_nm: ArrayLike,
    to_nm: ArrayLike,
    from_v: ArrayLike | None = None,
    to_v: ArrayLike | None = None,
) -> Floats:
    """Factor on the dynamic energy of logic moved from one node and voltage to another.

    Parameters
    ----------
    from_nm, to_nm
        Nodes in nanometres, 5 to 180; arrays broadcast.
    from_v, to_v
        Supply voltages in volts; None is the node's nominal voltage.

    Returns
    -------
    ndarray
        Energy at the target over energy at the origin.

    Raises
    ------
    ValueError
        If a node is outside the tables or a voltage outside the fitted polynomial.

    Notes
    -----
    Points of `data/logic_energy.csv`, log-log between them; never rising towards smaller nodes.

    Examples
    --------
    >>> round(float(logic_energy(45, 7, 0.9)), 3)
    0.354

    """
    technology.nominal_voltage(from_nm), technology.nominal_voltage(to_nm)  # refuses other nodes
    moved = np.exp(_log_energy(floats(to_nm)) - _log_energy(floats(from_nm)))
    return np.asarray(moved * voltage_factor(to_nm, to_v) / voltage_factor(from_nm, from_v))


def between(
    at_large: ArrayLike, at_small: ArrayLike, node_nm: ArrayLike, voltage: ArrayLike | None
) -> Floats:
    """Energy of a component whose prices at 45 and at 7 nm are published, at another node and voltage.

    Parameters
    ----------
    at_large, at_small
        Picojoules at 45 and at 7 nm, each at the node's nominal voltage.
    node_nm, voltage
        Node in nanometres, 5 to 180, and supply in volts, None for the nominal one.

    Returns
    -------
    ndarray
        Picojoules, of the broadcast shape.

    Notes
    -----
    Between the two the way down is that of `logic_energy`; beyond them its factor holds.

    """
    technology.nominal_voltage(node_nm)  # refuses other nodes
    node = floats(node_nm)
    inside = np.clip(node, SMALL_NM, LARGE_NM)
    here, large, small = (_log_energy(floats(value)) for value in (inside, LARGE_NM, SMALL_NM))
    share = (here - large) / (small - large)
    spent = np.exp((1 - share) * np.log(floats(at_large)) + share * np.log(floats(at_small)))
    return np.asarray(spent * np.exp(_log_energy(node) - here) * voltage_factor(node, voltage))


def log_log(table: str, quantity: str, node_nm: ArrayLike) -> Floats:
    """Interpolate a quantity of a table log-log in the node; the outermost entries' value beyond them.

    Rows that leave the quantity empty are passed over.

    Examples
    --------
    >>> float(log_log("sram_cell", "cell_um2", 28).round(6))
    0.127

    """
    nodes, values = _points(table, quantity)
    return np.asarray(np.exp(np.interp(np.log(floats(node_nm)), nodes, values)))


@cache
def _points(table: str, quantity: str) -> tuple[Floats, Floats]:
    rows = sorted((row for row in read(table) if row[quantity]), key=lambda row: float(row["node_nm"]))
    return np.log(column(rows, "node_nm")), np.log(column(rows, quantity))


def _area(table: str, quantity: str, node_nm: ArrayLike) -> Floats:
    """A quantity of area: its own points between the outermost, Stillmaker-Baas beyond them."""
    node = floats(node_nm)
    nodes, _ = _points(table, quantity)
    inside = np.clip(node, np.exp(nodes[0]), np.exp(nodes[-1]))
    return np.asarray(log_log(table, quantity, inside) * technology.scale_area(inside, node))


def sram_cell_um2(node_nm: ArrayLike) -> Floats:
    """Area of a six-transistor bit cell in square micrometres.

    Notes
    -----
    Published cells from 65 to 5 nm (`data/sram_cell.csv`), log-log between them.

    Examples
    --------
    >>> float(sram_cell_um2(7).round(6))
    0.027

    """
    return _area("sram_cell", "cell_um2", node_nm)


def flip_flop_um2(node_nm: ArrayLike) -> Floats:
    """Area of a flip-flop in square micrometres.

    Notes
    -----
    Nangate45, GF12LP and ASAP7 (`data/flip_flop.csv`), log-log between them.

    Examples
    --------
    >>> float(flip_flop_um2(45).round(6))
    4.522

    """
    return _area("flip_flop", "area_um2", node_nm)


def flip_flop_pj(node_nm: ArrayLike, voltage: ArrayLike | None = None) -> tuple[Floats, Floats]:
    """Energy of a flip-flop in picojoules: of its clock in each cycle, and of one change of its output.

    Notes
    -----
    Nangate45 and ASAP7 (`data/flip_flop.csv`), log-log in the node between them, as logic beyond. The clock's
    part has the cell and its clock pin; the tree's wires are in `clock.clock_pj`.

    Examples
    --------
    >>> clock, toggle = flip_flop_pj(45, 1.1)
    >>> round(float(clock) * 1e3, 3), round(float(toggle) * 1e3, 3)
    (8.321, 4.396)

    """
    node = floats(node_nm)
    inside = np.clip(node, SMALL_NM, LARGE_NM)
    share = np.log(LARGE_NM / inside) / np.log(LARGE_NM / SMALL_NM)
    moved = logic_energy(inside, node, None, voltage)
    clock, toggle = (
        np.asarray(large * (small / large) ** share * moved)
        for large, small in (_flip_flop_nominal(quantity) for quantity in ("clock_fj", "toggle_fj"))
    )
    return clock, toggle


@cache
def _flip_flop_nominal(quantity: str) -> tuple[float, float]:
    """Picojoules at 45 and at 7 nm, each at its nominal voltage."""
    rows = {float(row["node_nm"]): row for row in read("flip_flop")}
    large, small = (at_nominal(float(rows[node][quantity]), rows[node]) for node in (LARGE_NM, SMALL_NM))
    return large * 1e-3, small * 1e-3
