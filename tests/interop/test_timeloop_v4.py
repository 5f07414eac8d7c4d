"""Timeloop v0.4: nodes, expressions, templates; the machine as v0.3 writes it, and Timeloop's figures."""

from pathlib import Path

import pytest

from hwmodels.interop.expressions import ExpressionError, evaluate
from hwmodels.interop.timeloop import TimeloopInputError, load, map_project, model
from hwmodels.interop.timeloop_report import map_report
from tests.interop.test_timeloop_input import write

# The inline file of a user's report, with a problem that its constraint fits.
ARCH = """
architecture:
  version: 0.4
  nodes:
  - !Container
    name: chip
    attributes: {technology: "45nm", global_cycle_seconds: 1e-9}
  - !Component
    name: DRAM
    class: DRAM
    attributes: {width: 64, datawidth: 8}
  - !Component
    name: Buffer
    class: SRAM
    attributes: {depth: 4096, width: 64, datawidth: 8}
    constraints: {temporal: {factors_only: [C=8]}}
  - !Container
    name: PE
    spatial: {meshX: 4}
  - !Component
    name: mac
    class: intmac
    attributes: {width: 8}
"""
PROBLEM = """
problem:
  version: 0.4
  shape: cnn-layer
  instance: {C: 8, M: 4, P: 3, Q: 1, R: 1, S: 1, N: 1}
"""
ERT = """
ERT:
  version: 0.4
  tables:
  - name: chip_top_level.DRAM[1..1]
    actions: [{name: read, energy: 512.0}, {name: write, energy: 512.0}, {name: update, energy: 500.0}]
  - name: chip_top_level.Buffer[1..1]
    actions:
    - {name: read, energy: 8.0}
    - {name: write, energy: 7.0}
    - {name: update, energy: 6.0}
    - {name: leak, energy: 0.5}
  - {name: "chip_top_level.mac[1..4]", actions: [{name: compute, energy: 0.25}, {name: leak, energy: 0.1}]}
"""
# The same in v0.3, whose trees have no constraints inside.
ARCH_V3 = """
architecture:
  version: 0.3
  subtree:
  - name: chip
    local:
    - {name: DRAM, class: DRAM, attributes: {width: 64, word-bits: 8}}
    - {name: Buffer, class: SRAM, attributes: {depth: 4096, width: 64, word-bits: 8}}
    - {name: "mac[0..3]", class: intmac, attributes: {meshX: 4}}
architecture_constraints:
  targets:
  - {target: Buffer, type: temporal, factors: C=8 M=1 P=1 Q=1 R=1 S=1 N=1}
"""
MAPPING = """
mapping:
- {target: DRAM, type: temporal, factors: [P=3], permutation: [P]}
- {target: Buffer, type: temporal, factors: [C=8]}
- {target: PE, type: spatial, factors: [M=4]}
"""


def test_it_reads_what_v3_writes_otherwise(tmp_path: Path) -> None:
    v4 = load(write(tmp_path, arch=ARCH, prob=PROBLEM, ert=ERT, map=MAPPING))
    prices = ERT.replace("version: 0.4", "version: 0.3").replace("chip_top_level.mac[1..4]", "chip.mac[0..3]")
    v3 = load(write(tmp_path, arch3=ARCH_V3, prob=PROBLEM, ert3=prices))
    for mine, theirs in zip(v4.architecture.levels, v3.architecture.levels, strict=True):
        assert (mine.name, mine.capacity_words, mine.block_words) == (
            theirs.name,
            theirs.capacity_words,
            theirs.block_words,
        )
        assert (mine.fanout_x, mine.fanout_y, mine.instances) == (
            theirs.fanout_x,
            theirs.fanout_y,
            theirs.instances,
        )
    assert v4.architecture.macs == v3.architecture.macs == 4
    assert v4.constraints.at("Buffer").temporal == v3.constraints.at("Buffer").temporal
    assert v4.mapping is not None
    assert v4.mapping.levels[0].spatial_x == (("M", 4),)  # of PE, which the level outside it feeds


