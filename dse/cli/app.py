"""Puts the sub-commands together: every module of `dse.cli.commands` is one.

A module there holds either a function `command`, whose name on the command line is the module's and whose
docstring is its help, or a `typer.Typer` called `group` with sub-commands of its own. It is imported when it
is asked for: what `springboard --help` lists is read off its source, so that no help waits for a compiler.
"""

import ast
import functools
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from dse.version import version

COMMANDS = Path(__file__).parent / "commands"

UsageProblem: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
"""What typer raises for an unknown option, a missing argument and the like."""

_STYLE: Any = {"rich_markup_mode": None, "pretty_exceptions_enable": False, "no_args_is_help": True}


def build() -> Any:
    """Make the command-line application."""
    app = typer.Typer(
        name="springboard",
        help="Which accelerator should run my network? Costs, sweeps and Pareto fronts.",
        add_completion=True,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
        **_STYLE,
    )
    app.callback()(_overview)
    found: Any = typer.main.get_command(app)
    for path in sorted(COMMANDS.glob("[a-z]*.py")):
        found.add_command(_Waiting(path))
    return found


class _Waiting(TyperGroup):
    """A sub-command whose module has not been imported yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(name=path.stem.replace("_", "-"), help=_help(path), rich_markup_mode=None)
        self._module = path.stem

    def load(self) -> Any:
        """Import the module and return the command."""
        content = importlib.import_module(f"dse.cli.commands.{self._module}")
        app = typer.Typer(**_STYLE)
        if hasattr(content, "group"):
            for sub in content.group.registered_commands:
                if not hasattr(sub.callback, "__wrapped__"):  # the group outlives this application
                    sub.callback = _interruptible(sub.callback)
            app.add_typer(content.group, name=self.name)
        else:
            app.callback()(lambda: None)  # with one command and no callback, the application would be it
            app.command(self.name)(_interruptible(content.command))
        whole: Any = typer.main.get_command(app)
        return whole.commands[self.name]

    def make_context(self, *given: Any, **extra: Any) -> Any:
        """Read the arguments as the command itself does; what is invoked is the context's command."""
        return self.load().make_context(*given, **extra)


def _help(path: Path) -> str:
    """What the source of a command says it does: the docstring of `command`, or `help` of the group."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == "command":
            return inspect.cleandoc(ast.get_docstring(node) or "")
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            for keyword in node.value.keywords:
                if keyword.arg == "help":
                    return str(ast.literal_eval(keyword.value))
    return ""


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
