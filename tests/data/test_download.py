"""Downloads from a server on loopback, covering every error that has a message."""

import errno
import gzip
import hashlib
import io
import os
import random
import socket
import threading
import time
import urllib.request
import zipfile
from pathlib import Path

import keras
import pytest

from tf_seq2seq.data import download
from tf_seq2seq.data.download import cache_dir, fetch, store
from tf_seq2seq.errors import InputError

CONTENT = random.Random(1).randbytes(300_000)
CHECK = {"size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new folder" / "corpus.txt"


@pytest.fixture
def get(server, path):
    """Fetch the server's `corpus.txt`, or another of its files."""
    server.files["corpus.txt"] = CONTENT

    def get(name="corpus.txt", **check):
        return fetch(server.url(name), path, origin="https://example.org", **(check or CHECK))

    return get


def is_complete(path: Path) -> bool:
    """Return whether the file is complete and alone in its folder."""
    return list(path.parent.iterdir()) == [path] and path.read_bytes() == CONTENT


class TestGoodFile:
    def test_is_stored_with_its_progress_shown(self, get, path, server, capsys):
        assert get() == path
        assert is_complete(path)
        assert server.requests == [download.AGENT]
        assert server.url("corpus.txt") in capsys.readouterr().out

    def test_is_requested_once(self, get, path, server):
        get()
        server.files.clear()
        assert get() == path
        assert len(server.requests) == 1

    def test_from_a_server_that_sends_no_length(self, get, path, server):
        server.sends_length = False
        get()
        assert is_complete(path)

    def test_after_a_redirect(self, get, path, server):
        server.moved["old.txt"] = "corpus.txt"
        get("old.txt", **CHECK)
        assert is_complete(path)

    def test_without_a_known_checksum_has_its_own_printed(self, get, path, capsys):
        get(sha256=None)
        assert is_complete(path)
        assert CHECK["sha256"] in capsys.readouterr().out

    def test_is_unpacked(self, get, path, server):
        server.files["other.gz"] = gzip.compress(CONTENT)
        get("other.gz", **CHECK)
        assert is_complete(path)

    def test_is_the_only_member_taken_from_a_zip_archive(self, get, path, server):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("../evil.txt", "evil")
            archive.writestr("corpus.txt", CONTENT)
        server.files["other.zip"] = file.getvalue()
        get("other.zip", **CHECK)
        assert is_complete(path)
        assert not list(path.parents[1].rglob("evil.txt"))

    def test_leaves_the_process_as_it_was(self, get):
        opener = urllib.request.build_opener()
        urllib.request.install_opener(opener)
        try:
            get()
            assert urllib.request._opener is opener
            assert socket.getdefaulttimeout() is None
        finally:
            urllib.request.install_opener(None)


class TestWrongFile:
    def refused(self, get, path, match, **arguments):
        with pytest.raises(InputError, match=match) as caught:
            get(**arguments)
        assert list(path.parent.iterdir()) == []
        return str(caught.value)

    def test_has_both_checksums_in_the_message_and_leaves_nothing(self, get, path, server):
        server.files["corpus.txt"] = CONTENT[:-1] + b"?"
        found = hashlib.sha256(server.files["corpus.txt"]).hexdigest()
        message = self.refused(get, path, f"expected the SHA-256 {CHECK['sha256']}, found {found}")
        assert server.url("corpus.txt") in message
        assert f"get corpus.txt manually from https://example.org and save it as {path}" in message

    def test_is_downloaded_again_once_it_is_right(self, get, path, server):
        server.files["corpus.txt"] = b"wrong"
        self.refused(get, path, "expected 300000 bytes, found 5")
        server.files["corpus.txt"] = CONTENT
        get()
        assert is_complete(path)
        assert len(server.requests) == 2

    def test_that_is_too_long(self, get, path, server):
        server.files["corpus.txt"] = CONTENT + b"?"
        self.refused(get, path, "expected 300000 bytes, found 300001", size=len(CONTENT))

    def test_is_checked_after_unpacking(self, get, path, server):
        server.files["other.gz"] = gzip.compress(CONTENT[1:])
        self.refused(get, path, "expected 300000 bytes, found 299999", name="other.gz", **CHECK)

    @pytest.mark.parametrize("name", ["a.gz", "a.zip"])
    @pytest.mark.parametrize("content", [b"<html>Sorry</html>", gzip.compress(CONTENT)[:-9]])
    def test_that_is_not_an_archive(self, get, path, server, name, content):
        server.files[name] = content
        self.refused(get, path, "unpacking it failed", name=name, size=None)

    def test_with_a_damaged_or_missing_member(self, get, path, server):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("corpus.txt", CONTENT)
        server.files["a.zip"] = file.getvalue().replace(CONTENT[500:600], bytes(100))
        self.refused(get, path, "Bad CRC-32", name="a.zip", size=None)
        server.files["a.zip"] = file.getvalue().replace(b"corpus.txt", b"corpse.txt")
        self.refused(get, path, "no item named 'corpus.txt'", name="a.zip", size=None)


class TestNoFile:
    def refused(self, get, path, match, name="corpus.txt"):
        with pytest.raises(InputError, match=rf"{name} cannot be downloaded \(.*{match}.*\): try"):
            get(name, **CHECK)
        assert list(path.parent.iterdir()) == []

    def test_missing_from_the_server(self, get, path, server):
        self.refused(get, path, "HTTP Error 404: Not Found", "gone.txt")
        assert len(server.requests) == 1

    def test_from_a_server_in_trouble(self, get, path, server):
        server.errors = [503]
        self.refused(get, path, "HTTP Error 503")
        get()
        assert is_complete(path)

    def test_complete_from_a_connection_that_breaks(self, get, path, server):
        server.breaks = [200_000]
        self.refused(get, path, "got only 200000 out of 300000 bytes")
        get()
        assert is_complete(path)

    def test_complete_from_a_connection_that_breaks_without_a_length(self, get, path, server):
        server.sends_length = False
        server.breaks = [200_000]
        with pytest.raises(InputError, match="expected 300000 bytes, found 200000"):
            get()
        assert list(path.parent.iterdir()) == []

    def test_from_no_server(self, path, server):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}/corpus.txt"
            with pytest.raises(InputError, match=r"cannot be downloaded \(.*[Cc]onnection refused"):
                fetch(url, path, origin="https://example.org")

    def test_from_an_unknown_host(self, path, server):
        with pytest.raises(InputError, match="cannot be downloaded"):
            fetch("http://host.invalid/corpus.txt", path, origin="https://example.org")

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (b"", "timed out"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "timed out"),
            (b"220 mail.example.org\r\n", "220 mail"),
        ],
    )
    def test_from_a_server_that_falls_silent_or_speaks_another_protocol(
        self, path, server, monkeypatch, answer, error
    ):
        monkeypatch.setattr(download, "TIMEOUT", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/corpus.txt"
            done = threading.Event()

            def serve():
                connection, _ = listener.accept()
                connection.sendall(answer)
                done.wait(5)
                connection.close()

            thread = threading.Thread(target=serve)
            thread.start()
            with pytest.raises(InputError, match=rf"cannot be downloaded \(.*{error}"):
                fetch(url, path, origin="https://example.org")
            done.set()
            thread.join()
        assert list(path.parent.iterdir()) == []


def test_a_partial_file_never_has_the_final_name(get, path, server):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/corpus.txt"
        errors = []

        def download():
            try:
                fetch(url, path, origin="https://example.org")
            except InputError as error:
                errors.append(str(error))

        thread = threading.Thread(target=download)
        thread.start()
        connection, _ = listener.accept()
        with connection:
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + bytes(99_000))
            deadline = time.monotonic() + 5
            while not (partial := list(path.parent.glob(".download-*/*"))):
                assert time.monotonic() < deadline
                time.sleep(0.01)
            assert partial != [path]
            assert not path.exists()
        thread.join()
        assert "got only 99000 out of 300000 bytes" in errors[0]


