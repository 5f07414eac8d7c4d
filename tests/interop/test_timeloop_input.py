"""Bad Timeloop files: one line that names the file, the key and what would do."""

from pathlib import Path

import pytest

from hwmodels.interop.timeloop import TimeloopInputError, load, model

ARCHITECTURE = """
architecture:
  version: 0.3
  subtree:
  - name: system
    local:
    - {name: DRAM, class: DRAM, attributes: {width: 64, block-size: 4, word-bits: 16}}
    subtree:
    - name: chip
      local:
      - {name: buffer, class: SRAM, attributes: {depth: 64, width: 16, read_bandwidth: 2}}
      subtree:
      - name: PE[0..3]
        local:
        - {name: mac, class: intmac, attributes: {meshX: 4}}
ERT:
  version: 0.3
  tables:
  - {name: system.DRAM, actions: [{name: read, energy: 8}, {name: write, energy: 8}]}
  - name: system.chip.buffer
    actions: [{name: read, energy: 2}, {name: write, energy: 1}, {name: write, energy: 3}]
  - {name: "system.chip.PE[0..3].mac", actions: [{name: mac_random, energy: 1}]}
"""
PROBLEM = """
problem:
  shape: cnn-layer
  instance: {C: 4, K: 4, P: 3, Q: 1, R: 3, S: 1, N: 1, Wstride: 2}
"""
MAPPING = """
mapping:
- {target: DRAM, type: temporal, factors: K=4 P=3, permutation: PK}
- {target: buffer, type: temporal, factors: R3, permutation: R}
- {target: buffer, type: spatial, factors: C=0}
- {target: buffer, type: bypass, bypass: [Outputs]}
"""


def write(folder: Path, **files: str) -> list[Path]:
    paths = []
    for name, text in files.items():
        paths.append(folder / f"{name}.yaml")
        paths[-1].write_text(text)
    return paths


def test_a_small_project_by_hand(tmp_path: Path) -> None:
    project = load(write(tmp_path, arch=ARCHITECTURE, prob=PROBLEM, map=MAPPING))
    buffer = project.architecture.level("buffer")
    assert (buffer.capacity_words, buffer.fanout_x, buffer.fanout_y, buffer.fill_pj) == (64, 4, 1, 3.0)
    result = model(project)
    assert result.evaluation.compute_cycles == 4 * 3 * 3
    # One weight and one input for each of the four C lanes each cycle; the port gives two words a cycle.
    assert result.cycles == 36 * 4
    assert result.evaluation.bound == "buffer read port"
    assert result.levels["buffer"]["Weights"] == pytest.approx(
        {
            "reads": 144,
            "fills": 48,
            "updates": 0,
            "tile_words": 12,
            "instances": 1,
            "energy_pj": 144 * 2 + 48 * 3,
        }
    )
    # P steps by 2 under windows of 3: the later tiles of a sweep keep one row of three, in 4 channels.
    assert result.levels["buffer"]["Inputs"]["fills"] == 4 * (3 + 2 + 2) * 4
    assert result.levels["DRAM"]["Outputs"]["updates"] == 36
    assert result.levels["DRAM"]["Outputs"]["reads"] == 36 - 12


@pytest.mark.parametrize(
    ("section", "old", "new", "message"),
    [
        (
            "arch",
            "read_bandwidth",
            "read_bandwith",
            r"arch\.yaml: key .*read_bandwith' is not supported; supported attr",
        ),
        (
            "arch",
            "ERT:",
            "ERT2:",
            r"arch\.yaml: key 'ERT2' is not supported; supported sections: architecture",
        ),
        (
            "arch",
            "version: 0.3\n  subtree",
            "version: 0.9\n  subtree",
            r"unknown version 0.9; supported: 0.2, 0.3",
        ),
        ("arch", "name: mac_random", "name: fly", r"ERT of mac has none of the actions mac_random"),
        (
            "arch",
            "- name: system.chip.buffer",
            "- name: system.chip.other",
            r"no energy of buffer: give an ERT",
        ),
        (
            "arch",
            "depth: 64",
            "depth: many",
            r"arch\.yaml: .*depth: must be a number of at least 0, got 'many'",
        ),
        ("arch", "class: intmac", "class: XY_NoC", r"networks are not supported, got 'XY_NoC'"),
        (
            "prob",
            "cnn-layer",
            "cube",
            r"prob\.yaml: problem\.shape: unknown shape 'cube'; supported: cnn-layer",
        ),
        ("prob", "C: 4", "D: 4", r"problem\.instance\.D' is not supported; supported dimensions"),
        ("prob", "C: 4", "C: 0", r"problem\.instance\.C: must be a whole number of at least 1, got 0"),
        ("map", "target: DRAM", "target: SSD", r"unknown level 'SSD'; this architecture has buffer, DRAM"),
        ("map", "K=4 P=3", "K=4 Z=3", r"map\.yaml: mapping\[0\]\.factors: unknown dimension 'Z'"),
        (
            "map",
            "K=4 P=3",
            "K=2 P=3",
            r"map\.yaml: mapping: .*counts of K multiply to 2 and do not cover its bound 4",
        ),
        (
            "map",
            "bypass: [Outputs]",
            "bypass: [Sums]",
            r"unknown operand 'Sums'; .* has Weights, Inputs, Outputs",
        ),
        (
            "map",
            "type: temporal, factors: K",
            "type: timely, factors: K",
            r"unknown type 'timely'; supported: temporal",
        ),
        (
            "map",
            "permutation: R",
            "fold: R",
            r"key 'mapping\[1\]\.fold' is not supported; supported keys: ",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, section: str, old: str, new: str, message: str) -> None:
    texts = {"arch": ARCHITECTURE, "prob": PROBLEM, "map": MAPPING}
    assert old in texts[section]
    texts[section] = texts[section].replace(old, new, 1)
    with pytest.raises(TimeloopInputError, match=message) as caught:
        load(write(tmp_path, **texts))
    assert "\n" not in str(caught.value)


def test_missing_pieces_are_named(tmp_path: Path) -> None:
    arch, prob = write(tmp_path, arch=ARCHITECTURE, prob=PROBLEM)
    with pytest.raises(TimeloopInputError, match="no section 'problem' in these files"):
        load([arch])
    with pytest.raises(TimeloopInputError, match=r"nowhere\.yaml: cannot be read"):
        load([tmp_path / "nowhere.yaml"])
    with pytest.raises(TimeloopInputError, match=r"section 'problem' was already given by .*prob\.yaml"):
        load([arch, prob, prob])
    with pytest.raises(TimeloopInputError, match=r"no mapping in these files: give a section 'mapping'"):
        model(load([arch, prob]))


def test_a_mapping_that_does_not_fit_names_the_limit(tmp_path: Path) -> None:
    small = ARCHITECTURE.replace("depth: 64", "depth: 20")
    with pytest.raises(ValueError, match="it exceeds buffer capacity"):
        model(load(write(tmp_path, arch=small, prob=PROBLEM, map=MAPPING)))
