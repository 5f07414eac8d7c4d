"""The cases of the ledger, one module each; see `hwmodels.ledger.book` for what a module holds."""
