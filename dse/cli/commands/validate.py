"""`springboard validate`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from dse.cli.options import Json, print_json
from dse.views.text import text_table
from hwmodels import validation as ledger

if TYPE_CHECKING:
    from hwmodels.validation import Row


def command(
    case: Annotated[
        list[str] | None, typer.Option("--case", metavar="NAME", help="Only this case; repeatable.")
    ] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Write the page docs/validation.md.")] = False,
    wrong: Annotated[bool, typer.Option("--wrong", help="Write the page docs/wrong.md.")] = False,
    json: Json = False,
) -> None:
    """Compare the models with published chips and tools.

    The ledger of published figures: each beside ours, with the error, the error aimed at, and the source.
    Aims that are missed are listed as such, with the reason.

    \b
    springboard validate
    springboard validate --case eyeriss_v1
    springboard validate --markdown > docs/validation.md
    springboard validate --wrong > docs/wrong.md
    """
    if json + markdown + wrong > 1:
        raise typer.BadParameter("--json, --markdown and --wrong exclude each other")
    if wrong:
        if case:
            raise typer.BadParameter("--wrong is made of every case; leave --case out")
        print(ledger.wrong(), end="")
        return
    if markdown:
        print(ledger.markdown(case), end="")
        return
    found = ledger.rows(case)
    if json:
        print_json([_record(row) for row in found])
        return
    print("\n\n".join(_section(name, found) for name in dict.fromkeys(row.case for row in found)))
    aimed = [row for row in found if row.aimed]
    held = sum(bool(row.holds) for row in aimed)
    print(f"\n{held} of {len(aimed)} aims hold that could be missed; {len(found)} figures.")


def _record(row: "Row") -> dict[str, object]:
    return {
        "case": row.case,
        "quantity": row.quantity,
        "unit": row.unit,
        "published": row.published,
        "ours": row.ours,
        "error": row.error,
        "tolerance": row.tolerance,
        "holds": row.holds,
        "evidence": row.evidence.value,
        "made_by": row.made.value,
        "source": row.source,
        "note": row.note,
    }


def _section(case: str, found: "Sequence[Row]") -> str:
    """One case: its title, a table, and the reasons of missed aims."""
    mine = [row for row in found if row.case == case]
    lines = [["figure", "unit", "published", "ours", "error", "aim", "holds", "kind", "made by", "source"]]
    for row in mine:
        lines.append(
            [
                row.quantity,
                row.unit,
                f"{row.published:.6g}",
                f"{row.ours:.6g}",
                f"{row.error:+.1%}",
                f"{row.tolerance:.1%}" if row.aimed else "",
                ({None: "", True: "yes", False: "NO"}[row.holds] if row.aimed else ""),
                row.evidence.value,
                row.made.value,
                row.source,
            ]
        )
    reasons = "".join(f"\n  NO  {row.quantity}: {row.note}" for row in mine if row.holds is False)
    return f"{case}: {ledger.title(case)}\n\n{text_table(lines, last_left=True)}{reasons}"
