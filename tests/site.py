"""Builds the documentation as a site: `make site` writes build/site/html, strictly: no link is broken."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
_TOP = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def gather(folder: Path) -> None:
    """Copy the pages into a folder, those at the top of the project too, and mend the links between them."""
    pages = folder / "docs"
    shutil.copytree(ROOT / "docs", pages, ignore=shutil.ignore_patterns("mkdocs.yml"))
    for name, page in _TOP.items():
        text = (ROOT / name).read_text(encoding="utf-8").replace("](docs/", "](")
        (pages / page).write_text(text.replace('src="docs/', 'src="'), encoding="utf-8")
    for page in pages.glob("*.md"):
        page.write_text(_linked(page.read_text(encoding="utf-8")), encoding="utf-8")
    config = yaml.safe_load((ROOT / "docs" / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = {page for entry in config["nav"] for page in _pages(entry)}
    more = sorted({page.name for page in pages.glob("*.md")} - listed)
    if more:
        config["nav"].append({"More": more})
    (folder / "mkdocs.yml").write_text(yaml.safe_dump(config, sort_keys=False), encoding="utf-8")


def _linked(text: str) -> str:
    """Links to the pages at the top by their place on the site; links to code and notebooks as words."""
    for name, page in _TOP.items():
        text = re.sub(rf"\]\((?:\.\./)?{re.escape(name)}", f"]({page}", text)
    return re.sub(r"\[([^\]]+)\]\((?:\.\./)?(?:notebooks|hwmodels|dse|workloads|tests)/[^)]*\)", r"\1", text)


def _pages(entry: object) -> list[str]:
    if isinstance(entry, str):
        return [entry]
    values = entry.values() if isinstance(entry, dict) else entry
    return [page for value in values for page in _pages(value)]  # type: ignore[attr-defined]


def build(folder: Path) -> subprocess.CompletedProcess[str]:
    """Gather the pages into a folder and build the site in its `html`; a warning of MkDocs is an error."""
    gather(folder)
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--config-file", "mkdocs.yml"]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(
        [*command, "--site-dir", "html"], cwd=folder, env=quiet, capture_output=True, text=True, check=False
    )


if __name__ == "__main__":
    place = ROOT / "build" / "site"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    done = build(place)
    sys.stderr.write(done.stderr)
    print(f"wrote {place.relative_to(ROOT)}/html" if done.returncode == 0 else "the site was not built")
    sys.exit(done.returncode)
