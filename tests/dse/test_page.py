"""What a front's page holds, as plain data; `tests/browser` opens it."""

import dse
import workloads
from dse.views.html import data_of

AXES = {"array.rows": [8, 16], "buffers.output.bytes": ["32 KiB", "64 KiB"]}
NET = workloads.load("resnet18").rename("one of my own")


def test_operations_of_one_s_own_network_have_their_names(tmp_path):
    """A page written without the network showed their shapes, of a store opened later, too."""
    space = dse.Space("edge_16x16", AXES)
    dse.sweep(NET, space, store=tmp_path / "store", progress=False).front().save(tmp_path / "front")
    for found in (dse.open(tmp_path / "store").front(), dse.open(tmp_path / "front")):
        names = data_of(found)["operations"]["names"]
        assert names[0] == "conv1"
        assert "layer1.0.conv1 and 3 alike" in names
        assert len(names) == found.layers.rows < len(NET.row_names)
    assert data_of(found, NET)["operations"]["names"] == list(NET.row_names)
    bare = dse.sweep(NET.table(), space, progress=False).front()
    assert data_of(bare)["operations"]["names"][0] == "nest K64 C3 P112 Q112 R7 S7"


def test_operations_keep_their_names_where_tensors_may_stay(tmp_path):
    space = dse.Space("edge_16x16", AXES)
    found = dse.sweep(NET, space, schedule="resident", store=tmp_path, progress=False).front()
    assert data_of(found)["operations"]["names"] == list(NET.row_names)
    assert data_of(dse.open(tmp_path).front())["operations"]["names"] == list(NET.row_names)


def test_a_search_keeps_the_names_as_well(tmp_path):
    space = dse.Space("edge_16x16", AXES)
    found = dse.search(NET, space, budget=4, store=tmp_path, progress=False)
    assert data_of(found)["operations"]["names"] == data_of(dse.open(tmp_path))["operations"]["names"]
    assert found.rows[0] == "conv1"
