"""Parts of a machine that are of another kind than their field are refused where they are given."""

import dataclasses

import pytest

from hwmodels.level import Level
from hwmodels.level_sparsity import LevelSparsity
from hwmodels.parts import Datapath, Technology
from hwmodels.timing import Timing
from tests.machines.test_levels import machine
from workloads.errors import InputError


@pytest.mark.parametrize("field", ["stacking", "mac", "components"])
def test_a_machine_of_levels_names_the_part_that_is_none(field):
    with pytest.raises(InputError, match=rf"LevelMachine\.{field} must be .*, got 'x'"):
        dataclasses.replace(machine(), **{field: "x"})


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (Level, "prices"),
        (Level, "overlapped"),
        (LevelSparsity, "prices"),
        (Technology, "prices"),
        (Timing, "staged"),
        (Datapath, "mac_unit"),
    ],
)
def test_a_part_names_its_field(make, field):
    more = {"name": "pad", "bytes": 64} if make is Level else {}
    with pytest.raises(InputError, match=rf"{make.__name__}\.{field} must be .*, got 3"):
        make(**more, **{field: 3})
