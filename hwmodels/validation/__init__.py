"""The ledger of published figures: what was printed or measured elsewhere, and what we compute for it."""

from hwmodels.validation.book import UnknownCaseError, cases, rows, title
from hwmodels.validation.row import Evidence, Row
from hwmodels.validation.text import markdown

__all__ = ["Evidence", "Row", "UnknownCaseError", "cases", "markdown", "rows", "title"]