def test_the_remains_of_a_killed_download_do_not_count(get, path):
    remains = path.parent / ".download-1" / "file"
    remains.parent.mkdir(parents=True)
    remains.write_bytes(CONTENT[:1000])
    get()
    assert path.read_bytes() == CONTENT


class TestDisk:
    MESSAGE = r"cannot be written \(No space left on device\).*TF_SEQ2SEQ_CACHE"

    @pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
    def test_full_during_the_transfer(self, get, path, monkeypatch):
        get_file = keras.utils.get_file

        def to_full_disk(name, url, cache_dir, cache_subdir):
            (cache_dir / name).symlink_to("/dev/full")
            return get_file(name, url, cache_dir=cache_dir, cache_subdir="", force_download=True)

        monkeypatch.setattr(keras.utils, "get_file", to_full_disk)
        with pytest.raises(InputError, match=self.MESSAGE):
            get()
        assert list(path.parent.iterdir()) == []

    def test_full_at_the_end(self, get, path, monkeypatch):
        def full(*_):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(InputError, match=self.MESSAGE):
            get()
        with pytest.raises(InputError, match=self.MESSAGE):
            store(path, CONTENT)
        assert list(path.parent.iterdir()) == []

    def test_a_file_in_place_of_the_folder(self, get, path):
        path.parent.write_text("in the way")
        with pytest.raises(InputError, match=r"cannot be written \(File exists\)"):
            get()


def test_cache_dir(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("TF_SEQ2SEQ_CACHE", raising=False)
    assert cache_dir() == Path("/home/me/.cache/tf_seq2seq")
    monkeypatch.setenv("TF_SEQ2SEQ_CACHE", "~/elsewhere")
    assert cache_dir() == Path("/home/me/elsewhere")
