"""The client against a server: the real one if it is there, else the stand-in."""

import concurrent.futures
import http.server
import json
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
from helpers import ROOT, run_module
from test_translator import TRICKY

from tf_seq2seq import InputError, serving
from tf_seq2seq.serving import client as clients
from tf_seq2seq.serving.client import Client
from tf_seq2seq.serving.serve import serve

SENTENCES = [*TRICKY, b"a \xff b", "a" * 10_000, "a b c d " * 50]


@pytest.fixture(params=["rest", "grpc"])
def protocol(request):
    return request.param


@pytest.fixture
def asked(served, protocol):
    """The translator, and a client of its server."""
    translator, server = served
    return translator, server.client("en_zh", protocol, batch_size=4)


@pytest.mark.filterwarnings("ignore:Sentence .* was cut off")
def test_answers_what_the_translator_says(asked):
    translator, client = asked
    expected = translator(SENTENCES)
    for found in (client.translate(SENTENCES), client.align(SENTENCES)):
        assert [t.text for t in found] == [t.text for t in expected]
        np.testing.assert_allclose([t.score for t in found], [t.score for t in expected], atol=1e-5)
    for ours, theirs in zip(found, expected, strict=True):
        assert len(ours.source_tokens) == len(theirs.source_tokens)
        assert ours.target_tokens == theirs.target_tokens
        if theirs.target_tokens:
            np.testing.assert_allclose(ours.alignment, theirs.alignment, atol=1e-5)

    n_best = translator.n_best(SENTENCES, beam_width=5, n_best=5)
    for ours, theirs in zip(client.n_best(SENTENCES), n_best, strict=True):
        assert [t.text for t in ours] == [t.text for t in theirs]

    given = ["甲乙"] * len(SENTENCES)
    scored = translator.score(SENTENCES, given)
    for (log_p, tokens), theirs in zip(client.score(SENTENCES, given), scored, strict=True):
        assert log_p == pytest.approx(theirs.score, abs=1e-5)
        assert tokens == len(theirs.target_tokens)
    assert np.shape(client.encode(SENTENCES)) == (
        len(SENTENCES),
        translator.model.encoder.output_size,
    )


def test_nothing_is_asked_for_nothing(protocol):
    client = Client("en_zh", port=9, protocol=protocol, retries=0)  # where nobody answers
    assert client.translate([]) == client.align([]) == client.n_best([]) == []
    assert client.score([], []) == client.encode([]) == []


def test_what_the_server_says_of_a_model(asked):
    _, client = asked
    assert client.status() == [(1, "AVAILABLE", "")]
    metadata = client.metadata()
    assert set(metadata) == {"serving_default", "beam", "align", "score", "encode"}
    assert metadata["score"]["inputs"] == {"text": "string[-]", "target": "string[-]"}
    assert metadata["beam"]["outputs"]["translations"] == "string[-, 5]"


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": "nobody"}, clients.ModelNotFoundError, "model 'nobody' at .*Servable not found"),
        ({"version": 7}, clients.ModelNotFoundError, "version 7 at .*Servable not found"),
        ({"label": "canary"}, clients.UnknownLabelError, "Unrecognized servable version label"),
    ],
)
def test_models_that_are_not_there(served, protocol, options, error, message):
    client = served[1].client(**{"model": "en_zh", "protocol": protocol, **options})
    with pytest.raises(error, match=message):
        client.translate(["a"])


@pytest.mark.parametrize(
    ("signature", "inputs", "error"),
    [
        ("nothing", {"text": ["a"]}, clients.UnknownSignatureError),
        ("serving_default", {"words": ["a"]}, clients.InvalidInputError),
        ("score", {"text": ["a"]}, clients.InvalidInputError),
        ("serving_default", {"text": [["a"], ["b"]]}, clients.InvalidInputError),
    ],
)
def test_requests_that_are_refused(asked, signature, inputs, error, monkeypatch):
    _, client = asked
    # What goes out is not the client's to check here.
    nested = lambda value: [value[0].encode()] if isinstance(value, list) else value  # noqa: E731
    plain = clients._to_bytes
    monkeypatch.setattr(
        clients, "_to_bytes", lambda v: nested(v) if isinstance(v, list) else plain(v)
    )
    monkeypatch.setattr(
        clients, "_for_json", lambda v: v if isinstance(v, list) else plain(v).decode()
    )
    with pytest.raises(error):
        client.predict(signature, inputs)
    assert client.translate(["a"])[0].text  # and the server goes on


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"instances": []}',
        b'{"inputs": {"text": []}}',
        b'{"instances": "a"}',
        b'{"inputs": {"text": "a"}}',
        b'{"instances": [1]}',
        b'{"instances": [["a"], ["b", "c"]]}',
    ],
)
def test_bodies_that_are_refused(served, body):
    url = f"http://{served[1].host}:{served[1].rest_port}/v1/models/en_zh:predict"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, body)
    assert refused.value.code == 400
    assert json.load(refused.value)["error"]


def test_the_row_form(served):
    translator, server = served
    url = f"http://{server.host}:{server.rest_port}/v1/models/en_zh:predict"
    expected = translator("a b")[0]
    for instance in (
        b'"a b"',
        b'{"text": "a b"}',
        b'{"b64": "YSBi"}',
        b'{"text": {"b64": "YSBi"}}',
    ):
        with urllib.request.urlopen(url, b'{"instances": [%s]}' % instance) as response:
            (row,) = json.load(response)["predictions"]
        assert row["translation"] == expected.text
        assert row["score"] == pytest.approx(expected.score, abs=1e-5)


