"""Writes docs/reference.md, the reference of public names, from the docstrings: `make reference`."""

import inspect
import re
from pathlib import Path

import dse
import hwmodels
import workloads
from hwmodels import registry

PAGE = Path(__file__).resolve().parents[1] / "docs" / "reference.md"
WORDS = PAGE.parent / "nomenclature.md"
COLUMNS = "## Columns\n\nFrom `hwmodels.registry`; `make reference` writes this part.\n\n"
HEAD = """# Reference

Every public name, from its docstring (`make reference` writes this page, a test holds it to the code). Full
docstrings, with shapes, units and errors: `help(dse.sweep)`.
"""


def entry(name: str, value: object) -> list[str]:
    """Signature and first paragraph of a function or class, methods below a class."""
    text = re.split(r"\n\s*\n", inspect.getdoc(value) or "")[0].replace("\n", " ")
    if not callable(value):
        return [f"- **`{name}`**"]
    lines = [f"- **`{name}{signature(value)}`**: {text}"]
    if inspect.isclass(value) and not issubclass(value, BaseException):
        for method, member in sorted(_members(value).items()):
            plain = member.__func__ if isinstance(member, (classmethod, staticmethod)) else member
            if method.startswith("_") or not (inspect.isfunction(plain) or isinstance(plain, property)):
                continue
            said = re.split(r"\n\s*\n", inspect.getdoc(plain) or "")[0].replace("\n", " ")
            lines.append(
                f"    - `.{method}{'' if isinstance(plain, property) else signature(plain)}`: {said}"
            )
    return lines


def _members(value: type) -> dict[str, object]:
    """What a class has of its own and from the project's other classes."""
    found: dict[str, object] = {}
    for one in reversed(value.__mro__):
        if one.__module__.split(".")[0] in ("dse", "hwmodels", "workloads"):
            found |= vars(one)
    return found


def signature(value: object) -> str:
    """Names of the parameters, without annotations."""
    try:
        parameters = inspect.signature(value).parameters.values()  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return ""
    names, keyword = [], False
    for parameter in parameters:
        if parameter.name in ("self", "cls"):
            continue
        if parameter.kind is parameter.KEYWORD_ONLY and not keyword:
            names.append("*")
            keyword = True
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        keyword = keyword or stars == "*"
        optional = parameter.default is not parameter.empty
        names.append(f"{stars}{parameter.name}{'=' if optional else ''}")
    return f"({', '.join(names)})"


def page() -> str:
    """The whole page."""
    lines = [HEAD]
    for package in (workloads, hwmodels, dse):
        summary = (package.__doc__ or "").splitlines()[0]
        lines += [f"## `{package.__name__}`", "", summary, ""]
        for name in sorted(package.__all__, key=str.lower):
            lines += entry(f"{package.__name__}.{name}", getattr(package, name))
        lines.append("")
    return "\n".join(lines)


def words() -> str:
    """The page of nomenclature, its columns as the registry has them."""
    return (
        WORDS.read_text(encoding="utf-8").partition(COLUMNS)[0].rstrip() + f"\n\n{COLUMNS}{registry.page()}"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    WORDS.write_text(words(), encoding="utf-8")
    print(f"wrote docs/{PAGE.name} and docs/{WORDS.name}")
