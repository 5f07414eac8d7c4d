"""Print tables of co-design: `python -m tests.benchmarks.codesign [part ...] [--seeds N] [--page FILE]`."""

import argparse
from pathlib import Path

from tests.benchmarks.codesign import PARTS, main

parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.codesign", description=__doc__)
parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="part", help=", ".join(PARTS))
parser.add_argument("--seeds", type=int, default=0, help="how many of them; all by default")
parser.add_argument("--page", type=Path, help="a page to put the tables into")
given = parser.parse_args()
main(given.parts, given.seeds, given.page)
