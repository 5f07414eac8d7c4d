"""Files written whole: what stands in the way is named before anything is written."""

import pytest

from dse.run.files import write_files


@pytest.mark.parametrize("name", ["page", ""])
def test_a_folder_where_a_file_should_be_is_said_and_nothing_is_written(tmp_path, name):
    (tmp_path / "page").mkdir()
    writers = {"table": lambda file: file.write_text("rows"), name: lambda file: file.write_text("page")}
    with pytest.raises(IsADirectoryError, match="is a folder, not a file"):
        write_files(tmp_path, writers)
    assert [file.name for file in tmp_path.iterdir()] == ["page"]
