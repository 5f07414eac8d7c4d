"""The cases of the ledger, one module each; see `hwmodels.validation.book` for what a module holds."""