def test_many_clients_at_once(served, protocol):
    translator, server = served
    expected = {text: translator(text)[0].text for text in ("a b c", "c", "d e f g h", "")}
    rows = list(expected)

    def ask(number):
        client = server.client("en_zh", protocol, timeout=60)
        texts = [rows[(number + i) % 4] for i in range(3)]
        return all(
            [t.text for t in client.translate(texts)] == [expected[text] for text in texts]
            for _ in range(5)
        )

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(ask, range(16)))


class Fails(http.server.BaseHTTPRequestHandler):
    """Answers like a server that is overloaded, and then like one that is not."""

    answers: list  # (status, body), of the next requests

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.answers.pop(0)
        if status is None:
            time.sleep(1)
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def failing():
    """A client of a server that gives the answers it is told to."""
    handler = type("Handler", (Fails,), {"answers": []})
    server = http.server.ThreadingHTTPServer(("localhost", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def client(*answers, **options):
        handler.answers[:] = answers
        return Client("m", port=server.server_address[1], **options), handler.answers

    yield client
    server.shutdown()
    server.server_close()


GOOD = 200, b'{"outputs": {"translation": ["x"], "score": [-1.5]}}'
BUSY = 503, b'{"error": "queue full"}'


def test_asks_again_where_the_server_is_overloaded(failing):
    client, left = failing(BUSY, (429, b'{"error": "too many"}'), GOOD)
    assert client.translate(["a"]) == [("x", -1.5, (), (), ())]
    assert not left
    client, left = failing(BUSY, BUSY, BUSY, retries=1)
    with pytest.raises(clients.OverloadedError, match=r"queue full \(ask later"):
        client.translate(["a"])
    assert len(left) == 1


def test_asks_once_where_that_will_not_help(failing):
    client, left = failing((400, b'{"error": "no such input"}'), GOOD)
    with pytest.raises(clients.InvalidInputError, match="no such input"):
        client.translate(["a"])
    assert len(left) == 1
    client, left = failing((500, b'{"error": "bug"}'), GOOD)
    with pytest.raises(clients.ServingError, match=r"bug .*see the server's log"):
        client.translate(["a"])
    client, left = failing((200, b"<html>"), GOOD)
    with pytest.raises(clients.ServingError, match="no JSON, but '<html>'"):
        client.translate(["a"])


def test_waits_no_longer_than_allowed(failing):
    client, _ = failing((None, b""), timeout=0.2)
    with pytest.raises(clients.DeadlineError, match="allow more time"):
        client.translate(["a"])


def test_nobody_there(protocol):
    client = Client("m", port=9, protocol=protocol, timeout=0.5, retries=2)
    began = time.monotonic()
    with pytest.raises(clients.UnreachableError, match="is the server running"):
        client.translate(["a"])
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "soap"}, "'soap'"),
        ({"version": 1, "label": "stable"}, "not both"),
        ({"batch_size": 0}, "batch_size"),
        ({"timeout": 0}, "timeout"),
    ],
)
def test_arguments_out_of_range(options, message):
    with pytest.raises(InputError, match=message):
        Client("m", **options)
    with pytest.raises(InputError, match="not the same number of rows"):
        Client("m").predict("score", {"text": ["a"], "target": []})


def test_a_new_version_in_and_out(repository, tmp_path):
    translator, root = repository
    shutil.copytree(root, tmp_path / "models")
    with serve(tmp_path / "models") as server:
        client, stable = server.client("en_zh"), server.client("en_zh", label="stable")
        second = serving.export(translator, tmp_path / "models" / "en_zh")

        def wait_for(*versions):
            deadline = time.monotonic() + 30
            while {v.version for v in client.status() if v.state == "AVAILABLE"} != {*versions}:
                assert time.monotonic() < deadline
                time.sleep(0.1)

        wait_for(2, 1)
        assert client.translate(["a b"]) == stable.translate(["a b"])
        shutil.rmtree(second)
        wait_for(1)
        assert client.translate(["a b"])[0].text


def test_the_command(served, tmp_path):
    translator, server = served
    sentences = tmp_path / "sentences"
    sentences.write_bytes(b"a b c\r\n\nzz \xff\n")
    expected = [t.text for t in translator(["a b c", "", b"zz \xff"])]
    where = ("--port", server.rest_port)
    run_module(
        "tf_seq2seq.serving.client",
        *(*where, "--file", sentences, "--output", tmp_path / "out", "--align", tmp_path / "a.png"),
    )
    assert (tmp_path / "out").read_text(encoding="utf-8").split("\n") == [*expected, ""]
    assert (tmp_path / "a.png").stat().st_size > 5000
    printed = run_module("tf_seq2seq.serving.client", *where, "--status", "--metadata")
    assert "version 1: AVAILABLE\n" in printed
    assert "score: target string[-], text string[-] -> log_probability float" in printed


def test_the_command_needs_no_tensorflow_for_rest(served):
    translator, server = served
    # Without the site's packages there is nothing but the standard library.
    process = subprocess.run(
        [
            *(sys.executable, "-S", "-m", "tf_seq2seq.serving.client"),
            *("--port", str(server.rest_port), "--beam"),
        ],
        cwd=ROOT,
        input=b"a b\n",
        capture_output=True,
        check=True,
    )
    lines = process.stdout.decode().splitlines()
    assert [line.split("\t")[2] for line in lines] == [
        t.text for t in translator.n_best(["a b"], beam_width=5, n_best=5)[0]
    ]


def test_the_command_ends_with_one_sentence():
    process = subprocess.run(
        [
            *(sys.executable, "-S", "-m", "tf_seq2seq.serving.client"),
            *("--port", "9", "--timeout", "0.3", "--sentence", "a"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1
    assert process.stderr.startswith("error: The model 'en_zh' at localhost:9 says: no connection")
    assert process.stderr.count("\n") == 1
