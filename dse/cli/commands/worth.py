"""`springboard worth`."""

import sys
import time
from typing import Annotated, Any, Final

import typer

import workloads
from dse.cli.options import Json, check_output, print_json
from dse.cli.runs import From, write_run
from dse.run.named import load_network
from dse.run.provenance import made_by
from dse.space.small import three_machines
from dse.why.worth import IDEAS, worth
from workloads.errors import InputError, shown
from workloads.watched import watched

NETWORKS = ("mobilenet_v2", "resnet18", "alexnet", "bert_base", "gpt2_decode")
SIZES: Final[dict[str, dict[str, Any]]] = {"mobilenet_v2": {"width": 0.25, "resolution": 32}}
"""Five networks: depthwise, residual, large kernels, attention, one token at a time. The first is so small
that its machines of levels are searched in minutes."""
WEIGHTS, ACTIVATIONS = 0.4, 0.5
"""Densities that networks are taken to have (assumed); machines that do nothing about zeros do not care."""


def command(
    context: typer.Context,
    nets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NET",
            help="Built-in networks or ONNX files; default: a small mobilenet_v2, resnet18, alexnet, "
            "bert_base and gpt2_decode.",
        ),
    ] = None,
    machine: Annotated[
        list[str] | None,
        typer.Option(
            "--machine",
            metavar="NAME",
            help="Of edge_32x32, scnn, edge_levels; repeatable; default: all three.",
        ),
    ] = None,
    idea: Annotated[
        list[str] | None,
        typer.Option(
            "--idea",
            metavar="IDEA",
            help="What to switch off: 'aligned tiles', 'uneven storage', 'zeros in the search', residency, "
            "fusion or 'new prices'; repeatable; default: each.",
        ),
    ] = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Write tables and the figure there.")] = None,
    from_: From = None,
    json: Json = False,
) -> None:
    """Say what each idea of the model is worth: switch it off and compare.

    Costs small spaces around three machines on each network with everything, and without aligned tiles,
    uneven storage, zeros in the search for mappings, residency, fusion and the present prices in turn: how
    much smaller the front's hypervolume is, how the knee moves, how much larger the least EDP is, and what it
    costs to choose a design by what the model says without the idea. Machines that know no such idea say so.
    The default takes some minutes of one core, nearly all of them for the machine of levels.

    \b
    springboard worth --out runs/worth
    springboard worth mobilenet_v2 resnet50 --machine edge_32x32 --idea residency
    """
    check_output(out, "page")
    spaces = {space.name: space for space in three_machines()}
    for name in machine or ():
        if name not in spaces:
            raise InputError(f"--machine must be one of {', '.join(spaces)}, got {shown(name)}")
    for name in idea or ():
        if name not in IDEAS:
            raise InputError(f"--idea must be one of {', '.join(IDEAS)}, got {shown(name)}")
    chosen = (
        [load_network(name) for name in nets]
        if nets
        else [workloads.load(name, **SIZES.get(name, {})) for name in NETWORKS]
    )
    networks = [network.assume(weights=WEIGHTS, activations=ACTIVATIONS) for network in chosen]
    begun = time.perf_counter()
    found = worth(
        networks,
        [space for name, space in spaces.items() if not machine or name in machine],
        tuple(idea) if idea else IDEAS,
        told=None if json or not watched() else lambda text: print(text, file=sys.stderr),
    )
    seconds = time.perf_counter() - begun
    files = found.save(out) if out is not None else []
    if out is not None:
        by = {**made_by(), "networks": [network.name for network in networks]}
        files.append(write_run(context, out, by, worth=found.table))
    if json:
        print_json({"table": found.table.to_dict("records"), "seconds": seconds, "files": files})
        return
    print(found)
    print("\nLeast EDP without the idea, over the least with it; geometric means over the networks.")
    print(
        f"Assumptions: {WEIGHTS:g} of the weights and {ACTIVATIONS:g} of the activations are not zero "
        "(assumed); without the new prices those of before 0.2.0 hold, but for the clock network."
    )
    print(f"{seconds:.0f} s in all" + (". Written: " + ", ".join(files) if files else ""))
