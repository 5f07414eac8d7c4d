"""Machines in other tools' files: SCALE-Sim, ZigZag, and Timeloop without a problem."""

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest

import dse
import hwmodels
from hwmodels.components.main_memory import main_memory
from hwmodels.mapping import convolution, evaluate, map_problem
from tests.interop.goldens import REASON, ROOT
from tests.interop.test_timeloop_v4 import ARCH, ERT, TWO_FANS
from workloads.values import ForeignFileError

CFG = """
[general]
run_name = eyeriss
[architecture_presets]
ArrayHeight:    12
ArrayWidth:     14
IfmapSramSzkB:    36
FilterSramSzkB:   40
OfmapSramSzkB:    44
IfmapOffset:    0
Dataflow : ws
Bandwidth : 10
[sparsity]
SparsitySupport : false
BlockSize : 8
[run_presets]
InterfaceBandwidth: USER
"""


def write(folder: Path, text: str, name: str) -> Path:
    (folder / name).write_text(text)
    return folder / name


def test_a_scalesim_configuration(tmp_path: Path) -> None:
    machine = hwmodels.from_scalesim(write(tmp_path, CFG, "scale.cfg"))
    assert (machine.name, machine.array.rows, machine.array.cols) == ("eyeriss", 12, 14)
    assert machine.array.dataflow.short == "ws"
    kib = [
        buffer.bytes // 1024
        for buffer in (machine.buffers.input, machine.buffers.weight, machine.buffers.output)
    ]
    assert kib == [36, 40, 44]
    assert machine.main_memory.bandwidth_bytes_per_s == 3 * 10 * 1e9  # three interfaces of ten words a cycle
    assert machine.main_memory.read_pj_per_bit == main_memory("lpddr4").read_pj_per_bit
    free = hwmodels.from_scalesim(write(tmp_path, CFG.replace("USER", "CALC"), "calc.cfg"))
    assert free.main_memory.bandwidth_bytes_per_s == 3 * 12 * 14 * 1e9
    assert "nothing stalls" in free.assumptions[0]
    sparse = CFG.replace("SparsitySupport : false", "SparsitySupport : true")
    weight = hwmodels.from_scalesim(write(tmp_path, sparse, "sparse.cfg")).sparsity.weight
    assert (weight.mode, weight.format, weight.n, weight.m) == ("skip", "n_m", 4, 8)


@pytest.mark.parametrize("flow", ["os", "ws", "is"])
def test_its_cycles_are_those_of_the_array(tmp_path: Path, flow: str) -> None:
    """One product of 24 x 30 x 20 on 12 x 14 PEs: what the array's own model of SCALE-Sim's folds says."""
    cfg = CFG.replace("Dataflow : ws", f"Dataflow : {flow}").replace("USER", "CALC")
    machine = hwmodels.from_scalesim(write(tmp_path, cfg, "scale.cfg"))
    net = write(tmp_path, "Layer, M, N, K,\nfc, 24, 20, 30,\n", "net.csv")
    result = dse.evaluate(str(net), machine)
    cycles = result.totals["latency_s"] * machine.clock_hz
    wanted = hwmodels.systolic_cycles(m=24, k=30, n=20, rows=12, cols=14, dataflow=flow)
    assert cycles == pytest.approx(wanted, rel=0.02)


def test_a_machine_by_its_path(tmp_path: Path) -> None:
    path = write(tmp_path, CFG, "scale.cfg")
    machine = hwmodels.load(str(path))
    assert machine == hwmodels.from_scalesim(path)
    assert dse.evaluate("lenet_300_100", str(path)).totals["macs"] > 0
    topology = write(tmp_path, "Layer, M, N, K,\nfc, 24, 20, 30,\n", "net.csv")
    with pytest.raises(ValueError, match="looks like a SCALE-Sim topology, which is no machine; read"):
        hwmodels.load(str(topology))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "ArrayHeight:    12",
            "ArrayHeight: x",
            r"presets\] ArrayHeight must be a whole .* 'x'",
        ),
        ("ArrayHeight:    12", "", r"\[architecture_presets\] ArrayHeight is missing"),
        ("IfmapSramSzkB:    36", "IfmapSramSzkB: -36", r"IfmapSramSzkB must be a whole number from 1 to"),
        ("Dataflow : ws", "Dataflow : rs", r"Dataflow must be os, ws or is, got 'rs'"),
        ("USER", "MAYBE", r"\[run_presets\] InterfaceBandwidth must be USER or CALC, got 'MAYBE'"),
        ("[architecture_presets]", "[presets]", r"is no SCALE-Sim configuration \(has no section"),
        ("[general]", "general", r"is no SCALE-Sim configuration"),
        ("ArrayHeight:    12", "ArrayHeight: 99999999999", r"ArrayHeight must be a whole number from 1"),
    ],
)
def test_a_bad_configuration_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in CFG
    with pytest.raises(ForeignFileError, match=message) as raised:
        hwmodels.from_scalesim(write(tmp_path, CFG.replace(old, new, 1), "scale.cfg"))
    assert "\n" not in str(raised.value)


