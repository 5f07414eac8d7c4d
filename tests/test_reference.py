"""The reference page says what the docstrings say."""

from tests import reference


def test_the_page_is_the_code():
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), "run `make reference`"


def test_the_columns_of_the_nomenclature_are_the_registry():
    assert reference.WORDS.read_text(encoding="utf-8") == reference.words(), "run `make reference`"


def test_every_public_name_is_described():
    for line in reference.page().splitlines():
        if line.startswith("- **`") and "(" in line:
            assert not line.rstrip().endswith("**:"), line
