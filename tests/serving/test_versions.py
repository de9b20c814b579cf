"""Version folders appear complete, under the next number, and nothing is left behind."""

import subprocess
import sys

import pytest
from helpers import ROOT

from tf_seq2seq import InputError
from tf_seq2seq.serving import versions
from tf_seq2seq.serving.versions import check_free, hidden_folder, list_versions, publish


def new_version(directory, version=None):
    """Publish a folder with a file in it."""
    with hidden_folder(directory) as hidden:
        (hidden / "model").mkdir()
        (hidden / "model" / "saved_model.pb").write_bytes(b"model")
        return publish(hidden / "model", directory, version)


def test_versions_count_up_and_are_never_overwritten(tmp_path):
    assert new_version(tmp_path).name == "1"
    assert new_version(tmp_path, 7).name == "7"
    assert new_version(tmp_path).name == "8"
    assert list_versions(tmp_path) == [1, 7, 8]
    with pytest.raises(InputError, match=r"7 already exists; choose another version"):
        new_version(tmp_path, 7)
    with pytest.raises(InputError, match=r"8 already exists"):
        check_free(tmp_path, 8)
    assert check_free(tmp_path, 9) == tmp_path / "9"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "7", "8"]


def test_files_are_not_versions(tmp_path):
    for name in ("1", "12", "٣", "1a"):
        (tmp_path / name).write_text("a file")
    (tmp_path / "٤").mkdir()
    assert list_versions(tmp_path) == []
    assert new_version(tmp_path).name == "2"  # because a file has the name 1
    with pytest.raises(InputError, match="12 already exists"):
        new_version(tmp_path, 12)


def test_two_exports_at_once_take_two_versions(tmp_path, monkeypatch):
    first = new_version(tmp_path)
    # The second export looked before the first one appeared.
    monkeypatch.setattr(versions, "list_versions", lambda directory: [])
    assert (first.name, new_version(tmp_path).name) == ("1", "2")


def test_an_error_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyboardInterrupt), hidden_folder(tmp_path) as hidden:
        (hidden / "model").mkdir()
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_left_alone(tmp_path):
    with hidden_folder(tmp_path) as hidden:
        new_version(tmp_path)
        assert hidden.is_dir()
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


EXPORTER = """
import pathlib, sys, time
sys.modules["tensorflow"] = None  # a fast start: this part does not need it
from tf_seq2seq.serving.versions import hidden_folder
with hidden_folder(pathlib.Path(sys.argv[1])) as hidden:
    (hidden / "model").mkdir()
    print("ready", flush=True)
    time.sleep(60)
"""


def test_the_folder_of_a_killed_process_is_removed(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", EXPORTER, tmp_path], stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout.readline() == b"ready\n"
    process.kill()
    process.communicate()
    assert len(list(tmp_path.glob(".writing-*/model"))) == 1
    assert list_versions(tmp_path) == []
    path = new_version(tmp_path)
    assert list(tmp_path.iterdir()) == [path]
