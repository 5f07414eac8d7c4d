"""Which accelerator is best: spaces, sweeps, fronts, figures and the command line.

Names are loaded when they are first used, so that `import dse` and `springboard --help` are quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dse.axes import Axis, powers_of_two, steps
    from dse.errors import ConstraintError, InfeasibleSpaceError, StoreError, UnknownNameError
    from dse.evaluation import Result, evaluate
    from dse.front import Front
    from dse.lifetime import lifetime_years
    from dse.pareto import nondominated
    from dse.searched import Found
    from dse.searching import search
    from dse.space import Space
    from dse.spaces import named_space, space_names
    from dse.strategies.certificate import Certificate
    from dse.sweeping import sweep
    from dse.swept import Sweep
    from dse.template_space import Compromise, choose_together, software_defined
    from dse.together import Several, several
    from dse.uncertain.stressed import Stressed
    from dse.uncertain.stressing import stress
    from dse.uncertain.table import uncertainties
    from dse.why.explanation import Explanation, explain
    from dse.why.sensitivity import Sensitivity, sensitivity

_HOMES = {
    "Axis": "axes",
    "Certificate": "strategies.certificate",
    "Compromise": "template_space",
    "choose_together": "template_space",
    "software_defined": "template_space",
    "powers_of_two": "axes",
    "steps": "axes",
    "ConstraintError": "errors",
    "InfeasibleSpaceError": "errors",
    "StoreError": "errors",
    "UnknownNameError": "errors",
    "Result": "evaluation",
    "evaluate": "evaluation",
    "Explanation": "why.explanation",
    "explain": "why.explanation",
    "Found": "searched",
    "Front": "front",
    "lifetime_years": "lifetime",
    "nondominated": "pareto",
    "search": "searching",
    "Several": "together",
    "several": "together",
    "Sensitivity": "why.sensitivity",
    "sensitivity": "why.sensitivity",
    "Space": "space",
    "named_space": "spaces",
    "space_names": "spaces",
    "stress": "uncertain.stressing",
    "Stressed": "uncertain.stressed",
    "uncertainties": "uncertain.table",
    "sweep": "sweeping",
    "Sweep": "swept",
}

__all__ = [
    "Axis",
    "Certificate",
    "Compromise",
    "ConstraintError",
    "Explanation",
    "Found",
    "Front",
    "InfeasibleSpaceError",
    "Result",
    "Sensitivity",
    "Several",
    "Space",
    "StoreError",
    "Stressed",
    "Sweep",
    "UnknownNameError",
    "choose_together",
    "evaluate",
    "explain",
    "lifetime_years",
    "named_space",
    "nondominated",
    "powers_of_two",
    "search",
    "sensitivity",
    "several",
    "software_defined",
    "space_names",
    "steps",
    "stress",
    "sweep",
    "uncertainties",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'dse' has no attribute {name!r}")
    value = getattr(import_module(f"dse.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
