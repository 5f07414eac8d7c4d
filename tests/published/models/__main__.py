"""Import every model of a fixed list, and compare MACs and parameters with PyTorch's own counts.

`python -m tests.published.models [NAME...]` makes `results.csv` from `models.csv`: the smallest variant of
each module of `timm.models`, without weights (on the meta device), and 48 configurations of transformers,
none with a download. It needs timm and transformers, which the project does not depend on. Rows that
`results.csv` holds already are kept unless they are named (`--failed` names those that differ, `--summary`
only counts).
"""

import csv
import gc
import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any, Final

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

import workloads
from tests.published.models.without_torchvision import without_torchvision

HERE: Final = Path(__file__).parent
COLUMNS: Final = ("library", "model", "macs", "counted_macs", "parameters", "counted_parameters", "said")


def listed() -> list[dict[str, str]]:
    """Rows of the list: library, module, model, and how it is made."""
    with (HERE / "models.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def held() -> dict[str, dict[str, str]]:
    """Results that there are, by model."""
    path = HERE / "results.csv"
    if not path.exists():
        return {}
    with path.open(newline="") as file:
        return {row["model"]: row for row in csv.DictReader(file)}


def made(row: dict[str, str]) -> tuple[nn.Module, Any]:
    """The module without weights, and an input for it."""
    if row["library"] == "timm":
        with without_torchvision():
            import timm

        with torch.device("meta"):
            model = timm.create_model(row["model"], pretrained=False).eval()
            return model, (torch.empty(1, *model.default_cfg["input_size"]),)
    import transformers

    how = json.loads(row["made"])
    config = transformers.AutoConfig.for_model(row["module"], **how.get("config", {}))
    model = getattr(transformers, how.get("class", "AutoModel")).from_config(config).eval()
    inputs = {
        name: torch.ones(shape, dtype=torch.long) if name.endswith("ids") else torch.rand(shape)
        for name, shape in how["inputs"].items()
    }
    return model, inputs | how.get("flags", {"use_cache": False} if "use_cache" in config.to_dict() else {})


def grouped_flops(rows: Any, weights: Any, *_: Any, **__: Any) -> int:
    """Operations of a grouped product, which PyTorch's counter leaves out: a row meets one matrix."""
    return int(2 * rows[0] * weights[-2] * weights[-1])


def counted_macs(model: nn.Module, inputs: Any) -> int:
    """MACs that PyTorch counts in one run, half of its operations."""
    torch.backends.mha.set_fastpath_enabled(False)
    model.requires_grad_(False)  # its tracker of modules trips over parameters among their inputs
    with (
        torch.no_grad(),
        sdpa_kernel(SDPBackend.MATH),
        FlopCounterMode(display=False, custom_mapping={torch.ops.aten._grouped_mm: grouped_flops}) as counter,
    ):
        if isinstance(inputs, dict):
            model(**inputs)
        else:
            model(*inputs)
    return counter.get_total_flops() // 2


def compared(row: dict[str, str]) -> dict[str, Any]:
    """One row of the results."""
    found: dict[str, Any] = {"library": row["library"], "model": row["model"]}
    try:
        model, inputs = made(row)
        found["counted_parameters"] = sum(p.numel() for p in model.parameters())
        found["counted_macs"] = counted_macs(model, inputs)
    except Exception as problem:
        return found | {"said": f"not run: {_short(problem)}"}
    try:
        net = workloads.from_torch(model, inputs)
    except Exception as problem:
        return found | {"said": f"refused: {_short(problem)}"}
    found |= {"macs": net.macs, "parameters": net.parameters}
    same = [found[name] == found[f"counted_{name}"] for name in ("macs", "parameters")]
    return found | {"said": "equal" if all(same) else "differs"}


def _short(problem: Exception) -> str:
    return f"{type(problem).__name__}: {' '.join(str(problem).split())[:200]}"


def main(names: list[str]) -> None:
    """Fill in the results, and count them."""
    warnings.simplefilter("ignore")
    results = held()
    if names == ["--failed"]:
        names = [name for name, row in results.items() if row["said"] != "equal"]
    for row in listed() if names != ["--summary"] else []:
        if (names and row["model"] not in names) or (not names and row["model"] in results):
            continue
        begun = time.perf_counter()
        results[row["model"]] = compared(row)
        print(
            row["model"], results[row["model"]]["said"], f"({time.perf_counter() - begun:.1f} s)", flush=True
        )
        gc.collect()
        order = [one["model"] for one in listed()]
        with (HERE / "results.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(results[name] for name in order if name in results)
    runs = [row for row in results.values() if not row["said"].startswith("not run")]
    equal = sum(row["said"] == "equal" for row in runs)
    print(f"{equal} of {len(results)} equal ({len(results) - len(runs)} do not run in PyTorch itself)")


if __name__ == "__main__":
    main(sys.argv[1:])
