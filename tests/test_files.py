import os

import pytest

from tf_seq2seq.files import (
    first_line,
    in_chunks,
    remove_folder,
    write_atomically,
    write_folder_atomically,
    write_in_parts,
    write_together,
)


def test_a_file_is_replaced_when_the_context_ends(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with write_atomically(path) as new:
        new.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match="No space"), write_atomically(path) as new:
        new.write_text("half")
        raise OSError(28, "No space left on device")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interrupt_leaves_the_old_file(tmp_path):
    with pytest.raises(KeyboardInterrupt), write_atomically(tmp_path / "file"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_a_new_file_has_the_mode_that_open_would_give_it(tmp_path):
    (tmp_path / "usual").touch()
    with write_atomically(tmp_path / "file"):
        pass
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_file_that_is_written_in_parts_is_kept_until_the_first(tmp_path):
    path = tmp_path / "new" / "out.txt"
    with write_in_parts(path):
        assert path.read_text() == ""
    path.write_text("old")
    with pytest.raises(RuntimeError), write_in_parts(path) as write:
        raise RuntimeError
    assert path.read_text() == "old"
    with pytest.raises(RuntimeError), write_in_parts(path) as write:
        write(["a\n", "b\n"])
        write(f"{letter}\n" for letter in "cd")
        assert path.read_text() == "a\nb\nc\nd\n"
        raise RuntimeError
    assert path.read_text() == "a\nb\nc\nd\n"
    with write_in_parts(path):
        pass
    assert path.read_text() == ""


def test_a_pipe_is_written_in_parts():
    reader, writer = os.pipe()
    with write_in_parts(f"/dev/fd/{writer}") as write:
        write(["a\n"])
    os.close(writer)
    with os.fdopen(reader) as file:
        assert file.read() == "a\n"


def test_chunks_cover_all_items_in_order():
    assert list(in_chunks(range(5), size=2)) == [[0, 1], [2, 3], [4]]
    assert list(in_chunks(range(4), size=2)) == [[0, 1], [2, 3]]
    assert list(in_chunks([], size=2)) == []


def test_the_first_line_of_an_error():
    assert first_line(ValueError("\nbad header\nmore")) == "bad header"
    assert first_line(EOFError()) == "EOFError"


def test_files_appear_together_and_others_stay(tmp_path):
    folder = tmp_path / "new" / "folder"
    folder.mkdir(parents=True)
    (folder / "a").write_text("old a")
    (folder / "other").write_text("other")
    with write_together(folder) as new:
        (new / "a").write_text("new a")
        (new / "b").mkdir()
        (new / "b" / "c").write_text("new c")
        assert (folder / "a").read_text() == "old a"
        assert not (folder / "b").exists()
    contents = {
        p.relative_to(folder).as_posix(): p.read_text()
        for p in folder.rglob("[a-z]*")
        if p.is_file()
    }
    assert contents == {"a": "new a", "b/c": "new c", "other": "other"}
    assert len(list(folder.iterdir())) == 3


def test_a_failure_leaves_the_older_files_and_nothing_else(tmp_path):
    (tmp_path / "a").write_text("old")
    with pytest.raises(KeyboardInterrupt), write_together(tmp_path) as new:
        (new / "a").write_text("half")
        raise KeyboardInterrupt
    assert (tmp_path / "a").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


def test_a_folder_is_created_for_files_that_appear_together(tmp_path):
    with write_together(tmp_path / "x" / "y") as new:
        (new / "a").write_text("a")
    assert (tmp_path / "x" / "y" / "a").read_text() == "a"


def test_a_folder_appears_complete(tmp_path):
    folder = tmp_path / "folder"
    for content in ("old", "new"):
        with write_folder_atomically(folder) as new:
            (new / content).write_text(content)
            assert not (folder / "new").exists()
        assert [path.name for path in folder.iterdir()] == [content]
        assert list(tmp_path.iterdir()) == [folder]
    (tmp_path / "usual").mkdir()
    assert folder.stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_a_failure_leaves_the_older_folder(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with pytest.raises(KeyboardInterrupt), write_folder_atomically(folder) as new:
        (new / "a").write_text("half")
        raise KeyboardInterrupt
    assert list(tmp_path.rglob("*")) == [folder]


def test_a_folder_disappears_at_once(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").touch()
    with monkeypatch.context() as patch:

        def killed(path):
            raise KeyboardInterrupt

        patch.setattr("shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove_folder(folder)
    (hidden,) = tmp_path.iterdir()
    assert hidden.name.startswith(".folder-")
    folder.mkdir()
    remove_folder(folder)
    assert list(tmp_path.iterdir()) == [hidden]
