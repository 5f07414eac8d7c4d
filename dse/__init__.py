"""Which accelerator is best: spaces, sweeps, fronts, figures and the command line.

Names are loaded when they are first used, so that `import dse` and `springboard --help` are quick.
"""

from typing import TYPE_CHECKING

from workloads.lazy import lazily

if TYPE_CHECKING:
    from dse.errors import (
        ConstraintError,
        InfeasibleSpaceError,
        InputError,
        SpringboardError,
        StoreError,
        StoreWarning,
        UnknownNameError,
    )
    from dse.joint.asking import search
    from dse.joint.search import codesign
    from dse.joint.sweeping import sweep
    from dse.metrics import register_metric, unregister_metric
    from dse.pareto.front import nondominated
    from dse.pareto.volume import Scale
    from dse.results.codesigned import Codesigned
    from dse.results.evaluation import Result, evaluate
    from dse.results.found import Found
    from dse.results.front import Front
    from dse.results.lifetime import lifetime_years
    from dse.results.networks_sweep import NetworksSweep
    from dse.results.opened import open
    from dse.results.stressed import Stressed
    from dse.results.sweep import Sweep
    from dse.run.opening import Verification
    from dse.run.sweep import resume
    from dse.space.named import named_space, software_defined, space_names
    from dse.space.space import Space
    from dse.strategies.certificate import Certificate
    from dse.strategies.compromise import Compromise, choose_together
    from dse.strategies.together import Several, several
    from dse.uncertain.stressing import stress
    from dse.uncertain.table import uncertainties
    from dse.views.mapping_figures import draw_mapping, draw_mapping_energy
    from dse.views.overlay import overlay
    from dse.views.style import style
    from dse.why.explanation import Explanation, explain
    from dse.why.sensitivity import Sensitivity, sensitivity
    from dse.why.worth import worth
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
    "worth": "why.worth",
    "ConstraintError": "errors",
    "InfeasibleSpaceError": "errors",
    "InputError": "errors",
    "SpringboardError": "errors",
    "StoreError": "errors",
    "StoreWarning": "errors",
    "UnknownNameError": "errors",
    "draw_mapping": "views.mapping_figures",
    "draw_mapping_energy": "views.mapping_figures",
    "Result": "results.evaluation",
    "evaluate": "results.evaluation",
    "Explanation": "why.explanation",
    "explain": "why.explanation",
    "Found": "results.found",
    "Front": "results.front",
    "lifetime_years": "results.lifetime",
    "nondominated": "pareto.front",
    "register_metric": "metrics",
    "unregister_metric": "metrics",
    "search": "joint.asking",
    "Several": "strategies.together",
    "several": "strategies.together",
    "Scale": "pareto.volume",
    "Sensitivity": "why.sensitivity",
    "sensitivity": "why.sensitivity",
    "Space": "space.space",
    "named_space": "space.named",
    "space_names": "space.named",
    "stress": "uncertain.stressing",
    "Stressed": "results.stressed",
    "uncertainties": "uncertain.table",
    "open": "results.opened",
    "overlay": "views.overlay",
    "resume": "run.sweep",
    "NetworksSweep": "results.networks_sweep",
    "style": "views.style",
    "sweep": "joint.sweeping",
    "Verification": "run.opening",
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
    "InputError",
    "NetworksSweep",
    "Result",
    "Scale",
    "Sensitivity",
    "Several",
    "Space",
    "SpringboardError",
    "StoreError",
    "StoreWarning",
    "Stressed",
    "Sweep",
    "UnknownNameError",
    "Verification",
    "choose_together",
    "codesign",
    "draw_mapping",
    "draw_mapping_energy",
    "evaluate",
    "explain",
    "lifetime_years",
    "named_space",
    "nondominated",
    "open",
    "overlay",
    "powers_of_two",
    "register_metric",
    "resume",
    "search",
    "sensitivity",
    "several",
    "software_defined",
    "space_names",
    "steps",
    "stress",
    "style",
    "sweep",
    "uncertainties",
    "unregister_metric",
    "worth",
]

__getattr__, __dir__ = lazily(__name__, _HOMES)
