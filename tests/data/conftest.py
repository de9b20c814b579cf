"""A server on loopback that makes the mistakes of real servers, and files to read."""

import dataclasses
import http.server
import threading
from urllib.parse import urlsplit

import pytest

from tf_seq2seq.data import download


@dataclasses.dataclass
class Server:
    """Files by path, and the errors of the next answers.

    Attributes:
        files: the contents by path.
        moved: where a path redirects to.
        breaks: for each of the next answers, the number of bytes after which it breaks off.
        errors: the status of each of the next answers.
        sends_length: whether answers have a `Content-Length`.
        requests: the user agent of each request so far, without redirects.
    """

    files: dict[str, bytes] = dataclasses.field(default_factory=dict)
    moved: dict[str, str] = dataclasses.field(default_factory=dict)
    breaks: list[int] = dataclasses.field(default_factory=list)
    errors: list[int] = dataclasses.field(default_factory=list)
    sends_length: bool = True
    requests: list[str | None] = dataclasses.field(default_factory=list)
    address: str = ""

    def url(self, path: str) -> str:
        """Return the address of a path on this server, or of the path of another server's URL."""
        return f"{self.address}/{urlsplit(path).path.lstrip('/')}"


@pytest.fixture(scope="session")
def running_server():
    state = Server()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = self.path.lstrip("/")
            if path in state.moved:
                self.send_response(302)
                self.send_header("Location", f"/{state.moved[path]}")
                return self.end_headers()
            state.requests.append(self.headers["User-Agent"])
            content = state.files.get(path)
            if state.errors:
                return self.send_error(state.errors.pop(0))
            if content is None:
                return self.send_error(404)
            self.send_response(200)
            if state.sends_length:
                self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: state.breaks.pop(0)] if state.breaks else content)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield state, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


@pytest.fixture
def server(running_server, monkeypatch, tmp_path):
    """The server without files, and an empty cache."""
    state, address = running_server
    vars(state).update(vars(Server(address=address)))
    monkeypatch.setattr(download, "TIMEOUT", 5.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv(download.CACHE_VARIABLE, str(tmp_path / "cache"))
    return state


@pytest.fixture
def write(tmp_path):
    """Write a file, given by its bytes, its text or its lines, and return its path."""

    def write(name, *content):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if len(content) == 1 and isinstance(content[0], bytes):
            path.write_bytes(content[0])
        else:
            path.write_bytes("".join(content).encode())
        return path

    return write
