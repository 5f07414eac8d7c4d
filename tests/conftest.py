"""What the whole suite shares."""

import os
import signal

import pytest
from hypothesis import Phase, settings

collect_ignore = ["mutants.py"]  # needs cosmic-ray, which `make mutants` installs

# The suite repeats itself: the same examples in every run. HYPOTHESIS_PROFILE=explore looks for new ones.
settings.register_profile("repeat", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, max_examples=1000, print_blob=True)
# "faults" is for `make mutants`: what fails need not be made smaller.
settings.register_profile(
    "faults", derandomize=True, deadline=None, phases=(Phase.explicit, Phase.generate), database=None
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeat"))

# Count sets of tests are nobody else's.
os.environ.setdefault("SPRINGBOARD_COUNTS", "")

# A shell that puts the suite in the background has it ignore Ctrl-C; tests that press it must be heard.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests that need compiled kernels where none are."""
    if os.environ.get("NUMBA_DISABLE_JIT") != "1":
        return
    skip = pytest.mark.skip(reason="needs compiled kernels; NUMBA_DISABLE_JIT=1")
    for item in items:
        if "compiled" in item.keywords:
            item.add_marker(skip)
