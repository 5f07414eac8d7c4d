"""`springboard convert`."""

from pathlib import Path
from typing import Annotated

import typer

from dse.cli.options import pairs
from hwmodels.interop.told import of_files
from workloads.errors import InputError, shown


def command(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE",
            help="A machine in another tool's files: a SCALE-Sim .cfg, a ZigZag accelerator (and its "
            "mapping), or Timeloop's architecture with its components, constraints, ERT and ART.",
        ),
    ],
    to: Annotated[str, typer.Option("--to", metavar="FILE", help="The machine file to write: mine.yaml.")],
    value: Annotated[
        list[str] | None,
        typer.Option("--value", metavar="NAME=VALUE", help="What a template's name stands for; repeatable."),
    ] = None,
) -> None:
    """Make a machine file of a machine in another tool's files.

    The file holds every field that is not at its default, the prices among them; `evaluate`, `sweep` and all
    other commands take its path. What the files do not say is printed as assumed.

    \b
    springboard convert scale.cfg --to mine.yaml
    springboard convert arch/*.yaml ERT.yaml --to mine.yaml
    springboard convert tpu_like.yaml mapping.yaml --to mine.yaml
    """
    if not to.endswith((".yaml", ".yml")):
        raise InputError(f"--to: a machine file ends in .yaml, got {shown(to)}")
    if any(Path(file).resolve() == Path(to).resolve() for file in files):
        raise InputError(f"--to: {to} is one of the files to convert; name another")
    machine = of_files(files, values=pairs("--value", value))
    machine.save(to)
    print(f"{to}: {machine.name}, {machine.source}")
    for assumption in machine.assumptions:
        print(f"Assumed: {assumption}.")
