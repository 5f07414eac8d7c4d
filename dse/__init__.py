"""Which accelerator is best: spaces, sweeps, fronts, figures and the command line.

Names are loaded when they are first used, so that `import dse` and `springboard --help` are quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dse.errors import ConstraintError, InfeasibleSpaceError, StoreError, UnknownNameError
    from dse.joint.asking import search
    from dse.joint.search import codesign
    from dse.pareto.front import nondominated
    from dse.results.codesigned import Codesigned
    from dse.results.evaluation import Result, evaluate
    from dse.results.found import Found
    from dse.results.front import Front
    from dse.results.lifetime import lifetime_years
    from dse.results.stressed import Stressed
    from dse.results.sweep import Sweep
    from dse.run.sweep import sweep
    from dse.space.named import named_space, software_defined, space_names
    from dse.space.space import Space
    from dse.strategies.certificate import Certificate
    from dse.strategies.compromise import Compromise, choose_together
    from dse.strategies.together import Several, several
    from dse.uncertain.stressing import stress
    from dse.uncertain.table import uncertainties
    from dse.why.explanation import Explanation, explain
    from dse.why.sensitivity import Sensitivity, sensitivity
    from workloads.grammar.axes import Axis, powers_of_two, steps

_HOMES = {
    "Axis": "workloads.grammar.axes",
    "Certificate": "strategies.certificate",
    "Compromise": "strategies.compromise",
    "choose_together": "strategies.compromise",
    "software_defined": "space.named",
    "codesign": "joint.search",
    "Codesigned": "results.codesigned",
    "powers_of_two": "workloads.grammar.axes",
    "steps": "workloads.grammar.axes",
    "ConstraintError": "errors",
    "InfeasibleSpaceError": "errors",
    "StoreError": "errors",
    "UnknownNameError": "errors",
    "Result": "results.evaluation",
    "evaluate": "results.evaluation",
    "Explanation": "why.explanation",
    "explain": "why.explanation",
    "Found": "results.found",
    "Front": "results.front",
    "lifetime_years": "results.lifetime",
    "nondominated": "pareto.front",
    "search": "joint.asking",
    "Several": "strategies.together",
    "several": "strategies.together",
    "Sensitivity": "why.sensitivity",
    "sensitivity": "why.sensitivity",
    "Space": "space.space",
    "named_space": "space.named",
    "space_names": "space.named",
    "stress": "uncertain.stressing",
    "Stressed": "results.stressed",
    "uncertainties": "uncertain.table",
    "sweep": "run.sweep",
    "Sweep": "results.sweep",
}

__all__ = [
    "Axis",
    "Certificate",
    "Codesigned",
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
    "codesign",
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
    home = _HOMES[name]
    value = getattr(import_module(home if home.startswith("workloads.") else f"dse.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
