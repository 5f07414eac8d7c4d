"""`springboard store`."""

from typing import Annotated, Any

import typer

import dse
from dse.cli.options import Json, ShowProgress, Workers, print_json
from dse.results.opened import verify_store

group = typer.Typer(help="Check or repair the store of a sweep.", no_args_is_help=True, rich_markup_mode=None)

Folder = Annotated[str, typer.Argument(metavar="DIR", help="The store's folder.")]


@group.command("verify")
def verify(folder: Folder, json: Json = False) -> None:
    """Check every part against the checksum it carries.

    Exit status 1 where a part is missing, damaged or foreign; each is named.

    \b
    springboard store verify runs/all
    """
    found = verify_store(folder)
    if json:
        print_json({"store": folder, "parts": found.parts, "whole": bool(found), "faults": found.faults})
    else:
        print(found)
        for name, reason in found.faults.items():
            print(f"  {name}: {reason}")
    if not found:
        raise typer.Exit(1)


@group.command("repair")
def repair(
    folder: Folder, workers: Workers = None, progress: ShowProgress = None, json: Json = False
) -> None:
    """Compute again whatever part is missing, damaged or foreign.

    The sweep is the one that the store was made for: nothing else has to be said.

    \b
    springboard store repair runs/all
    """
    result = dse.resume(folder, workers=workers, progress=progress)
    found = result.verify()
    if json:
        summary: dict[str, Any] = {"network": result.network, "space": result.space.name}
        print_json({"store": folder, **summary, "parts": found.parts, "faults": found.faults})
        return
    print(found)
    for name, reason in found.faults.items():
        print(f"  {name}: {reason}; remove it if nobody needs it")
