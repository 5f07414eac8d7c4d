"""What partial assignments of a search dimension by dimension cost at least, one at a time."""

from math import inf

from hwmodels.accelerate import kernel
from hwmodels.kernels.nest.columns import Floats
from hwmodels.kernels.nest.cost import LEAKAGE, MAC_PJ
from hwmodels.kernels.nest.search import (
    Chains,
    Costing,
    Sure,
    least_energy,
    objective_of,
    place_chain,
    set_floor,
    tiles_fit,
)
from hwmodels.kernels.nest.steps import fanouts_fit, least_cycles, least_steps


@kernel
def floor_of(costing: Costing, chains: Chains, sure: Sure, depth: int, facts: Floats) -> float:
    """What any mapping costs at least, with dimensions laid out up to the `depth`-th (-1: none)."""
    bounds, totals = costing.problem.bounds, costing.arch.totals
    energy = totals[MAC_PJ]
    for d in range(bounds.size):
        energy *= bounds[d]
    energy += least_energy(costing.problem, costing.mapping, depth, chains.sequence, sure, facts)
    steps = least_steps(
        bounds, costing.arch.fanouts, costing.mapping.factors, depth, chains.sequence, facts[0]
    )
    cycles = least_cycles(costing.arch, sure.moved, steps)
    return objective_of(costing.objective, cycles, energy + totals[LEAKAGE] * cycles)


@kernel
def bound_chains(
    costing: Costing, chains: Chains, sure: Sure, depth: int, facts: Floats, values: Floats, further: Floats
) -> None:
    """Fill what any mapping costs at least with each chain of the next dimension; infinite over a limit.

    `depth` dimensions are laid out, the others stand at their floors; `facts` (F,) are products over the
    chains so far, and `further` (n, F) those with each chain.
    """
    problem, arch, mapping, work = costing.problem, costing.arch, costing.mapping, costing.work
    d = chains.sequence[depth]
    for at in range(values.size):
        chain = chains.start[d] + at
        place_chain(chains.table, chain, d, mapping.factors, work.nest)
        values[at] = inf
        if not fanouts_fit(arch.fanouts, mapping.factors, depth, chains.sequence):
            continue
        if not tiles_fit(problem, arch, mapping.keep, work):
            continue
        for f in range(facts.size):
            further[at, f] = facts[f] / chains.floor_facts[d, f] * chains.facts[chain, f]
        values[at] = floor_of(costing, chains, sure, depth, further[at])
    set_floor(chains.floor_extent, d, work.nest)
