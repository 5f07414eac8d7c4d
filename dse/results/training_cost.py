"""What training itself costs on a machine, in seconds and joules: every step with the zeros it had."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import pandas

from dse.results.evaluation import evaluate
from workloads.errors import InputError

if TYPE_CHECKING:
    from workloads import Network


class Phase(Protocol):
    """Steps between two changes of a network's connections, as `workloads.learning.synthesis` notes them."""

    @property
    def network(self) -> "Network":
        """With the masks that held."""

    @property
    def steps(self) -> int:
        """How many steps."""

    @property
    def batch(self) -> int:
        """Samples a step."""

    @property
    def dense_samples(self) -> int:
        """Samples that a gradient of every weight, pruned ones included, was taken over at the end."""


def inversion_cost(
    teacher: "Network", steps: int, batch: int, machine: Any, *, mapping_objective: str = "edp"
) -> "pandas.Series":
    """Cost images inverted from a network on a machine: `latency_s` and `energy_j` of all steps.

    Parameters
    ----------
    teacher
        The network that images are inverted from.
    steps, batch
        Steps on the images, and images at once, as `workloads.learning.data_free.Inverted` holds them.
    machine
        A machine, or its name.
    mapping_objective
        What each operation's mapping minimises.

    Raises
    ------
    ValueError
        If the machine cannot run a step.

    Notes
    -----
    A step is `Network.inversion`: forward with statistics, back to the images, no weight gradients.

    """
    found = evaluate(teacher.inversion(batch), machine, mapping_objective=mapping_objective)
    if not found.feasible:
        raise InputError(f"inversion of {teacher.name}: the machine cannot run a step of {batch} images")
    each = {name: steps * float(found.totals[name]) for name in ("latency_s", "energy_j")}
    return pandas.Series({"steps": steps, **each})


def training_cost(
    phases: Sequence[Phase], machine: Any, *, optimizer: str = "adam", mapping_objective: str = "edp"
) -> "pandas.DataFrame":
    """Cost a training on a machine.

    Parameters
    ----------
    phases
        What was done, as `Synthesised.phases`.
    machine
        A machine, or its name.
    optimizer
        "sgd", "momentum" or "adam".
    mapping_objective
        What each operation's mapping minimises.

    Returns
    -------
    DataFrame
        One row a phase: `steps`, `latency_s` and `energy_j` of all its steps, `growth_latency_s` and
        `growth_energy_j` of its dense gradients, `effectual_macs` of one inference. Sums are the training's.

    Raises
    ------
    ValueError
        If the machine cannot run a step.

    Notes
    -----
    A step is `Network.training`: forward, both gradients, update; with `weight_gradients="kept"` pruned
    weights have none. A dense gradient is costed as a step with "all": its update, which growth does not do,
    is counted too, so that growth is not made to look cheaper than it is. Reading samples from storage and
    choosing what grows are not in it.

    """
    known: dict[tuple[str, int, str], tuple[float, float]] = {}

    def step(network: "Network", batch: int, gradients: str) -> tuple[float, float]:
        key = (network.fingerprint, batch, gradients)
        if key not in known:
            graph = network.training(batch, optimizer=optimizer, weight_gradients=gradients)
            found = evaluate(graph, machine, mapping_objective=mapping_objective)
            totals = found.totals
            if not found.feasible:
                raise InputError(f"training {network.name}: the machine cannot run a step of {batch} samples")
            known[key] = float(totals["latency_s"]), float(totals["energy_j"])
        return known[key]

    rows = []
    for phase in phases:
        latency_s, energy_j = step(phase.network, phase.batch, "kept")
        row = {
            "steps": phase.steps,
            "effectual_macs": phase.network.effectual_macs,
            "latency_s": phase.steps * latency_s,
            "energy_j": phase.steps * energy_j,
            "growth_latency_s": 0.0,
            "growth_energy_j": 0.0,
        }
        if phase.dense_samples:
            times = -(-phase.dense_samples // phase.batch)
            latency_s, energy_j = step(phase.network, phase.batch, "all")
            row["growth_latency_s"], row["growth_energy_j"] = times * latency_s, times * energy_j
        rows.append(row)
    return pandas.DataFrame(rows)
