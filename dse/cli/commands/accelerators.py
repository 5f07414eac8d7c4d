"""`springboard accelerators`."""

from typing import Annotated

import typer

import hwmodels
from dse.cli.options import Json, machine_names, print_json
from dse.naming import refuse_elsewhere
from dse.views.text import text_table
from hwmodels.machine_file import schema as machine_schema
from hwmodels.written import write_machine
from workloads.errors import InputError
from workloads.grammar.axes import label_of
from workloads.grammar.quantities import si


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            autocompletion=machine_names,
            metavar="ACC",
            help="Show the data sheets of these: names, or machine files; without one all names are listed.",
        ),
    ] = None,
    json: Json = False,
    save: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the one named as a machine file, to edit.")
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Write the JSON schema of machine files, for editors.")
    ] = False,
) -> None:
    """List the accelerators known by name, or show what one is made of and what is assumed about it.

    Published machines, and reference points of the project; all are starting points for --set and --axis.

    \b
    springboard accelerators
    springboard accelerators spring scnn
    springboard accelerators eyeriss_v1 --save mine.yaml
    springboard accelerators --json
    """
    if schema:
        print_json(machine_schema())
        return
    for name in names or ():
        refuse_elsewhere(name, "machine")
    machines = [(name, hwmodels.load(name)) for name in names or hwmodels.names()]
    if save is not None:
        if len(machines) != 1 or not names:
            raise InputError("--save: name the one machine to write")
        write_machine(machines[0][1], save)
        print(f"wrote {save}")
        return
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
