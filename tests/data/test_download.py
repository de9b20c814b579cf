"""Transfers from a server on loopback, with each fault that there is a sentence for."""

import gzip
import hashlib
import io
import random
import socket
import threading
import time
import zipfile
from pathlib import Path

import pytest

from tf_seq2seq.data import download
from tf_seq2seq.data.download import cache_dir, fetch
from tf_seq2seq.errors import InputError

CONTENT = random.Random(1).randbytes(300_000)
CHECK = {"size": len(CONTENT), "sha256": hashlib.sha256(CONTENT).hexdigest()}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new folder" / "corpus.txt"


@pytest.fixture
def get(server, path):
    """Fetches the server's `corpus.txt`, or another of its files."""
    server.files["corpus.txt"] = CONTENT

    def get(name="corpus.txt", **check):
        return fetch(server.url(name), path, origin="https://example.org", **(check or CHECK))

    return get


def only(path: Path) -> bool:
    """Whether the file is there, whole, and nothing beside it."""
    return list(path.parent.iterdir()) == [path] and path.read_bytes() == CONTENT


class TestGoodFile:
    def test_arrives_and_shows_its_progress(self, get, path, server, capsys):
        assert get() == path
        assert only(path)
        assert server.requests == [None]
        shown = capsys.readouterr().out
        assert server.url("corpus.txt") in shown
        assert f"{len(CONTENT)}/{len(CONTENT)}" in shown

    def test_is_asked_for_once(self, get, path, server):
        get()
        server.files.clear()
        assert get() == path
        assert len(server.requests) == 1

    def test_without_a_length_from_the_server(self, get, path, server):
        server.tells_length = False
        get()
        assert only(path)

    def test_without_a_known_check_sum_has_its_own_printed(self, get, path, capsys):
        get(sha256=None)
        assert only(path)
        assert CHECK["sha256"] in capsys.readouterr().out

    def test_is_unpacked(self, get, path, server):
        server.files["other.gz"] = gzip.compress(CONTENT)
        get("other.gz", **CHECK)
        assert only(path)

    def test_is_taken_out_of_a_zip_archive_and_nothing_else(self, get, path, server):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("../evil.txt", "evil")
            archive.writestr("corpus.txt", CONTENT)
        server.files["other.zip"] = file.getvalue()
        get("other.zip", **CHECK)
        assert only(path)
        assert not (path.parent.parent / "evil.txt").exists()


class TestWrongFile:
    def refused(self, get, path, match, **arguments):
        with pytest.raises(InputError, match=match) as caught:
            get(**arguments)
        assert list(path.parent.iterdir()) == []
        return str(caught.value)

    def test_names_both_check_sums_and_leaves_nothing(self, get, path, server):
        server.files["corpus.txt"] = CONTENT[:-1] + b"?"
        found = hashlib.sha256(server.files["corpus.txt"]).hexdigest()
        message = self.refused(get, path, f"expected the SHA-256 {CHECK['sha256']}, found {found}")
        assert server.url("corpus.txt") in message
        assert f"get corpus.txt by hand from https://example.org and save it as {path}" in message

    def test_can_be_had_once_it_is_right(self, get, path, server):
        server.files["corpus.txt"] = b"wrong"
        self.refused(get, path, "expected 300000 bytes, found 5")
        server.files["corpus.txt"] = CONTENT
        get()
        assert only(path)
        assert server.requests == [None, None]

    def test_is_checked_unpacked(self, get, path, server):
        server.files["other.gz"] = gzip.compress(CONTENT[1:])
        self.refused(get, path, "expected 300000 bytes, found 299999", name="other.gz", **CHECK)

    @pytest.mark.parametrize("name", ["a.gz", "a.zip"])
    @pytest.mark.parametrize("content", [b"<html>Sorry</html>", gzip.compress(CONTENT)[:-9]])
    def test_that_is_no_archive(self, get, path, server, name, content):
        server.files[name] = content
        self.refused(get, path, "unpacking it failed", name=name, size=None)

    def test_a_damaged_or_missing_member(self, get, path, server):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr("corpus.txt", CONTENT)
        server.files["a.zip"] = file.getvalue().replace(CONTENT[500:600], bytes(100))
        self.refused(get, path, "Bad CRC-32", name="a.zip", size=None)
        server.files["a.zip"] = file.getvalue().replace(b"corpus.txt", b"corpse.txt")
        self.refused(get, path, "no item named 'corpus.txt'", name="a.zip", size=None)