def test_costs_by_hand(tmp_path: Path) -> None:
    result = model(load(write(tmp_path, arch=ARCH, prob=PROBLEM, ert=ERT, map=MAPPING)))
    assert result.cycles == 24
    # Blocks of eight words: 32 weights and 8 inputs a P, 4 outputs a P; leakage is the buffer's.
    buffer = result.levels["Buffer"]
    assert (buffer["Weights"]["reads"], buffer["Inputs"]["reads"], buffer["Outputs"]["updates"]) == (
        96,
        24,
        96,
    )
    assert buffer["Weights"]["energy_pj"] == 96 / 8 * 8.0 + 32 / 8 * 7.0
    assert result.levels["DRAM"]["Outputs"]["energy_pj"] == -(-12 // 8) * 500.0
    assert result.evaluation.energy_by_component_pj["leakage"] == pytest.approx(24 * 0.5)
    assert result.evaluation.energy_by_component_pj["mac"] == 96 * 0.25


def test_without_an_ert_our_components_price_it_and_a_note_says_so(tmp_path: Path) -> None:
    report = map_report(write(tmp_path, arch=ARCH, prob=PROBLEM))
    assert report["cycles"] == 24
    assert report["energy_uj"] > 0
    assert any("no ERT was given" in note for note in report["notes"])
    bare = ARCH.replace('technology: "45nm", ', "")
    with pytest.raises(
        TimeloopInputError, match=r"no energy of Buffer: give an ERT file .* technology such as"
    ):
        load(write(tmp_path, arch=bare, prob=PROBLEM))


# Conv1D with output channels on three levels, RegisterFile holding outputs only: the exercises' tutorial 03.
TUTORIAL = """
architecture:
  version: 0.4
  nodes:
  - !Container {name: System, attributes: {technology: "40nm", global_cycle_seconds: 1e-9}}
  - !Component {name: MainMemory, class: DRAM, attributes: {width: 256, datawidth: 8}}
  - !Component {name: GlobalBuffer, class: SRAM, attributes: {depth: 32768, width: 64, datawidth: 8}}
  - !Container {name: PE}
  - !Component {name: RegisterFile, class: regfile, attributes: {depth: 64, width: 8, datawidth: 8}}
  - !Component {name: MACC, class: intmac, attributes: {width: 8}}
problem:
  version: 0.4
  shape:
    name: Conv1D_OC
    dimensions: [K, R, P]
    data_spaces:
    - {name: Weights, projection: [[[K]], [[R]]]}
    - {name: Inputs, projection: [[[R], [P]]]}
    - {name: Outputs, projection: [[[K]], [[P]]], read_write: True}
  instance: {K: 32, R: 3, P: 16}
mapping:
- {target: MainMemory, type: temporal, factors: R=1 P=1 K=1, permutation: PRK}
- {target: GlobalBuffer, type: temporal, factors: R=1 P=16 K=16, permutation: PRK}
- {target: RegisterFile, type: temporal, factors: R=3 P=1 K=2, permutation: RPK}
- {target: GlobalBuffer, type: dataspace, keep: [Weights, Inputs], bypass: [Outputs]}
- {target: RegisterFile, type: dataspace, keep: [Outputs], bypass: [Weights, Inputs]}
"""
TUTORIAL_PJ = {
    "MainMemory": (2048.0, 2048.0, 2048.0, 0.0),
    "GlobalBuffer": (43.353054, 30.878292, 30.878292, 0.007972),
}
TUTORIAL_PJ["RegisterFile"] = (0.42564, 0.42564, 0.42564, 0.000861)


def tutorial_ert() -> str:
    lines = ["ERT:", "  version: '0.4'", "  tables:"]
    for name, prices in TUTORIAL_PJ.items():
        lines += [f"  - name: System_top_level.{name}[1..1]", "    actions:"]
        actions = zip(("read", "write", "update", "leak"), prices, strict=True)
        lines += [f"    - {{name: {action}, energy: {energy}}}" for action, energy in actions]
    lines += ["  - name: System_top_level.MACC[1..1]", "    actions: [{name: compute, energy: 0.845}]"]
    return "\n".join(lines)


@pytest.mark.published
def test_the_tutorials_own_figures(tmp_path: Path) -> None:
    """timeloop-accelergy-exercises, 2020 tutorial 03, reference output with bypass; 1,536 MACs."""
    result = model(load(write(tmp_path, all=TUTORIAL, ert=tutorial_ert())))
    assert result.cycles == 1536
    by_component = result.evaluation.energy_by_component_pj
    printed_pj = {
        "MainMemory": 40960.0,
        "GlobalBuffer": 8694.33 + 8416.42,
        "RegisterFile": 1089.64,
        "MACC": 1297.92,
    }
    for name, energy_pj in printed_pj.items():
        assert by_component[name] == pytest.approx(energy_pj, abs=0.011)
    assert by_component["leakage"] == pytest.approx(1.32 + 12.24, abs=0.011)
    assert result.energy_uj == pytest.approx(39369.71e-9 * 1536, rel=1e-6)


TWO_FANS = """
architecture:
  version: 0.4
  nodes:
  - !Container {name: system, attributes: {technology: "45nm"}}
  - !Component {name: DRAM, class: DRAM, attributes: {width: 64, datawidth: 8}}
  - !Component {name: glb, class: SRAM, attributes: {depth: 1024, width: 64, datawidth: 8}}
  - !Container {name: column, spatial: {meshX: 3}, constraints: {spatial: {factors_only: [M<=3], split: 99}}}
  - !Container {name: row, spatial: {meshY: 2}, constraints: {spatial: {factors_only: [C<=2], split: 0}}}
  - !Parallel
    nodes:
    - !Component
      name: weights
      class: storage
      subclass: smartbuffer_RF
      attributes: {depth: 16, width: 8, datawidth: 8}
      constraints: {dataspace: {keep: [Weights]}}
    - !Component
      name: sums
      class: storage
      subclass: smartbuffer_RF
      attributes: {depth: 16, width: 16, datawidth: 16}
      constraints: {dataspace: {keep_only: [Outputs]}}
    - !Nothing {constraints: {dataspace: {keep: [Inputs]}}}
  - !Component {name: mac, class: intmac, attributes: {multiplier_width: 8, adder_width: 16}}
"""


def test_two_fan_outs_in_a_row_and_a_parallel_branch(tmp_path: Path) -> None:
    project = load(write(tmp_path, arch=TWO_FANS, prob=PROBLEM))
    names = [level.name for level in project.architecture.levels]
    assert names == ["sums", "weights", "inter_row_spatial", "glb", "DRAM"]
    spread = [(level.fanout_x, level.fanout_y) for level in project.architecture.levels]
    assert spread == [(1, 1), (1, 1), (1, 2), (3, 1), (1, 1)]
    at = project.constraints.at
    assert at("inter_row_spatial").bypass == {"Weights", "Inputs", "Outputs"}
    assert (at("weights").keep, at("weights").bypass) == ({"Weights"}, {"Inputs", "Outputs"})
    assert (at("sums").keep, at("sums").bypass) == ({"Outputs"}, {"Inputs", "Weights"})
    assert at("glb").spatial.range("M") == (1, 3)
    assert at("glb").spatial.range("C") == (1, 1)
    result, certificate = map_project(project, "latency")
    assert certificate.optimal
    assert result.cycles == 8 * 4 * 3 // (2 * 2)  # M spreads by 2, which divides its 4, and C by 2


TOP = """
{{add_to_path(cwd() ~ '/parts')}}
{%set problem = problem | default('problem.yaml')%}
problem: {{include(problem, 'problem')}}
architecture: {{include('arch.yaml', 'architecture')}}
variables: {version: 0.4, technology: "45nm", BITS: {{bits|default(8)}}, WIDE: BITS * 8}
components: {version: 0.4, classes: {{include_all('classes/*.yaml', 'compound_components.classes')}}}
{% if path_exists('nowhere.yaml') %}
mapper: {{include('nowhere.yaml')}}
{% endif %}
"""


def templates(folder: Path) -> Path:
    parts = folder / "parts"
    (parts / "classes").mkdir(parents=True)
    (parts / "problem.yaml").write_text(PROBLEM)
    text = ARCH.replace('technology: "45nm", ', "").replace(
        "width: 64, datawidth: 8", "width: WIDE, datawidth: BITS"
    )
    (parts / "arch.yaml").write_text(text)
    for name in "ab":
        (parts / "classes" / f"{name}.yaml").write_text(
            f"compound_components: {{version: 0.4, classes: [{{name: {name}, attributes: {{}}}}]}}"
        )
    (folder / "top.yaml.jinja2").write_text(TOP)
    return folder / "top.yaml.jinja2"


def test_templates_include_and_default(tmp_path: Path) -> None:
    top = templates(tmp_path)
    whole = load([top])
    assert whole.architecture.level("Buffer").word_bits == 8
    assert whole.architecture.level("Buffer").capacity_words == 4096 * 8
    assert load([top], values={"bits": 16}).architecture.level("Buffer").word_bits == 16


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("bits|default(8)", "bits", r"is a template, and 'bits' is undefined: give it a value"),
        ("'problem.yaml'", "'lost.yaml'", r"names the file 'lost.yaml', which is not there"),
        (
            "'arch.yaml', 'architecture'",
            "'arch.yaml', 'arch'",
            r"includes 'arch' of a file that does not have it",
        ),
        ("{{bits|default(8)}}", "{% for i in range(9) %}{% endfor %}", r"For in a template is not supported"),
        ("{{bits|default(8)}}", "{{ 'a' * 10**9 }}", r"in a template is not supported"),
        ("{{bits|default(8)}}", "{{ ''.__class__ }}", r"Getattr in a template is not supported"),
        ("{% endif %}", "", r"is no template \(line \d+: "),
        ("'arch.yaml', 'architecture'", "cwd() ~ '/top.yaml.jinja2'", r"includes more than .* or itself"),
    ],
)
def test_a_bad_template_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    top = templates(tmp_path)
    assert old in TOP
    top.write_text(TOP.replace(old, new))
    with pytest.raises(TimeloopInputError, match=message) as raised:
        load([top])
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12 * 34", 408),
        ("ceil(log2(depth)) if depth >= 1 else 1", 7),
        ('glb.attributes["width"] // 8', 8),
        ("max(32, width) ** 2", 1024),
        ("-depth + 1", -99),
        ("len(spec.problem.instance)", 2),
        ("pow(2, 10) + (1 << 4)", 1040),
        ("prod([2, 3, 4]) + sum((1, 2))", 27),
        ("depth > 3 and width or 7", 16),
        ("not (depth < 3 or width == 16)", False),
        ("comb(5, 2) + factorial(4) + gcd(12, 18)", 40),
        ("~5", -6),
        ("('LP' + 'DDR4')", "LPDDR4"),
        ("45nm", "45nm"),
        ("LPDDR4", "LPDDR4"),
        ("__import__('os').system('x')", "__import__('os').system('x')"),
        ("[x for x in y]", "[x for x in y]"),
        ("'a' * 1000", "'a' * 1000"),
    ],
)
def test_expressions(text: str, value: object) -> None:
    names = {
        "depth": 100,
        "width": 16,
        "glb": {"attributes": {"width": 64}},
        "spec": {"problem": {"instance": {"C": 1, "M": 2}}},
    }
    assert evaluate(text, names) == value


