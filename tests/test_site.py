"""The documentation builds as a site without a warning: no broken link, no page outside of its order."""

from importlib.util import find_spec

import pytest

from tests import site

needs = pytest.mark.skipif(
    find_spec("material") is None, reason="mkdocs-material (extra docs) is not installed"
)


@needs
def test_a_broken_link_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(site, "_linked", lambda text: text + "\n[nowhere](nowhere.md)\n")
    done = site.build(tmp_path)
    assert done.returncode != 0
    assert "nowhere.md" in done.stderr


@needs
def test_the_site_builds_strictly(tmp_path):
    done = site.build(tmp_path)
    assert done.returncode == 0, done.stderr
    pages = {page.name for page in (tmp_path / "html").glob("*.html")}
    assert {"index.html", "tutorial.html", "how_to.html", "reference.html", "validation.html"} <= pages
    text = (tmp_path / "html" / "index.html").read_text()
    assert "fonts.googleapis" not in text
