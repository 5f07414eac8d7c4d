"""The sub-commands of `springboard`, one module each; see `dse.cli.app` for what a module holds."""
