"""How long a user waits before anything is computed: an import, and a command whose kernels are compiled."""

import os
import subprocess
import sys


def cpu_s(*command: str) -> float:
    """CPU time of a second run of a Python command, in seconds; the first fills caches."""
    for _ in range(2):
        before = os.times()
        subprocess.run([sys.executable, *command], check=True, stdout=subprocess.DEVNULL)
        after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Print each beside its target."""
    print(f"import dse: {cpu_s('-c', 'import dse'):.2f} CPU-s")
    evaluate = cpu_s("-m", "dse.cli", "evaluate", "resnet50", "edge_16x16")
    print(
        f"springboard evaluate resnet50 edge_16x16, kernels compiled before: {evaluate:.2f} CPU-s; target 3"
    )


if __name__ == "__main__":
    main()
