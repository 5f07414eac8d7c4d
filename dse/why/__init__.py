"""Why a front looks as it does: what its designs share and wait for, what a step changes, what matters."""
