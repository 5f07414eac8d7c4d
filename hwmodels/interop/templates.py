"""Jinja in Timeloop v0.4 files, as its examples use it: includes, values, defaults and choices.

Templates are rendered in Jinja's sandbox with what the files need and no more: output, `set`, `if` and the
functions of timeloopfe that name other files. Loops and macros are refused: nothing needs them, and without
them a template ends.
"""

import glob
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined, TemplateError, nodes
from jinja2.exceptions import TemplateSyntaxError, UndefinedError
from jinja2.sandbox import SandboxedEnvironment

from workloads.errors import shown
from workloads.values import ForeignFileError, read_text, read_yaml

MOST_INCLUDES = 200
MOST_LEVELS = 10  # of includes in includes
NODE_KEY = "!"  # holds the tag of a node, `Container` of `!Container`
TAGS = {f"!{tag}": NODE_KEY for tag in ("Container", "Component", "Parallel", "Hierarchical", "Pipelined")}
TAGS["!Nothing"] = NODE_KEY
# What a template may be made of: nothing that repeats, and no operation whose result can be long.
_FORMS = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Assign, nodes.If, nodes.CondExpr, nodes.Name,
    nodes.Const, nodes.Filter, nodes.Call, nodes.Concat, nodes.Compare, nodes.Operand, nodes.Not, nodes.And,
    nodes.Or, nodes.Test, nodes.Add, nodes.Sub, nodes.Keyword,
)  # fmt: skip
_FILTERS = ("default", "d", "int", "string", "lower", "upper")


def is_template(text: str) -> bool:
    """Whether a file holds Jinja."""
    return "{{" in text or "{%" in text


class Templates:
    """Files of one project, rendered with the same values and search path.

    Parameters
    ----------
    values
        What the templates' own names stand for, `{"architecture": "eyeriss_like"}`.

    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self.values = dict(values)
        self.path: list[Path] = []
        self.includes = 0

    def document(self, name: str, level: int = 0) -> Any:
        """A YAML document, rendered first where it is a template.

        Raises
        ------
        ForeignFileError
            If a value is not given, a file that is named does not exist, or the template asks for more than
            is allowed.

        """
        text = read_text(name)
        if is_template(text):
            text = self.render(name, text, level)
        return merged(read_yaml(name, text, TAGS))

    def render(self, name: str, text: str, level: int = 0) -> str:
        """Text of a template with everything in its place."""
        if level > MOST_LEVELS or self.includes > MOST_INCLUDES:
            raise ForeignFileError(f"{name}: includes more than {MOST_INCLUDES} files, or itself")
        environment = SandboxedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
        functions = _Functions(self, name, level)
        environment.globals = {"True": True, "False": False, **functions.named()}
        try:
            for node in environment.parse(text).find_all(nodes.Node):
                _check_form(name, node)
            return environment.from_string(text).render(self.values)
        except UndefinedError as error:
            raise ForeignFileError(f"{name}: is a template, and {error.message}: give it a value") from error
        except TemplateError as error:
            where = f"line {error.lineno}: " if isinstance(error, TemplateSyntaxError) else ""
            raise ForeignFileError(f"{name}: is no template ({where}{str(error.message)[:100]})") from error
        except (ArithmeticError, TypeError, ValueError, RecursionError) as error:
            if isinstance(error, ForeignFileError):
                raise
            raise ForeignFileError(f"{name}: is no template ({str(error)[:100]})") from error


def _check_form(name: str, node: nodes.Node) -> None:
    kind = type(node).__name__
    allowed = isinstance(node, _FORMS)
    if isinstance(node, nodes.Filter):
        kind, allowed = f"the filter {node.name}", node.name in _FILTERS
    elif isinstance(node, nodes.Call):
        allowed = isinstance(node.node, nodes.Name)
    if not allowed:
        raise ForeignFileError(
            f"{name}: line {node.lineno}: {kind} in a template is not supported; render the template first"
        )


class _Functions:
    """What a template of one file can call."""

    def __init__(self, project: Templates, name: str, level: int) -> None:
        self.project, self.name, self.level = project, name, level
        self.here = Path(name).parent

    def named(self) -> dict[str, Callable[..., Any]]:
        names = ("cwd", "add_to_path", "find_path", "path_exists", "include", "include_all", "include_text")
        return {name: getattr(self, name) for name in names}

    def cwd(self) -> str:
        return str(self.here)

    def add_to_path(self, folder: str) -> str:
        self.project.path.append(self.here / str(folder))
        return ""

    def _found(self, name: str) -> Path | None:
        for folder in (self.here, *self.project.path):
            if (folder / str(name)).is_file():
                return folder / str(name)
        return None

    def path_exists(self, name: str) -> bool:
        return self._found(name) is not None

    def find_path(self, name: str) -> str:
        found = self._found(name)
        if found is None:
            raise ForeignFileError(
                f"{self.name}: names the file {shown(str(name)[:100])}, which is not there"
            )
        self.project.includes += 1
        return str(found)

    def include(self, name: str, key: str = "") -> str:
        document = self.project.document(self.find_path(name), self.level + 1)
        return _flow(_part(self.name, document, str(key)))

    def include_all(self, pattern: str, key: str = "") -> str:
        for folder in (self.here, *self.project.path):
            names = sorted(glob.glob(str(folder / str(pattern))))
            if names:
                parts: list[Any] = []
                for name in names[:MOST_INCLUDES]:
                    found = _part(self.name, self.project.document(name, self.level + 1), str(key))
                    parts += found if isinstance(found, list) else [found]
                return _flow(parts)
        raise ForeignFileError(f"{self.name}: no file is called {shown(str(pattern)[:100])}")

    def include_text(self, name: str) -> str:
        found = self.find_path(name)
        return self.project.render(found, read_text(found), self.level + 1)


def _part(file: str, document: Any, key: str) -> Any:
    for word in filter(None, key.split(".")):
        if not isinstance(document, dict) or word not in document:
            raise ForeignFileError(f"{file}: includes {shown(key[:100])} of a file that does not have it")
        document = document[word]
    return document


def _flow(value: Any) -> str:
    """A value on one line of YAML, which JSON is."""
    return json.dumps(value, default=str)


def merged(raw: Any) -> Any:
    """Resolve `<<<`, timeloopfe's key that merges mappings into mappings at every depth; own keys win."""
    if isinstance(raw, list):
        return [merged(value) for value in raw]
    if not isinstance(raw, dict):
        return raw
    own = {key: merged(value) for key, value in raw.items() if key != "<<<"}
    if "<<<" not in raw:
        return own
    below = raw["<<<"] if isinstance(raw["<<<"], list) else [raw["<<<"]]
    for base in below:
        own = _over(own, merged(base)) if isinstance(base, dict) else own
    return own


def _over(top: dict[Any, Any], base: dict[Any, Any]) -> dict[Any, Any]:
    both = dict(base)
    for key, value in top.items():
        under = both.get(key)
        both[key] = _over(value, under) if isinstance(value, dict) and isinstance(under, dict) else value
    return both
