"""Print tables of co-design: `python -m tests.benchmarks.codesign [part ...]`."""

import sys

from tests.benchmarks.codesign import PARTS, main

if unknown := sorted(set(sys.argv[1:]) - set(PARTS)):
    sys.exit(f"unknown part {', '.join(unknown)}; there are {', '.join(PARTS)}")
main(sys.argv[1:])