def test_a_problem_is_worked_out_with_the_variables(tmp_path: Path) -> None:
    plain = load(write(tmp_path, arch=ARCH, prob=PROBLEM, ert=ERT, map=MAPPING))
    named = PROBLEM.replace("C: 8, M: 4", "C: CHANNELS * 2, M: 'max(CHANNELS, 2)'")
    values = "variables: {version: 0.4, HALF: 2, CHANNELS: HALF * 2}\n"
    worked = load(write(tmp_path, arch=values + ARCH, prob=named, ert=ERT, map=MAPPING))
    assert worked.problem.bounds == plain.problem.bounds
    assert model(worked).cycles == model(plain).cycles
    with pytest.raises(TimeloopInputError, match=r"instance\.C: must be a whole number .* 'CHANNELS \* 2'"):
        load(write(tmp_path, arch=ARCH, prob=named, ert=ERT, map=MAPPING))


GROWING = ("1 << 100", "pow(9, 999)", "factorial(1000)", "comb(500, 250)", "[1][3]", "sum(7)")


@pytest.mark.parametrize(
    "text", ["1 / 0", "9**9**9", "10**64 * 10", "log2(0)", "log2(1, 2, 3)", "min()", *GROWING]
)
def test_expressions_without_a_value(text: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(text, {})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("depth: 4096", "dept: 4096", r"'dept' is not supported; did you mean 'depth'"),
        ("meshX: 4", "meshX: 1 / 0", r"meshX: '1 / 0' has no value"),
        ("meshX: 4", "meshX: 4000000000", r"must be at most 2,147,483,647"),
        ("class: SRAM", "class: XY_NoC", r"networks are not supported, got 'XY_NoC'"),
        ("class: intmac", "class: SRAM", r"the last component must compute"),
        ("!Container\n    name: PE", "!Cage\n    name: PE", r"is no YAML \(line 17: could not determine"),
        ("factors_only: [C=8]", "factors_only: [C=8], no_such: 1", r"no_such' is not supported"),
        ("temporal: {", "temporally: {", r"temporally' is not supported"),
        ("name: PE\n", "name: PE[0..3]\n", r"'PE\[0..3\]' says how many there are as v0.3 does"),
        ("version: 0.4", "version: 0.5", r"unknown version '?0.5'?; supported: 0.4"),
    ],
)
def test_a_bad_architecture_is_one_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in ARCH
    with pytest.raises(TimeloopInputError, match=message) as raised:
        load(write(tmp_path, arch=ARCH.replace(old, new, 1), prob=PROBLEM))
    assert "\n" not in str(raised.value)
