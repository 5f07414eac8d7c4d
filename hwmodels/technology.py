"""How energy, area and delay of a CMOS circuit change with the node and the supply voltage.

One table rules: Stillmaker and Baas, "Scaling equations for the accurate prediction of CMOS device
performance from 180 nm to 7 nm", Integration 58 (2017) 74-81. Energy is E(V) = a2 V^2 + a1 V + a0 and delay
D(V) = d3 V^3 + d2 V^2 + d1 V + d0 per node; area is a matrix of factors. Nodes between two entries are
interpolated log-log. It ends at 7 nm; 5 nm follows from 7 nm by what its foundry announced
(`data/logic_steps.csv`). Nodes outside 5..180 nm are refused. The prices of components follow
`components.scaling`, which puts published energies between 45 and 7 nm in the place of these polynomials.

The paper has high-performance ("hp") and low-power ("lp") devices from 45 nm on. They must not be mixed:
energies of lp at 45 nm against hp at 14 nm scale by 0.139 at 0.8 V, hp against hp by 0.173. The default here
is hp throughout.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hwmodels.components.tables import Floats, column, floats, read, require
from workloads.errors import InputError, shown

DEVICES = ("hp", "lp")


class _Table(NamedTuple):
    """One device class; nodes ascending, shape (n_nodes,), coefficients highest power first."""

    log_node: Floats
    nominal_v: Floats
    energy: Floats  # (n_nodes, 3)
    delay: Floats  # (n_nodes, 4)


@cache
def _table(device: str) -> _Table:
    if device not in DEVICES:
        raise InputError(f"device must be 'hp' or 'lp', got {shown(device)}", path="device")
    rows = sorted((r for r in read("technology") if r["device"] == device), key=lambda r: float(r["node_nm"]))
    energy = np.stack([column(rows, f"energy_v{power}") for power in (2, 1, 0)], axis=1)
    delay = np.stack([column(rows, f"delay_v{power}") for power in (3, 2, 1, 0)], axis=1)
    step = _step()
    return _Table(
        np.log(np.append(step["node_nm"], column(rows, "node_nm"))),
        np.append(step["nominal_v"], column(rows, "nominal_v")),
        np.vstack([step["energy"] * energy[0], energy]),
        np.vstack([step["delay"] * delay[0], delay]),
    )


def _step() -> dict[str, float]:
    """The step from the smallest node of the tables to one below it, as factors."""
    (row,) = read("logic_steps")
    return {name: float(row[name]) for name in ("node_nm", "nominal_v", "energy", "delay", "area")}


@cache
def _log_area() -> Floats:
    """Logarithm of one area factor per node, nodes ascending.

    The matrix is printed with two digits and is not exactly transitive. The one factor per node nearest to it
    in logarithmic least squares is its column's geometric mean; it reproduces every entry within 3.7 %, the
    rounding of two digits, and makes scaling exactly transitive and invertible.
    """
    rows = read("area_scale")
    nodes = [row["from_nm"] for row in rows]
    matrix = np.stack([column(rows, f"to_{node}") for node in nodes], axis=1)
    logs = np.log(matrix).mean(axis=0)[np.argsort([float(node) for node in nodes])]
    return np.append(logs[0] + np.log(_step()["area"]), logs)


def _position(node_nm: ArrayLike, table: _Table) -> tuple[np.ndarray, Floats]:
    """Index of the entry below each node, and how far (0..1, in log node) it lies towards the next."""
    node = floats(node_nm)
    log_node = table.log_node
    smallest, largest = np.exp(log_node[[0, -1]]).round(6)
    supported = f"between {smallest:g} and {largest:g} (the scaling tables)"
    require((node >= smallest) & (node <= largest), "node_nm", supported, node)
    logged = np.log(node)
    below = np.clip(np.searchsorted(log_node, logged, side="right") - 1, 0, log_node.size - 2)
    return below, (logged - log_node[below]) / (log_node[below + 1] - log_node[below])


def nominal_voltage(node_nm: ArrayLike, device: str = "hp") -> Floats:
    """Nominal supply voltage of a node in volts.

    Parameters
    ----------
    node_nm
        Technology node in nanometres, any shape, 5 to 180.
    device
        "hp" or "lp".

    Returns
    -------
    ndarray
        Volts, shape of `node_nm`; linear in log node between table entries.

    Raises
    ------
    ValueError
        If a node is outside the tables.

    Notes
    -----
    45, 14, 10 and 7 nm as in Stillmaker and Baas 2017; the others are recalled from memory (status in the
    table).

    Examples
    --------
    >>> float(nominal_voltage(14))
    0.8

    """
    return _known(_nominal, (floats(node_nm), None), (device,))


_FEW: Final = 16
"""Values of an array that is remembered: machines ask for the same few nodes and voltages again and again."""
_MOST: Final = 4096
_KNOWN: Final[dict[Any, Floats]] = {}


def _known(of: Callable[..., Floats], arrays: tuple[Floats, Floats | None], names: tuple[str, ...]) -> Floats:
    """What a function says of two small arrays and names, asked once."""
    if any(values is not None and values.size > _FEW for values in arrays):
        return of(*arrays, *names)
    sizes = (None if values is None else (values.shape, values.tobytes()) for values in arrays)
    key = (of.__name__, *sizes, names)
    if key not in _KNOWN:
        if len(_KNOWN) >= _MOST:
            _KNOWN.clear()
        _KNOWN[key] = of(*arrays, *names)
    return _KNOWN[key].copy()


def _nominal(node_nm: Floats, _: None, device: str) -> Floats:
    table = _table(device)
    below, share = _position(node_nm, table)
    return np.asarray((1 - share) * table.nominal_v[below] + share * table.nominal_v[below + 1])


def _circuit(node_nm: ArrayLike, voltage: ArrayLike | None, device: str, quantity: str) -> Floats:
    """Relative energy or delay of a circuit at a node and voltage, log-log between the table's nodes."""
    volts = None if voltage is None else floats(voltage)
    return _known(_polynomial, (floats(node_nm), volts), (device, quantity))


