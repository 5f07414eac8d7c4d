"""Components of the package hwcomponents (extra `hwcomponents`, Python 3.12 on) as prices of levels or MACs.

Its objects state area [m2], leakage [W] and the energy of every action [J]; they are read as they are, so
that nothing is imported here.
"""

import math
from typing import Any

from hwmodels.level import MacPrices, Prices
from workloads.errors import InputError, WrongTypeError


def from_hwcomponents(model: Any, **arguments: Any) -> Prices | MacPrices:
    """Read a component model of hwcomponents as prices.

    Parameters
    ----------
    model
        An object of `hwcomponents.ComponentModel`. With an action `compute`, `mac`, `multiply` or `add` it
        prices a MAC, else with `read` and `write` a level (`update` too where it has that action).
    **arguments
        What its actions need, such as the bits of one access.

    Returns
    -------
    Prices or MacPrices
        For `machine.replace({"levels.NAME.prices": ...})` or `machine.replace({"mac": ...})`. An access is
        one action of the object: it has to be as wide as the level's.

    Raises
    ------
    TypeError
        If it is no component model.
    ValueError
        If it has none of these actions, or an energy, area or leakage is negative or no number.

    Examples
    --------
    >>> class Pad:
    ...     area, leak_power = 1e-9, 2e-6
    ...     def get_action_names(self): return ["read", "write"]
    ...     def read(self): return 1e-12, 1e-9
    ...     def write(self): return 2e-12, 1e-9
    >>> found = from_hwcomponents(Pad())
    >>> found.read_pj, found.fill_pj, round(found.area_mm2, 6)
    (1.0, 2.0, 0.001)

    """
    needed = ("area", "leak_power", "get_action_names")
    if not all(hasattr(model, name) for name in needed):
        raise WrongTypeError(
            f"model: need a component model of hwcomponents, got {type(model).__name__}", path="model"
        )
    name, actions = type(model).__name__, set(model.get_action_names())

    def energy_pj(action: str) -> float:
        cost = getattr(model, action)(**arguments)
        joules = cost.energy if hasattr(cost, "energy") else cost[0]
        return _number(name, f"energy of {action}", joules) * 1e12

    leakage_w = _number(name, "leak_power", model.leak_power)
    area_m2 = _number(name, "area", model.area)
    for action in ("compute", "mac", "multiply", "add"):  # such a unit may be "read" by other names, too
        if action in actions:
            return MacPrices(energy_pj=energy_pj(action), leakage_w=leakage_w, area_um2=area_m2 * 1e12)
    if {"read", "write"} <= actions:
        written = energy_pj("write")
        return Prices(
            read_pj=energy_pj("read"),
            fill_pj=written,
            update_pj=energy_pj("update") if "update" in actions else written,
            leakage_w=leakage_w,
            area_mm2=area_m2 * 1e6,
        )
    raise InputError(
        f"model: {name} has the actions {', '.join(sorted(actions)) or '(none)'}; a level needs read and "
        "write, a MAC one of compute, mac, multiply, add",
        path="model",
    )


def _number(name: str, what: str, value: Any) -> float:
    """A finite number that is not negative, or a refusal that names it."""
    number = float(value)
    if not 0 <= number < math.inf:
        raise InputError(f"model: {what} of {name} must be a number >= 0, got {number:g}", path="model")
    return number
