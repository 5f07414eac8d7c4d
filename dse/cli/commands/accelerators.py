"""`springboard accelerators`."""

from typing import Annotated

import typer

from dse.cli.options import Json, print_json


def command(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[ACC]...", help="Show the data sheets of these.")
    ] = None,
    json: Json = False,
) -> None:
    """List the accelerators known by name, or show what one is made of and what is assumed about it.

    Published machines, and reference points of the project; all are starting points for --set and --axis.

    \b
    springboard accelerators
    springboard accelerators spring scnn
    springboard accelerators --json
    """
    import hwmodels
    from dse.views.text import text_table
    from workloads.grammar.axes import label_of
    from workloads.grammar.quantities import si

    machines = [(name, hwmodels.load(name)) for name in names or hwmodels.names()]
    if json:
        leaves = {
            name: {path: label_of(value) for path, value in machine.paths().items() if _plain(value)}
            for name, machine in machines
        }
        print_json(leaves)
        return
    if names:
        print("\n\n".join(str(machine) for _, machine in machines))
        return
    rows = [["accelerator", "array", "flow", "clock", "on chip", "memory", "node", "source"]]
    for name, machine in machines:
        words = machine.model.summary(machine)
        rows.append(
            [
                name,
                words["array"],
                words["flow"],
                si(machine.clock_hz, "Hz"),
                words["on chip"],
                machine.main_memory.name,
                f"{machine.technology.node_nm:g} nm",
                machine.source,
            ]
        )
    print(text_table(rows, last_left=True))


def _plain(value: object) -> bool:
    return value is None or isinstance(value, int | float | str)
