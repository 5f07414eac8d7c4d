"""The ledger of published figures: what was printed or measured elsewhere, and what we compute for it."""

from hwmodels.ledger.book import UnknownCaseError, cases, rows, title
from hwmodels.ledger.row import Evidence, Row
from hwmodels.ledger.text import markdown

__all__ = ["Evidence", "Row", "UnknownCaseError", "cases", "markdown", "rows", "title"]
