"""The question behind a front as a definition that a file holds, and back."""

from collections.abc import Mapping
from typing import Any

from dse.run.definition import Definition, Member, Together
from dse.strategies.problem import One, Problem, Work
from dse.strategies.together import Several
from workloads.table import deduplicate


def definition_of(problem: Problem, kept: Mapping[str, Any]) -> Definition:
    """Write down a problem; `kept` says which rows stay, and how they were chosen."""
    work = problem.work
    several = work.together
    together = None
    if several is not None:
        members = tuple(
            Member(member.name, member.table, member.schedule, member.source) for member in work.members
        )
        together = Together(several.combine, several.weights, members)
    return Definition(
        work.name,
        work.layers,
        problem.space,
        problem.mapping_objective,
        problem.objectives,
        kept,
        together,
        work.members[0].schedule if several is None else None,
        work.members[0].source if several is None else "",
        work.members[0].rows if several is None else (),
    )


def problem_of(definition: Definition) -> Problem:
    """Ask again what a definition holds."""
    together = definition.together
    work: Work = One(
        definition.network,
        definition.layers,
        definition.layers,
        definition.schedule,
        definition.source,
        definition.rows,
    )
    if together is not None:
        members = [
            One(
                one.name,
                one.layers,
                one.layers if one.schedule else deduplicate(one.layers)[0],
                one.schedule,
                one.source,
            )
            for one in together.members
        ]
        work = Several(tuple(members), together.weights, together.combine)
    return Problem(definition.space, work, definition.objectives, definition.mapping_objective)