def _polynomial(node_nm: Floats, voltage: Floats | None, device: str, quantity: str) -> Floats:
    table = _table(device)
    below, share = _position(node_nm, table)
    volts = nominal_voltage(node_nm, device) if voltage is None else voltage
    coefficients = getattr(table, quantity)

    def at(index: np.ndarray) -> Floats:
        value = np.zeros(np.broadcast_shapes(index.shape, volts.shape))
        for power in range(coefficients.shape[1]):
            value = value * volts + coefficients[index, power]
        return value

    low, high = at(below), at(below + 1)
    low, high = (
        np.where(share >= 1, high, low),
        np.where(share <= 0, low, high),
    )  # an entry needs no neighbour
    fits = (low > 0) & (high > 0)
    require(fits, "voltage", f"within the range of the {quantity} polynomial of its node", volts)
    return np.asarray(np.exp((1 - share) * np.log(low) + share * np.log(high)))


def scale_energy(
    from_nm: ArrayLike,
    to_nm: ArrayLike,
    from_v: ArrayLike | None = None,
    to_v: ArrayLike | None = None,
    *,
    device: str = "hp",
) -> Floats:
    """Factor on the dynamic energy of a circuit moved from one node and voltage to another.

    Parameters
    ----------
    from_nm, to_nm
        Nodes in nanometres, 5 to 180; arrays broadcast.
    from_v, to_v
        Supply voltages in volts; None is the node's nominal voltage.
    device
        "hp" or "lp" transistors, on both sides.

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
    Stillmaker and Baas 2017, energy coefficients; log-log between nodes.

    Examples
    --------
    >>> round(float(scale_energy(45, 14, 0.8, 0.8)), 3)  # (0.0962 at 14 nm) / (0.5568 at 45 nm)
    0.173

    """
    return _circuit(to_nm, to_v, device, "energy") / _circuit(from_nm, from_v, device, "energy")


def scale_delay(
    from_nm: ArrayLike,
    to_nm: ArrayLike,
    from_v: ArrayLike | None = None,
    to_v: ArrayLike | None = None,
    *,
    device: str = "hp",
) -> Floats:
    """Factor on the delay of a circuit moved from one node and voltage to another.

    Parameters, errors and interpolation are those of `scale_energy`; the coefficients are the delay's.

    Examples
    --------
    >>> round(float(scale_delay(45, 14)), 3)  # 4.51 at 14 nm, 0.8 V over 12.5 at 45 nm, 1.0 V
    0.361

    """
    return _circuit(to_nm, to_v, device, "delay") / _circuit(from_nm, from_v, device, "delay")


def scale_area(from_nm: ArrayLike, to_nm: ArrayLike) -> Floats:
    """Factor on the area of a circuit moved from one node to another.

    Parameters
    ----------
    from_nm, to_nm
        Nodes in nanometres, 5 to 180; arrays broadcast.

    Returns
    -------
    ndarray
        Area at the target over area at the origin; exactly transitive and invertible.

    Raises
    ------
    ValueError
        If a node is outside the tables.

    Notes
    -----
    One factor per node fitted to the matrix of Stillmaker and Baas 2017, which it reproduces within the
    rounding of its two digits (3.7 %); log-log between nodes.

    Examples
    --------
    >>> round(float(scale_area(45, 14)), 2)
    0.17

    """
    return _area(to_nm) / _area(from_nm)


def _area(node_nm: ArrayLike) -> Floats:
    below, share = _position(node_nm, _table("hp"))
    log_area = _log_area()
    return np.asarray(np.exp((1 - share) * log_area[below] + share * log_area[below + 1]))
