"""A report in the browser: from a front of 10,000 designs to the page, and to its first paint."""

import dataclasses
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd

import dse
from tests.browser import chromium

DESIGNS = 10_000
_LOADED = "performance.timing.loadEventEnd - performance.timing.navigationStart"
_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def main() -> None:
    """Print seconds to write the page, to its first paint, and to the figure (median of five)."""
    space = dse.named_space("edge").replace({"array.rows": [8, 16], "array.cols": [8, 12, 16]})
    front = dse.sweep("lenet5", space).front()
    rows = np.arange(DESIGNS) % len(front)
    index = pd.Index(np.arange(DESIGNS) % space.size, name="index")
    frame = front.frame.iloc[rows].set_axis(index, axis=0)
    noise = 1 + 0.5 * np.random.default_rng(0).random((DESIGNS, 3))
    columns = [objective.column for objective in front.objectives]
    frame[columns] *= noise
    begun = time.perf_counter()
    page = dataclasses.replace(front, frame=frame).to_html()
    seconds = time.perf_counter() - begun
    print(f"{DESIGNS:,} designs: page of {len(page) / 1e6:.1f} MB written in {seconds:.1f} s")
    if chromium.binary() is None:
        print("no Chromium on this machine: nothing is painted")
        return
    with TemporaryDirectory() as folder:
        file = Path(folder) / "front.html"
        file.write_text(page)
        browser = chromium.Browser()
        paints, figures = [], []
        for _ in range(5):
            browser.open(file)
            browser.ask("new Promise((done) => requestAnimationFrame(() => setTimeout(done, 500)))")
            paints.append(float(browser.ask(_PAINT)))
            figures.append(float(browser.ask(_LOADED)))
        browser.close()
    print(f"first paint {statistics.median(paints):.0f} ms, figure there {statistics.median(figures):.0f} ms")
