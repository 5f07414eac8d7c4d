"""Stream's cores and systems, and what is only told by name: AccelForge's files, dataflows alone."""

import pytest

import dse
import hwmodels
import workloads
from hwmodels.interop.told import of_files
from workloads import NetworkImportError
from workloads.file_kinds import file_kind

PORT = "ports: [{name: p, type: read_write, bandwidth_min: 64, bandwidth_max: 256, allocation: ['O, tl']}]"
REST = f"latency: 1, operands: [I1, I2, O], {PORT}"
CORE = f"""
name: core
type: zigzag.compute
memories:
  reg: {{size: 64, r_cost: 0.1, w_cost: 0.1, served_dimensions: [], {REST}}}
  sram: {{size: 524288, r_cost: 20, w_cost: 22, served_dimensions: [D1], {REST}}}
operational_array: {{unit_energy: 0.04, dimensions: [D1], sizes: [8]}}
"""
OFFCHIP = f"""
name: offchip
type: zigzag.offchip
memories:
  dram: {{size: 10000000, r_cost: 700, w_cost: 750, served_dimensions: [D1, D2], {REST}}}
operational_array: {{unit_energy: 0, dimensions: [D1, D2], sizes: [0, 0]}}
"""
SYSTEM = """
name: one
cores: {0: core.yaml, 1: simd.yaml, 2: ./cores/offchip.yaml}
offchip_core_id: 2
unit_energy_cost: 0
core_connectivity:
- {type: link, cores: [0, 1], bandwidth: 32}
- {type: bus, cores: [0, 1, 2], bandwidth: 128}
"""


@pytest.fixture
def system(tmp_path):
    def write(text=SYSTEM, core=CORE):
        (tmp_path / "cores").mkdir(exist_ok=True)
        (tmp_path / "cores" / "offchip.yaml").write_text(OFFCHIP)
        (tmp_path / "cores" / "simd.yaml").write_text(f"{core}operator_types: [Add, Relu]\n")
        (tmp_path / "cores" / "core.yaml").write_text(core)
        path = tmp_path / "system.yaml"
        path.write_text(text)
        return path

    return write


def test_a_system_of_one_computing_core_is_a_machine(system):
    path = system()
    machine = hwmodels.from_zigzag(path)
    assert [level.name for level in machine.levels] == ["reg", "sram", "dram"]
    dram = machine.levels[-1]
    assert (dram.prices.read_pj, dram.prices.fill_pj) == (700, 750)
    assert dram.shared_port_bits == 128  # the bus is narrower than the port
    assert "1 other cores are left out" in " ".join(machine.assumptions)
    assert hwmodels.load(path) == machine
    (path.parent / "map.yaml").write_text("- name: default\n  spatial_mapping: {D1: ['K, 8']}\n")
    spread = of_files([path, path.parent / "map.yaml"])
    assert spread == hwmodels.from_zigzag(path, path.parent / "map.yaml")
    assert dse.evaluate("lenet_300_100", machine).totals["energy_j"] > 0


def test_a_core_alone_says_what_it_lacks(system):
    core = system().parent / "cores" / "core.yaml"
    machine = hwmodels.from_zigzag(core)
    assert [level.name for level in machine.levels] == ["reg", "sram"]
    assert "its outermost memory is the main one" in " ".join(machine.assumptions)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1: simd.yaml", "1: core.yaml", r"cores: has 2 cores that compute products \(core\.yaml\)"),
        ("0: core.yaml", "0: simd.yaml", r"cores: has 0 cores that compute products \(none\)"),
        ("0: core.yaml", "0: lost.yaml", r"names the file 'lost\.yaml', which is not there"),
        ("0: core.yaml", "a: core.yaml", r"must be called by a number, got 'a'"),
        ("core_id: 2", "core_id: 7", r"offchip_core_id: is none of the cores 0, 1, 2"),
        ("cores: [0, 1, 2], b", "cores: [1, 2], b", r"does not connect the cores 0 and 2"),
        ("unit_energy_cost", "unit_energie_cost", r"key 'accelerator\.unit_energie_cost' is not supported"),
    ],
)
def test_a_system_that_is_none_is_one_line(system, old, new, message):
    assert old in SYSTEM
    with pytest.raises(ValueError, match=message) as caught:
        hwmodels.from_zigzag(system(SYSTEM.replace(old, new)))
    assert "\n" not in str(caught.value)


def test_a_core_that_only_stores_is_one_line(system):
    with pytest.raises(ValueError, match=r"type: is 'zigzag\.offchip', a core that computes nothing"):
        hwmodels.from_zigzag(system().parent / "cores" / "offchip.yaml")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("accelforge_machine", "arch:\n  nodes:\n  - !Memory\n    name: M\n    size: {{SIZE}}\n"),
        ("accelforge_machine", "arch:\n  nodes:\n  - !Compute\n    name: MAC\n"),
        ("accelforge_workload", "workload:\n  einsums:\n  - Y[m] = A[k] * B[k, m]\n"),
        ("accelforge_workload", "workload:\n  {% set M = 3 %}\n  n: {{M}}\n  einsums:\n  - name: A\n"),
        ("stream_mapping", "layers:\n- name: Conv\n  core_allocation:\n  - [0, 1]\n"),
        ("maestro_dataflow", "Dataflow {\n  SpatialMap(1,1) K;\n}\n"),
    ],
)
def test_what_nobody_reads_is_called_by_its_name(tmp_path, kind, text):
    path = tmp_path / "file"
    path.write_text(text)
    assert file_kind(path).name == kind
    for read, error in ((workloads.load, NetworkImportError), (hwmodels.load, ValueError)):
        with pytest.raises(error, match=f"looks like {file_kind(path).what}") as caught:
            read(path)
        assert "\n" not in str(caught.value)


def test_a_dataflow_alone_goes_with_hardware(tmp_path):
    (tmp_path / "hw.m").write_text(
        "num_pes: 64\nl1_size_cstr: 512\nl2_size_cstr: 65536\nnoc_bw_cstr: 64\noffchip_bw_cstr: 16\n"
    )
    (tmp_path / "flow.m").write_text("Dataflow { SpatialMap(1,1) K; Cluster(8,P); SpatialMap(1,1) C; }\n")
    machine = hwmodels.from_maestro(tmp_path / "hw.m", tmp_path / "flow.m")
    assert of_files([tmp_path / "flow.m", tmp_path / "hw.m"]) == machine
    assert (machine.levels[1].fanout_x, machine.levels[1].fanout_y) == (8, 8)
