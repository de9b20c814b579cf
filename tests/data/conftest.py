"""A server on loopback that can do what servers do wrong."""

import dataclasses
import http.server
import threading
from urllib.parse import urlsplit

import pytest

from tf_seq2seq.data import download


@dataclasses.dataclass
class Server:
    """Files by path, and the faults to come.

    Attributes:
        files: what can be had, by path.
        moved: where a path redirects to.
        breaks: for each of the next answers, the number of bytes after which it breaks off.
        errors: the status of each of the next answers.
        sends_parts: whether a `Range` is heeded.
        tells_length: whether answers have a `Content-Length`.
        requests: the `Range` of each request so far, None where it had none; without redirects.
    """

    files: dict[str, bytes] = dataclasses.field(default_factory=dict)
    moved: dict[str, str] = dataclasses.field(default_factory=dict)
    breaks: list[int] = dataclasses.field(default_factory=list)
    errors: list[int] = dataclasses.field(default_factory=list)
    sends_parts: bool = True
    tells_length: bool = True
    requests: list[str | None] = dataclasses.field(default_factory=list)
    address: str = ""

    def url(self, path: str) -> str:
        """The address here of a path, or of the path of another server's URL."""
        return f"{self.address}/{urlsplit(path).path.lstrip('/')}"


@pytest.fixture
def server(monkeypatch, tmp_path):
    """The server, with no patience lost between attempts, and an empty cache."""
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0, 0.0))
    monkeypatch.setattr(download, "TIMEOUT", 5.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv(download.CACHE_VARIABLE, str(tmp_path / "cache"))
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted, path = self.headers["Range"], self.path.lstrip("/")
            if path in state.moved:
                self.send_response(302)
                self.send_header("Location", f"/{state.moved[path]}")
                return self.end_headers()
            state.requests.append(wanted)
            content = state.files.get(path)
            if state.errors:
                return self.send_error(state.errors.pop(0))
            if content is None:
                return self.send_error(404)
            start = 0
            if wanted and state.sends_parts:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                if start >= len(content):
                    return self.send_error(416)
            self.send_response(206 if start else 200)
            if state.tells_length:
                self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            rest = content[start:]
            self.wfile.write(rest[: state.breaks.pop(0)] if state.breaks else rest)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        state.address = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield state
        running.shutdown()
        thread.join()
