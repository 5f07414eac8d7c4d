"""Machine files: every machine survives the round trip, and every slip is one line that names its path."""

import json

import pytest
import yaml

import hwmodels
from hwmodels.machine_file import machine_from, schema
from hwmodels.written import machine_data


@pytest.mark.parametrize("name", hwmodels.names())
def test_every_machine_survives_the_round_trip(name, tmp_path):
    machine, path = hwmodels.load(name), tmp_path / "mine.yaml"
    machine.save(path)
    again = hwmodels.load(str(path))
    assert again == machine
    assert again.fingerprint() == machine.fingerprint()


def test_a_changed_file_is_read_anew(tmp_path):
    path = tmp_path / "mine.yaml"
    hwmodels.load("edge_16x16").save(path)
    assert hwmodels.load(str(path)).array.rows == 16
    path.write_text(path.read_text().replace("rows: 16", "rows: 24"))
    assert hwmodels.load(str(path)).array.rows == 24


def test_numbers_may_be_texts_with_units():
    data = machine_data(hwmodels.load("edge_16x16"))
    data["clock_hz"] = "400 MHz"
    data["buffers"]["weight"]["bytes"] = "24 KiB"
    data["main_memory"] = "hbm2"
    made = machine_from(data)
    assert (made.clock_hz, made.buffers.weight.bytes, made.main_memory.name) == (4e8, 24576, "hbm2")


def edge(**changes):
    return machine_data(hwmodels.load("edge_16x16")) | changes


def eyeriss(level, **changes):
    data = machine_data(hwmodels.load("eyeriss_v1"))
    data["levels"][level] = data["levels"][level] | changes
    return data


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "machine: is missing; a machine file begins with machine: two_level"),
        ({"machine": "gpu"}, "machine: must be one of two_level, levels, template, got 'gpu'"),
        (edge(node_nm=7), "node_nm: there is no such field; there are technology.node_nm"),
        (edge(clok_hz=1), "clok_hz: there is no such field; there are clock_hz"),
        (edge(clock_hz="fast"), "clock_hz: .*'fast' is not a number"),
        (edge(clock_hz=True), "clock_hz: must be a number, got True"),
        (edge(clock_hz="4 KiB"), "clock_hz: '4 KiB' is in bytes, the field is in hz"),
        (edge(clock_hz=-1), "Accelerator.clock_hz must be a positive number, got -1"),
        ({"machine": "levels", "name": "bare"}, "levels: is missing"),
        (edge(array=7), "array: must be a mapping of fields, got 7"),
        (edge(array={"rows": 0, "cols": 4}), "array: Array.rows must be an integer >= 1, got 0"),
        (edge(main_memory="hbm9"), "main_memory: unknown main memory 'hbm9'"),
        (edge(buffers={"weight": {"bytes": "many"}}), "buffers.weight.bytes: .*'many'"),
        (eyeriss(0, fanout=3), r"levels\[0\].fanout: there is no such field; there are .*fanout_x"),
        (eyeriss(1, operands="sums"), r"levels\[1\]: Level.operands of ifmap_spad must be of"),
        (eyeriss(3, overlapped="yes"), r"levels\[3\].overlapped: must be true or false, got 'yes'"),
        (eyeriss(0, name="ifmap_spad"), "two levels are called ifmap_spad"),
    ],
)
def test_a_refusal_names_the_path(data, message, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(ValueError, match=message) as raised:
        hwmodels.load(str(path))
    assert str(raised.value).startswith(str(path))
    assert raised.value.path or "two levels" in message or message.startswith("machine: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("machine: [", "is no YAML"),
        ("a: &x [1]\nb: *x\n", "aliases are not taken"),
        ("machine: levels\nmachine: levels\n", "machine is given twice"),
        ("machine: two_level\n? [a, b]\n: 3\n", "a key is no text"),
        ("machine: two_level\n? {a: b}\n: 3\n", "a key is no text"),
        ("machine: two_level\nname: 2001-99-99\n", "is no YAML: month must be"),
        ("machine: two_level\nclock_hz: " + "9" * 5000 + "\n", "is no YAML: Exceeds the limit"),
    ],
)
def test_files_that_are_no_machine_files(text, message, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(hwmodels.SpringboardError, match=message):
        hwmodels.load(str(path))
    with pytest.raises(ValueError, match="cannot be read"):
        hwmodels.load(str(tmp_path / "none.yaml"))


def test_the_schema_knows_every_field_and_travels_as_json():
    found = json.loads(json.dumps(schema()))
    levels = next(one for one in found["oneOf"] if one["properties"]["machine"] == {"const": "levels"})
    assert {"name", "levels", "clock_hz", "main_memory"} <= set(levels["required"])
    assert "fanout_x" in levels["properties"]["levels"]["items"]["properties"]
    assert levels["additionalProperties"] is False


def test_registered_machines_are_known_by_name():
    hwmodels.register("mine_for_a_test", hwmodels.load("edge_16x16").replace({"array.rows": 5}))
    assert hwmodels.load("mine_for_a_test").array.rows == 5
    assert "mine_for_a_test" in hwmodels.names()
    with pytest.raises(ValueError, match="spring is built in"):
        hwmodels.register("spring", hwmodels.load("edge_16x16"))
    with pytest.raises(TypeError, match="need a machine"):
        hwmodels.register("nothing", 7)


def test_a_file_that_cannot_be_is_named_and_nothing_is_left(tmp_path):
    machine = hwmodels.load("edge_16x16")
    (tmp_path / "plain").write_text("")
    with pytest.raises(OSError, match="is a folder, not a file"):
        machine.save(tmp_path)
    for path in (tmp_path / "plain" / "mine.yaml", tmp_path / "none" / "mine.yaml"):
        with pytest.raises(OSError, match=r"'.*/mine\.yaml'"):
            machine.save(path)
    assert [file.name for file in tmp_path.iterdir()] == ["plain"]
