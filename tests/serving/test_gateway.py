"""The gateway in front of a server with batching: nginx, if it is installed."""

import contextlib
import gzip
import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from helpers import ROOT

from tf_seq2seq.serving.client import Client, InvalidInputError
from tf_seq2seq.serving.serve import free_ports, serve

FOLDER = ROOT / "saved_models" / "gateway"
MODULES = [Path("/usr/share/nginx/modules"), Path("/usr/lib/nginx/modules")]


@contextlib.contextmanager
def gateway(here, server):
    """Provide the port of a gateway to a server, `host:port`."""
    module = next((m for m in MODULES if (m / "ngx_http_js_module.so").exists()), None)
    if shutil.which("nginx") is None or module is None:
        pytest.skip("nginx with its module for JavaScript is not installed")
    shutil.copy(FOLDER / "gateway.js", here)
    (port,) = free_ports(1)
    kinds = ("client_body", "proxy", "fastcgi", "scgi", "uwsgi")
    folders = " ".join(f"{kind}_temp_path {here}/{kind};" for kind in kinds)
    text = (FOLDER / "nginx.conf").read_text(encoding="utf-8")
    for old, new in (
        ("server serving:8501", f"server {server}"),
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("modules/", f"{module}/"),
        ("http {", f"http {{ access_log off; {folders}"),
    ):
        assert text.count(old) == 1
        text = text.replace(old, new)
    (here / "nginx.conf").write_text(f"daemon off; pid {here}/pid;\n{text}")
    process = subprocess.Popen(["nginx", "-p", here, "-c", here / "nginx.conf", "-e", here / "log"])
    try:
        for _ in range(100):
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait()


@pytest.fixture(scope="module")
def port(repository, tmp_path_factory):
    """The port of a gateway to a fake server with batching."""
    with (
        serve(repository[1], fake=True, batching=True) as server,
        gateway(tmp_path_factory.mktemp("gateway"), f"{server.host}:{server.rest_port}") as port,
    ):
        yield port


def test_the_client_translates_through_it(port, repository):
    translator, _ = repository
    with Client("en_zh", port=port, batch_size=16) as client:
        assert client.status() == [(1, "AVAILABLE", "")]
        assert client.metadata()["score"]["inputs"].keys() == {"text", "target"}
        assert [t.text for t in client(["a b", b"\xff"] * 8, details=False)] == [
            t.text for t in translator(["a b", b"\xff"] * 8)
        ]
        assert client.score("a b", "甲乙")[0].target_tokens == ("甲", "乙", "<eos>")
        with Client("en_zh", port=port, label="stable") as stable:
            assert stable("a b") == client("a b")
        with pytest.raises(InvalidInputError, match="with 1 to 64 texts for each input"):
            client._transport.predict("serving_default", {"text": [b"a"] * 65}, 10.0)


def send(port, body, **headers):
    request = urllib.request.Request(
        f"http://localhost:{port}/v1/models/en_zh:predict", body, headers
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


@pytest.mark.parametrize(
    "instance", [b'"a b"', b'{"text": "a b"}', b'{"b64": "YSBi"}', b'{"text": {"b64": "YSBi"}}']
)
def test_the_row_form(port, instance):
    status, answer = send(port, b'{"instances": [%s]}' % instance)
    assert status == 200
    assert answer["predictions"][0].keys() == {"translation", "score"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b'{"inputs": []}',
        b'{"inputs": {"text": []}}',
        b'{"inputs": {"text": [["a"], ["b"]]}}',
        b'{"inputs": {"text": [1]}}',
        b'{"inputs": {"text": "a"}}',
        b'{"instances": []}',
        b'{"instances": [["a"]]}',
        b'{"instances": [{"text": ["a"]}]}',
        b'{"instances": [null]}',
        b'{"instances": ["a", {"text": ["b"]}]}',
        b'{"instances": [{}]}',
        b'{"inputs": {}}',
        b'{"inputs": ["a"], "instances": [["a"]]}',
    ],
)
def test_requests_that_would_harm_others_are_refused(port, body):
    began = time.monotonic()
    status, answer = send(port, body)
    assert status == 400
    assert answer["error"].startswith("Refused by the gateway: ")
    assert time.monotonic() - began < 5


def test_the_server_gets_what_was_checked(port):
    # JSON readers differ on a key that is given twice.
    status, answer = send(port, b'{"inputs": {"text": []}, "inputs": {"text": ["a"]}}')
    assert (status, len(answer["outputs"]["translation"])) == (200, 1)
    status, answer = send(port, b'{"inputs": {"text": ["a"]}, "inputs": {"text": []}}')
    assert status == 400


def test_the_body_was_checked_and_the_headers_are_the_gateways(tmp_path):
    # The largest answers, of `beam_details` for 64 long sentences, have tens of megabytes.
    answer, received = b'{"outputs": "%s"}' % (b"x" * 50_000_000), []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            received.append((self.headers, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *arguments):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with gateway(tmp_path, f"127.0.0.1:{server.server_port}") as port:
            coding = {"Content-Encoding": "gzip", "Accept-Encoding": "gzip"}
            status, outputs = send(port, b' {"inputs": ["$host \xe4\xb8\xad"]}', **coding)
            assert (status, len(outputs["outputs"])) == (200, 50_000_000)
            status, _ = send(port, gzip.compress(b'{"inputs": ["a"]}'), **coding)
            assert status == 400
        server.shutdown()
    ((headers, body),) = received
    assert body == b'{"inputs":["$host \xe4\xb8\xad"]}'
    assert not {"content-encoding", "accept-encoding", "user-agent"} & {*map(str.lower, headers)}


def test_other_paths_and_methods(port):
    for path, body in (
        ("/monitoring/prometheus/metrics", None),
        ("/v1/models/en_zh:regress", b"{}"),
        ("/checked", b"{}"),
        ("/v1/models/en_zh", b"{}"),
        ("/v1/models/en_zh:predict", None),
    ):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://localhost:{port}{path}", body, timeout=10)
        with refused.value:
            assert refused.value.code in (403, 404)