def memory(name: str, size: int, cost: float, operands: str, served: str, width: int = 16) -> str:
    return f"""
  {name}:
    {{size: {size}, r_cost: {cost}, w_cost: {cost * 2}, area: 1, latency: 1, operands: [{operands}],
      served_dimensions: [{served}],
      ports: [{{name: rw_port_1, type: read_write, bandwidth_min: {width}, bandwidth_max: {width},
        allocation: ["{operands.split(",")[0]}, tl"]}}]}}"""


ZIGZAG = (
    "name: tiny\nmemories:"
    + memory("reg_W", 8, 0.5, "I2", "D2", 8)
    + memory("reg_O", 16, 0.25, "O", "D1")
    + memory("sram", 65536, 8.0, "I1, O", "D1, D2", 64)
    + memory("dram", 10**10, 700.0, "I1, I2, O", "D1, D2", 64)
    + "\noperational_array: {unit_energy: 0.04, unit_area: 1, dimensions: [D1, D2], sizes: [4, 8]}\n"
)
ZIGZAG_MAPPING = """
- name: default
  spatial_mapping:
    D1:
      - C, 4
    D2:
      - OX, 4
      - K, 2
  memory_operand_links: {O: O, W: I2, I: I1}
"""


def zigzag(folder: Path, hardware: str = ZIGZAG, mapping: str = ZIGZAG_MAPPING) -> hwmodels.LevelMachine:
    return hwmodels.from_zigzag(write(folder, hardware, "hw.yaml"), write(folder, mapping, "map.yaml"))


def test_a_zigzag_accelerator(tmp_path: Path) -> None:
    machine = zigzag(tmp_path)
    architecture = machine.architecture
    assert (architecture.macs, architecture.mac_pj) == (32, 0.04)
    # Of registers shared along different edges the inner ones are copies, four here, that move together.
    rows = [(s.name, s.instances, s.fanout_x, s.fanout_y, s.cluster) for s in architecture.levels]
    assert rows == [
        ("reg_W", 32, 1, 1, 8),
        ("reg_O", 8, 4, 1, 1),
        ("sram", 1, 1, 8, 1),
        ("dram", 1, 1, 1, 1),
    ]
    sram = architecture.level("sram")
    assert (sram.capacity_words, sram.block_words, sram.shared_words_per_cycle) == (8192, 8, 8.0)
    assert (sram.read_pj, sram.fill_pj, sorted(sram.operands)) == (8.0, 16.0, ["I", "O"])
    at = machine.mapspace.at
    assert at("sram").spatial_y == {"Q", "K"}
    assert (at("sram").spatial.range("Q"), at("sram").spatial.range("K")) == ((1, 4), (1, 2))
    assert at("reg_O").spatial_x == {"C"}
    assert at("reg_W").bypass == {"I", "O"}
    assert zigzag(tmp_path, mapping=ZIGZAG_MAPPING).mapspace == machine.mapspace


def test_copies_that_move_together_cost_one(tmp_path: Path) -> None:
    """Energy of the shared register: one access for all that share it, as ZigZag counts."""
    machine = zigzag(tmp_path)
    problem = convolution(k=2, c=4, p=1, q=4)
    busy = replace(machine.mapspace, min_parallelism=1.0)
    mapping = map_problem(problem, machine.architecture, "latency", constraints=busy).mapping
    result = evaluate(problem, machine.architecture, mapping)
    assert result.compute_cycles == 1
    reads = result.at("reg_W", "W").reads + result.at("reg_W", "W").fills * 2  # a write costs twice a read
    assert result.at("reg_W", "W").energy_pj == pytest.approx(reads / 8 * 0.5)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("r_cost: 8.0", "r_cost: null", r"memories\.sram: needs r_cost: costs that ZigZag takes from CACTI"),
        ("sizes: [4, 8]", "sizes: [4]", r"needs one size a dimension, got 2 dimensions and 1 sizes"),
        ("sizes: [4, 8]", "sizes: [4, 8], is_imc: true", r"computing in memory is not supported"),
        ("operands: [O]", "operands: [X]", r"unknown name 'X'; supported: I1, I2, O"),
        ("served_dimensions: [D1]", "served_dimensions: [D7]", r"unknown name 'D7'; supported: D1, D2"),
        ("size: 65536", "size: 1e99", r"sram\.size: must be a number of at least 0 and at most 1e30"),
        ("type: read_write, bandwidth_min: 64", "type: both, bandwidth_min: 64", r"unknown name 'both'"),
        ("memories:", "memory:", r"key .*memory' is not supported|needs the key 'memories'"),
    ],
)
def test_a_bad_accelerator_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ZIGZAG
    with pytest.raises(ForeignFileError, match=message) as raised:
        zigzag(tmp_path, ZIGZAG.replace(old, new, 1))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("K, 2", "K, 3", r"unrolls more than the 8 multipliers along D2"),
        ("K, 2", "Z, 2", r"is no loop and count such as `K, 32`, got 'Z, 2'; loops: B, K, C"),
        ("D1:", "D9:", r"unknown dimension of the array; it has D1, D2"),
        ("name: default", "name: other", r"needs a layer called default"),
        ("W: I2", "V: I2", r"links I2 to 'V'; supported tensors: W, I, O"),
    ],
)
def test_a_bad_zigzag_mapping_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ZIGZAG_MAPPING
    with pytest.raises(ForeignFileError, match=message) as raised:
        zigzag(tmp_path, mapping=ZIGZAG_MAPPING.replace(old, new, 1))
    assert "\n" not in str(raised.value)


