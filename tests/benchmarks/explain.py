"""Why a front looks as it does: CPU time of each part of the explanation, beside the sweep's."""

import time
from collections.abc import Callable
from typing import Any

import dse
from dse.why.bottlenecks import bottlenecks
from dse.why.shared import shared_values
from dse.why.steps import steps_from


def main() -> None:
    """Print CPU seconds for the front of ResNet-50 on the systolic space."""
    begun = time.process_time()
    swept = dse.sweep("resnet50", dse.named_space("systolic"), progress=False)
    front = swept.front()
    print(f"sweep: {time.process_time() - begun:.1f} CPU-s, {len(front.frame):,} designs on the front")
    parts: dict[str, Callable[[], Any]] = {
        "shared values": lambda: shared_values(front),
        "bottlenecks": lambda: bottlenecks(front),
        "steps": lambda: steps_from(front),
        "sensitivity": swept.sensitivity,
    }
    for name, part in parts.items():
        part()  # imports, compiles
        begun = time.process_time()
        part()
        print(f"{name}: {time.process_time() - begun:.2f} CPU-s")


if __name__ == "__main__":
    main()
