"""Print every benchmark of this folder: `python -m tests.benchmarks [name ...]`."""

import importlib
import pkgutil
import sys

import tests.benchmarks as folder


def main(wanted: list[str]) -> None:
    """Run the named benchmarks, or all: each is a module of this folder with a `main()` that prints."""
    known = [
        module.name for module in pkgutil.iter_modules(folder.__path__) if not module.name.startswith("_")
    ]
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        sys.exit(f"unknown benchmark {', '.join(unknown)}; there are {', '.join(known)}")
    for name in wanted or known:
        print(f"== {name}", flush=True)
        importlib.import_module(f"tests.benchmarks.{name}").main()


if __name__ == "__main__":
    main(sys.argv[1:])