MAESTRO = """\
num_pes: 64  // of one byte
l1_size_cstr: 512
l2_size_cstr: 65536
noc_bw_cstr: 64
offchip_bw_cstr: 16
"""
LAYER = """
Layer L{n} {{ Type: CONV Dimensions {{ K: 64, C: 64, R: 3, S: 3, Y: 16, X: 16 }}
  Dataflow {{ {flow} }} }}
"""
KC = "SpatialMap(1,1) K; TemporalMap(8,8) C; TemporalMap(Sz(R),1) Y; Cluster(8,P); SpatialMap(1,1) C;"
RS = "SpatialMap(1,1) Y'; TemporalMap(1,1) X'; Cluster(Sz(R),P); SpatialMap(1,1) Y; SpatialMap(1,1) R;"


def maestro(folder: Path, *flows: str, hardware: str = MAESTRO) -> hwmodels.LevelMachine:
    layers = "".join(LAYER.format(n=n, flow=flow) for n, flow in enumerate(flows))
    mapping = write(folder, f"Network x {{ {layers} }}", "map.m") if flows else None
    return hwmodels.from_maestro(write(folder, hardware, "hw.m"), mapping)


def test_maestro_hardware_and_dataflows(tmp_path: Path) -> None:
    free = maestro(tmp_path)
    assert (free.level("l1").bytes, free.level("l2").bytes, free.macs) == (512, 65536, 64)
    assert free.level("dram").bytes_per_s == 16e9
    assert free.architecture.level("l2").shared_words_per_cycle == 64
    assert free.mapspace.levels == ()
    clustered = maestro(tmp_path, KC)
    (l2,) = clustered.mapspace.levels
    assert (clustered.level("l2").fanout_x, clustered.level("l2").fanout_y) == (8, 8)
    assert (l2.spatial_x, l2.spatial_y, l2.spatial.range("P")) == ({"K"}, {"C"}, (1, 1))
    rows = maestro(tmp_path, RS, RS, KC)
    (l2,) = rows.mapspace.levels
    assert (rows.level("l2").fanout_x, l2.spatial_x) == (64, {"P", "R"})
    assert rows.assumptions[-1] == "the dataflow is that of 2 of 3 layers"


@pytest.mark.parametrize(
    ("flow", "hardware", "message"),
    [
        (KC, MAESTRO.replace("64  //", "x  //"), r"line 1: num_pes must be a whole number from 1 to .* 'x'"),
        (KC, MAESTRO.replace("noc_bw_cstr: 64\n", ""), r"has no noc_bw_cstr"),
        (KC, MAESTRO + "num_pes: 3\n", r"line 6: num_pes is given twice"),
        (KC, MAESTRO + "speed: 3\n", r"line 6: expected one of num_pes, l1_size_cstr, .* got 'speed: 3'"),
        (KC.replace(") K", ") J"), MAESTRO, r"unknown dimension 'J'; known: N, K, C, Y"),
        (KC.replace("Temporal", "Other"), MAESTRO, r"'OtherMap\(8,8\)' is no directive of a dataflow"),
    ],
)
def test_bad_maestro_files_are_one_line(tmp_path: Path, flow: str, hardware: str, message: str) -> None:
    with pytest.raises(ForeignFileError, match=message) as raised:
        maestro(tmp_path, flow, hardware=hardware)
    assert "\n" not in str(raised.value)


def test_a_timeloop_machine_without_a_problem(tmp_path: Path) -> None:
    write(tmp_path, TWO_FANS, "arch.yaml")
    machine = hwmodels.from_timeloop(str(tmp_path / "*.yaml"))
    at = machine.mapspace.at
    assert (at("weights").keep, at("weights").bypass) == ({"W"}, {"I", "O"})
    assert at("glb").spatial.range("K") == (1, 3)  # the files call output channels M
    problem = convolution(k=3, c=2, p=4, q=1)
    found = map_problem(problem, machine.architecture, "latency", constraints=machine.mapspace)
    assert found.evaluation.cycles == 4
    assert any("no ERT was given" in said for said in machine.assumptions)
    with pytest.raises(ForeignFileError, match=r"nothing\*\.yaml: no file is called so"):
        hwmodels.from_timeloop(str(tmp_path / "nothing*.yaml"))


