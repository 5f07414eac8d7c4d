"""Puts the sub-commands together: every module of `dse.cli.commands` is one.

A module there holds either a function `command`, whose name on the command line is the module's and whose
docstring is its help, or a `typer.Typer` called `group` with sub-commands of its own.
"""

import functools
import importlib
import pkgutil
from collections.abc import Callable
from typing import Annotated, Any

import typer

from dse.cli import commands
from dse.version import version

UsageProblem: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What typer raises for an unknown option, a missing argument and the like."""


def build() -> Any:
    """Make the command-line application."""
    app = typer.Typer(
        name="springboard",
        help="Which accelerator should run my network? Costs, sweeps and Pareto fronts.",
        no_args_is_help=True,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    app.callback()(_overview)
    for module in sorted(found.name for found in pkgutil.iter_modules(commands.__path__)):
        content = importlib.import_module(f"{commands.__name__}.{module}")
        name = module.replace("_", "-")
        if hasattr(content, "group"):
            for sub in content.group.registered_commands:
                if not hasattr(sub.callback, "__wrapped__"):  # the group outlives this application
                    sub.callback = _interruptible(sub.callback)
            app.add_typer(content.group, name=name)
        else:
            app.command(name)(_interruptible(content.command))
    return typer.main.get_command(app)


class InterruptedCommandError(Exception):
    """Ctrl-C, with what the command says about it; typer would swallow a KeyboardInterrupt's words."""


class ReaderGoneError(Exception):
    """Nobody reads the answer any more; typer would end the process on a BrokenPipeError, with status 1."""


def _interruptible(command: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            command(*args, **kwargs)
        except KeyboardInterrupt as stop:
            raise InterruptedCommandError(str(stop) or "interrupted") from None
        except BrokenPipeError:
            raise ReaderGoneError from None

    return run


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"springboard {version()}")
        raise typer.Exit


def _overview(
    version_: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version.")
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Show where an error was raised; may stand anywhere.")
    ] = False,
) -> None:
    """Which accelerator should run my network? Costs, sweeps and Pareto fronts.

    \b
    springboard evaluate resnet50 edge_16x16
    springboard front resnet50 --space systolic --out runs/first
    """
