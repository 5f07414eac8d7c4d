"""Readers of other tools' files, loaded when they are first used; `told` says what a file is."""

from typing import TYPE_CHECKING

from workloads.lazy import lazily

if TYPE_CHECKING:
    from hwmodels.interop.accelergy import price_table
    from hwmodels.interop.maestro import from_maestro
    from hwmodels.interop.scalesim import from_scalesim
    from hwmodels.interop.timeloop_machine import from_timeloop
    from hwmodels.interop.zigzag import from_zigzag

__all__ = ["from_maestro", "from_scalesim", "from_timeloop", "from_zigzag", "price_table"]

_HOMES = {
    "from_maestro": "maestro",
    "from_scalesim": "scalesim",
    "from_timeloop": "timeloop_machine",
    "from_zigzag": "zigzag",
    "price_table": "accelergy",
}

__getattr__, __dir__ = lazily(__name__, _HOMES)