def test_a_whole_dimension_in_one_place_is_one_elsewhere(tmp_path: Path) -> None:
    text = ARCH.replace("factors_only: [C=8]", "factors: [R=0]")
    machine = hwmodels.from_timeloop([write(tmp_path, text, "a.yaml"), write(tmp_path, ERT, "e.yaml")])
    at = machine.mapspace.at
    assert at("Buffer").temporal.range("R")[1] > 1000
    assert (at("DRAM").temporal.range("R"), at("Buffer").spatial.range("R")) == ((1, 1), (1, 1))


@pytest.mark.published
@pytest.mark.skipif(not ROOT.is_dir(), reason=REASON)
@pytest.mark.compiled
def test_a_machine_of_files_finds_the_proved_optimum() -> None:
    """Eyeriss-like, ResNet-18's third stage: the mapping that Timeloop's exhaustive search found."""
    machine = hwmodels.from_timeloop(str(ROOT / "eyeriss_like" / "inputs" / "*.yaml"))
    problem = convolution(k=256, c=256, p=14, q=14, r=3, s=3)
    found = map_problem(
        problem, machine.architecture, "edp", constraints=machine.mapspace, rules=machine.rules
    )
    assert found.evaluation.cycles == 688_128
    assert found.evaluation.energy_pj * 1e-6 == pytest.approx(710.59, abs=0.01)


def test_machines_of_other_tools_are_machines_like_any_other(tmp_path: Path) -> None:
    """They evaluate, change and are saved; their own file works wherever a name does."""
    path = write(tmp_path, ZIGZAG, "hw.yaml")
    net = str(write(tmp_path, "Layer, M, N, K,\nfc, 4, 2, 8,\n", "net.csv"))
    machine = hwmodels.load(str(path))
    result = dse.evaluate(net, machine)
    assert result.totals["macs"] == 64
    assert dse.evaluate(net, str(path)).totals["energy_j"] == result.totals["energy_j"] > 0
    machine.save(tmp_path / "mine.yaml")
    assert hwmodels.load(str(tmp_path / "mine.yaml")) == machine
    wider = machine.replace({"levels.sram.bytes": 16384})
    assert wider.level("sram").bytes == 16384


def test_prices_of_accelergy(tmp_path: Path) -> None:
    art = "ART:\n  version: 0.4\n  tables: [{name: chip.Buffer, area: 120.5}]\n"
    table = hwmodels.price_table(write(tmp_path, ERT, "ERT.yaml"), write(tmp_path, art, "ART.yaml"))
    rows = table.set_index(["component", "action"])
    assert rows.loc[("Buffer", "read"), "energy_pj"] == 8.0
    assert rows.loc[("Buffer", "leak"), "area_um2"] == 120.5
    with pytest.raises(ForeignFileError, match="no section 'ERT' or 'ART' in these files"):
        hwmodels.price_table(write(tmp_path, TWO_FANS, "arch.yaml"))


PIECES = (
    "",
    "-1",
    "0",
    "9" * 30,
    ".nan",
    "{",
    "}",
    "[",
    "]",
    ",",
    ": ",
    "\n",
    "\0",
    "*a",
    "&a ",
    "{{ x }}",
    "1/0",
)


def mutant(text: str, rng: random.Random) -> str:
    """A file with one to three pieces cut, doubled or replaced."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        to = min(len(text), at + rng.choice((1, 3, 20, 200)))
        text = text[:at] + rng.choice((*PIECES, text[at:to] * 2)) + text[to:]
    return text


READERS = {
    "timeloop": (TWO_FANS, hwmodels.from_timeloop),
    "scalesim": (CFG, hwmodels.from_scalesim),
    "zigzag": (ZIGZAG, hwmodels.from_zigzag),
    "maestro": (MAESTRO, hwmodels.from_maestro),
}


@pytest.mark.parametrize("kind", READERS)
def test_mutants_are_read_or_refused_in_one_line(tmp_path: Path, kind: str) -> None:
    rng = random.Random(13)
    text, read = READERS[kind]
    for trial in range(200):
        path = write(tmp_path, mutant(text, rng), f"{trial}.yaml")
        begun = time.perf_counter()
        message = "a machine"
        try:
            read(path)
        except ForeignFileError as error:
            message = str(error)
        assert len(message.splitlines()) == 1, message
        assert len(message) < 1500
        assert time.perf_counter() - begun < 5.0
