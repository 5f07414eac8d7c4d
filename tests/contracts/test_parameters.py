"""No function takes more than eight parameters by position; what still does is named here.

Commands are apart (their parameters are options), and so are the kernels of the loop-nest engine below:
they hand arrays on one by one, since a tuple of arrays that goes through a call is counted as used, field by
field, which takes longer than what most of them do.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MOST = 8
COMMANDS = "dse/cli/commands/"
NEST = "hwmodels/kernels/nest/"
EXCEPTED = {
    NEST + "across.py": {"meet_paths", "search_pairs", "slide_outwards"},
    NEST + "beyond.py": {"extend_paths", "floor_level", "list_candidates", "list_rows", "price_row"},
    NEST + "cells.py": {"bound_cells", "fewest_words", "floor_links", "floor_tiles", "price_spread"},
    NEST + "cost.py": {"evaluate_rows"},
    NEST + "even.py": {"count_even", "sliding_fetches"},
    NEST + "labels.py": {"extend_level"},
    NEST + "lattice.py": {"search_cells"},
    NEST + "meet.py": {"advance", "meet", "whole_cost"},
    NEST + "outer.py": {"cost_outer"},
    NEST + "pairs.py": {"floor_pair", "list_pairs"},
    NEST + "prices.py": {"price_cell"},
    NEST + "ragged.py": {
        *("add_class", "case_product", "classify", "count_ragged", "fetches", "step_cases", "tile_cases"),
    },
    NEST + "search.py": {"cost_orders", "least_energy", "search_tilings", "tiles_fit"},
    NEST + "slide.py": {"exact_options", "order_options", "reuse_same_stride"},
    NEST + "window.py": {"rest_alone", "save_over_sets", "window_keeps"},
}


def by_position(node):
    """Parameters that a call may give by position, without the object or class itself."""
    names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
    return len(names) - (names[:1] in (["self"], ["cls"]))


def test_no_function_takes_more_than_eight_parameters_by_position():
    found = {}
    for package in ("dse", "hwmodels", "workloads"):
        for path in (ROOT / package).rglob("*.py"):
            name = path.relative_to(ROOT).as_posix()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                if function and by_position(node) > MOST and not name.startswith(COMMANDS):
                    found.setdefault(name, set()).add(node.name)
    assert found == EXCEPTED
