"""Timeloop's own outputs, where they are: mappings it found and the statistics it printed for them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3] / "shared" / "reference" / "data" / "timeloop"
REASON = "needs the Timeloop goldens in ../shared/reference/data/timeloop"

# Facts of the folder's README: Timeloop v3.0.3, cycles, energy in uJ; True where the optimum is proved.
TOTALS = {
    ("eyeriss_like", "fc_512_1000", "edp_linear_exhaustive"): (5120, 68.91, True),
    ("eyeriss_like", "fc_512_1000", "edp_random_pruned"): (5120, 68.91, False),
    ("eyeriss_like", "r18_l3_3x3", "edp_linear_exhaustive"): (688128, 710.59, True),
    ("eyeriss_like", "r18_l3_3x3", "edp_rp_2000"): (688128, 710.59, False),
    ("eyeriss_like", "r18_l3_3x3", "edp_rp_600"): (688128, 771.88, False),
    ("eyeriss_like", "r18_l2_3x3_s2", "edp_random_pruned"): (344064, 440.03, False),
    ("eyeriss_like", "r50_1x1_64_256_56", "edp_random_pruned"): (802816, 514.91, False),
    ("eyeriss_like", "vgg_conv3_2", "edp_rp_2000"): (11010048, 10812.32, False),
    ("simple_weight_stationary", "r18_l1_3x3", "edp_rp_600"): (451584, 2147.24, False),
    ("simple_output_stationary", "r18_l1_3x3", "edp_rp_600"): (451584, 1651.58, False),
    ("simba_like", "r18_l1_3x3", "edp_rp_600"): (451584, 118.72, False),
}
Case = tuple[str, str, str]


def folder(case: Case) -> Path:
    return ROOT.joinpath(*case)


def inputs(case: Case) -> list[Path]:
    """Architecture, constraints, energy, area and problem of a case."""
    return [*sorted((ROOT / case[0] / "inputs").glob("*.yaml")), folder(case) / "prob.yaml"]


_FIELDS = {
    "Utilized capacity": "tile_words",
    "Utilized instances (max)": "instances",
    "Scalar reads (per-instance)": "reads",
    "Scalar updates (per-instance)": "updates",
    "Scalar fills (per-instance)": "fills",
    "Energy (total)": "energy_pj",
}


def statistics(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """Counts by level and operand from a `stats.txt`."""
    levels: dict[str, dict[str, dict[str, float]]] = {}
    level = operand = ""
    for line in path.read_text().split("\nNetworks\n")[0].splitlines():
        if header := re.match(r"=== (\w+) ===", line):
            level, operand = header[1], ""
        elif header := re.match(r"    (\w+):$", line):
            operand = header[1]
        elif operand and (value := re.match(r"\s+([^:]+?)\s*: ([\d.]+)", line)) and value[1] in _FIELDS:
            levels.setdefault(level, {}).setdefault(operand, {})[_FIELDS[value[1]]] = float(value[2])
    return levels
