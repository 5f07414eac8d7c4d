"""Whether anybody looks: the one rule for bars, waiting lines and notices."""

import sys


def watched(wanted: bool | None = None) -> bool:
    """Whether to say on standard error how far something is: as wanted, else on a terminal only.

    Examples
    --------
    >>> watched(True), watched(False)
    (True, False)

    """
    return sys.stderr.isatty() if wanted is None else wanted