class TestBrokenConnection:
    def test_goes_on_where_it_broke(self, get, path, server):
        server.breaks = [200_000, 50_000]
        get()
        assert only(path)
        assert server.requests == [None, "bytes=200000-", "bytes=250000-"]

    def test_gives_up_after_some_attempts_and_keeps_what_it_has(self, get, path, server):
        server.breaks = [1000, 1000, 1000, 1000]
        with pytest.raises(InputError, match="the connection broke after 4000 of 300000 bytes"):
            get()
        assert server.requests == [None, "bytes=1000-", "bytes=2000-", "bytes=3000-"]
        assert path.with_name("corpus.txt.part").read_bytes() == CONTENT[:4000]
        get()
        assert only(path)
        assert server.requests[4:] == ["bytes=4000-"]

    def test_goes_on_through_a_redirect(self, get, path, server):
        server.moved["old.txt"] = "corpus.txt"
        server.breaks = [200_000]
        get("old.txt", **CHECK)
        assert only(path)
        assert server.requests == [None, "bytes=200000-"]

    def test_starts_afresh_if_the_server_sends_no_parts(self, get, path, server):
        server.sends_parts = False
        server.breaks = [200_000]
        get()
        assert only(path)
        assert server.requests == [None, "bytes=200000-"]

    @pytest.mark.parametrize("stale", [CONTENT, CONTENT + b"more"])
    def test_starts_afresh_where_there_is_no_more_to_send(self, get, path, server, stale):
        path.parent.mkdir()
        path.with_name("corpus.txt.part").write_bytes(stale)
        get()
        assert only(path)
        assert server.requests == [f"bytes={len(stale)}-", None]

    def test_what_is_left_of_another_file_is_noticed(self, get, path, server):
        path.parent.mkdir()
        path.with_name("corpus.txt.part").write_bytes(b"another")
        with pytest.raises(InputError, match="expected the SHA-256"):
            get()
        get()
        assert only(path)

    def test_a_server_in_trouble_is_tried_again(self, get, path, server):
        server.errors = [503, 500]
        get()
        assert only(path)
        assert len(server.requests) == 3

    def test_pauses_before_each_further_attempt(self, get, server, monkeypatch):
        pauses = []
        monkeypatch.setattr(download, "PAUSES", (1.0, 2.0, 4.0))
        monkeypatch.setattr(download.time, "sleep", pauses.append)
        server.errors = [503] * 4
        with pytest.raises(InputError, match="HTTP Error 503"):
            get()
        assert pauses == [1.0, 2.0, 4.0]


class TestNoFile:
    def test_missing_from_the_server(self, get, path, server):
        message = (
            r"gone\.txt cannot be downloaded \(HTTP Error 404: Not Found\): .* get corpus\.txt"
        )
        with pytest.raises(InputError, match=message):
            get("gone.txt")
        assert len(server.requests) == 1
        assert list(path.parent.iterdir()) == []

    def test_no_server(self, path, server):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}/corpus.txt"
            with pytest.raises(InputError, match=r"cannot be downloaded \(.*[Cc]onnection refused"):
                fetch(url, path, origin="https://example.org")

    def test_no_such_host(self, path, server):
        with pytest.raises(InputError, match="cannot be downloaded"):
            fetch("http://host.invalid/corpus.txt", path, origin="https://example.org")

    @pytest.mark.parametrize(
        ("answer", "fault", "kept"),
        [
            (b"", "timed out", None),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "timed out", b"half"),
            (b"220 mail.example.org\r\n", "220 mail", None),
        ],
    )
    def test_a_server_that_falls_silent_or_is_none(
        self, path, server, monkeypatch, answer, fault, kept
    ):
        monkeypatch.setattr(download, "TIMEOUT", 0.2)
        monkeypatch.setattr(download, "PAUSES", ())
        with socket.create_server(("127.0.0.1", 0)) as listener:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/corpus.txt"

            def serve():
                connection, _ = listener.accept()
                connection.sendall(answer)
                time.sleep(0.5)
                connection.close()

            thread = threading.Thread(target=serve)
            thread.start()
            with pytest.raises(InputError, match=rf"cannot be downloaded \(.*{fault}"):
                fetch(url, path, origin="https://example.org")
            thread.join()
        part = path.with_name("corpus.txt.part")
        assert (part.read_bytes() if part.exists() else None) == kept


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="the disk that is always full is Linux's"
)
class TestDisk:
    @pytest.mark.parametrize("what", ["part", "new"])
    def test_full_while_the_file_arrives_or_at_the_end(self, get, path, what):
        path.parent.mkdir()
        path.with_name(f"corpus.txt.{what}").symlink_to("/dev/full")
        message = r"cannot be written \(No space left on device\).*TF_SEQ2SEQ_CACHE"
        with pytest.raises(InputError, match=message):
            get()
        assert [file.name for file in path.parent.iterdir()] == ["corpus.txt.part"]

    def test_a_file_where_the_folder_should_be(self, get, path):
        path.parent.write_text("in the way")
        with pytest.raises(InputError, match=r"cannot be written \(File exists\)"):
            get()


def test_cache_dir(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.delenv("TF_SEQ2SEQ_CACHE", raising=False)
    assert cache_dir() == Path("/home/me/.cache/tf_seq2seq")
    monkeypatch.setenv("TF_SEQ2SEQ_CACHE", "~/elsewhere")
    assert cache_dir() == Path("/home/me/elsewhere")
