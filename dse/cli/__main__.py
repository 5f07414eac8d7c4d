"""`python -m dse.cli` is `springboard`."""

import sys

from dse.cli import main

sys.exit(main())
