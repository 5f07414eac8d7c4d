import pytest

from tests.browser import chromium


@pytest.fixture(scope="session")
def browser():
    if chromium.binary() is None:
        pytest.skip("there is no Chromium on this machine")
    pytest.importorskip("plotly")
    found = chromium.Browser()
    yield found
    found.close()
