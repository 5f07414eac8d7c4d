"""The ledger of published figures: what was printed or measured elsewhere, and what we compute for it."""

from hwmodels.validation.book import UnknownCaseError, cases, rows, title
from hwmodels.validation.row import Evidence, Made, Row
from hwmodels.validation.text import far, markdown, misses, wrong

__all__ = [
    "Evidence",
    "Made",
    "Row",
    "UnknownCaseError",
    "cases",
    "far",
    "markdown",
    "misses",
    "rows",
    "title",
    "wrong",
]
