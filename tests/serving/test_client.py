"""The client against a server: the real one if it is there, else the stand-in."""

import concurrent.futures
import contextlib
import http.server
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import grpc
import numpy as np
import pytest
import tensorflow as tf
from helpers import ROOT, TRICKY, run_module
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

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
        assert ours.source_tokens == theirs.source_tokens
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
    ],
)
def test_requests_that_are_refused(asked, signature, inputs, error):
    _, client = asked
    with pytest.raises(error) as refused:
        client.predict(signature, inputs)
    assert refused.value.__notes__ == ["It was asked for the rows [0] of 1."]
    assert "\n" not in str(refused.value)
    assert client.translate("a")[0].text  # and the server goes on


@pytest.mark.parametrize("text", [b"a", [[b"a"], [b"b"]]])
def test_inputs_of_another_rank_are_refused_over_grpc(served, text):
    client = served[1].client("en_zh", "grpc")
    # Past the client's own checks.
    with pytest.raises(clients.InvalidInputError):
        client._transport.predict("serving_default", {"text": text}, 30.0)
    assert client.translate("a")[0].text


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'{"instances": []}',
        b'{"instances": "a"}',
        b'{"inputs": {"text": "a"}}',
        b'{"inputs": {"text": [["a"], ["b"]]}}',
        b'{"inputs": {"text": [{"b64": "a"}]}}',
        b'{"signature_name": 5, "instances": ["a"]}',
        b'{"instances": [1]}',
        b'{"instances": [["a"], ["b", "c"]]}',
    ],
)
def test_bodies_that_are_refused(served, body):
    url = f"http://{served[1].host}:{served[1].rest_port}/v1/models/en_zh:predict"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url, body, timeout=30)
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
        with urllib.request.urlopen(url, b'{"instances": [%s]}' % instance, timeout=30) as response:
            (row,) = json.load(response)["predictions"]
        assert row["translation"] == expected.text
        assert row["score"] == pytest.approx(expected.score, abs=1e-5)


@pytest.mark.parametrize(
    ("clients", "requests"), [(16, 5), pytest.param(32, 50, marks=pytest.mark.slow)]
)
def test_many_clients_at_once(served, protocol, clients, requests):
    translator, server = served
    expected = {text: translator(text)[0].text for text in ("a b c", "c", "d e f g h", "")}
    rows = list(expected)

    def ask(number):
        with server.client("en_zh", protocol, timeout=60) as client:
            texts = [rows[(number + i) % 4] for i in range(3)]
            return all(
                [t.text for t in client.translate(texts)] == [expected[text] for text in texts]
                for _ in range(requests)
            )

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        assert all(pool.map(ask, range(clients)))


def test_one_sentence_or_many(served, protocol):
    _, server = served
    client = server.client("en_zh", protocol)
    assert client.translate("a b") == client.translate(b"a b") == client.translate(["a b"])
    assert client.score("a", "甲") == client.score(["a"], ["甲"])
    for sentences, message in ((["a", None], "NoneType None at position 1"), ([3], "int 3")):
        with pytest.raises(TypeError, match=message):
            client.translate(sentences)
    for sentences, translations in ((["a"], ["x", "y"]), (["a", "b"], ["x"])):
        with pytest.raises(InputError, match="not the same number of rows"):
            client.score(sentences, translations)


def test_outputs_that_a_model_has_not(served, protocol, monkeypatch):
    client = served[1].client("en_zh", protocol)
    predict = client.predict
    monkeypatch.setattr(client, "predict", lambda signature, inputs: predict("encode", inputs))
    with pytest.raises(clients.UnknownSignatureError, match=r"no outputs \['score', 'translation'"):
        client.translate("a")


class Fails(http.server.BaseHTTPRequestHandler):
    """Answers like a server that is overloaded, and then like one that is not."""

    answers: list  # (status, body), of the next requests

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        status, body = self.answers.pop(0)
        if status is None:
            time.sleep(1)
            return
        if status == "hang up":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        if status == "trickle":
            status = 200
            self.send_response(status)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(50):
                    self.wfile.write(b" ")
                    time.sleep(0.1)
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
PROXY = 503, b"<html>Service unavailable</html>"


def test_asks_again_where_the_server_is_overloaded(failing):
    client, left = failing(BUSY, (429, b'{"error": "too many"}'), PROXY, GOOD)
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
    client, left = failing((404, b'{"error": "Could not find\\n variable x"}'), GOOD)
    with pytest.raises(clients.ServingError, match="Could not find variable x") as failed:
        client.translate(["a"])
    assert type(failed.value) is clients.ServingError


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "no JSON object with 'outputs', but '<html>'"),
        (b"{}", "no JSON object with 'outputs'"),
        (b"[]", "no JSON object with 'outputs'"),
        (b'{"outputs": {"translation": [], "score": []}}', "has not a row for each"),
        (b'{"outputs": {"translation": "x", "score": 1}}', "has not a row for each"),
    ],
)
def test_answers_that_are_none(failing, body, message):
    client, _ = failing((200, body))
    with pytest.raises(clients.ServingError, match=message):
        client.translate(["a"])


@pytest.mark.parametrize("answer", [None, "trickle"])
def test_waits_no_longer_than_allowed(failing, answer):
    client, _ = failing((answer, b""), timeout=0.3)
    began = time.monotonic()
    with pytest.raises(clients.DeadlineError, match="allow more time"):
        client.translate(["a"])
    assert time.monotonic() - began < 0.9


def test_a_connection_that_the_server_has_closed_is_opened_again():
    listening = socket.create_server(("localhost", 0))
    bodies = []

    def serve():
        for _ in range(3):
            connection, _ = listening.accept()
            with connection, connection.makefile("rb") as received:
                length = 0
                while (line := received.readline().strip()) != b"":
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.split(b":")[1])
                bodies.append(received.read(length))
                status, body = (200, GOOD[1]) if len(bodies) < 3 else (500, b"{}")
                head = f"HTTP/1.1 {status} x\r\nContent-Length: {len(body)}\r\n\r\n"
                connection.sendall(head.encode() + body)

    threading.Thread(target=serve, daemon=True).start()
    with Client("m", port=listening.getsockname()[1], retries=0, timeout=5) as client:
        assert client.translate("a") == client.translate("a")
        with pytest.raises(clients.ServingError, match="see the server's log"):
            client.translate("a")
    listening.close()
    assert len(bodies) == 3


def test_a_server_that_hangs_up_is_asked_once(failing):
    hung_up = "hang up", b""
    client, left = failing(hung_up, GOOD, retries=0)
    with pytest.raises(clients.UnreachableError):
        client.translate("a")
    assert left == [GOOD]


@pytest.mark.parametrize(
    ("code", "details", "error"),
    [
        (grpc.StatusCode.RESOURCE_EXHAUSTED, "Concurrent RPC limit exceeded", None),
        (grpc.StatusCode.UNAVAILABLE, "The batch scheduling queue is full", None),
        (grpc.StatusCode.DEADLINE_EXCEEDED, "Timed out", clients.DeadlineError),
        (grpc.StatusCode.FAILED_PRECONDITION, "variable x", clients.ServingError),
        (grpc.StatusCode.INTERNAL, "bug", clients.ServingError),
    ],
)
def test_errors_of_grpc(code, details, error):
    asked = []

    class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
        def Predict(self, request, context):  # noqa: N802
            asked.append(request)
            if len(asked) < 3:
                context.abort(code, details)
            response = predict_pb2.PredictResponse()
            response.outputs["context"].CopyFrom(tf.make_tensor_proto([[1.0, 2.0]]))
            return response

    server = grpc.server(concurrent.futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(Service(), server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    try:
        with Client("m", port=port, protocol="grpc") as client:
            if error is None:
                assert client.encode("a") == [[1.0, 2.0]]
                assert len(asked) == 3
                return
            with pytest.raises(clients.ServingError, match=details) as failed:
                client.encode("a")
            assert type(failed.value) is error
            assert len(asked) == 1
    finally:
        server.stop(None)


def test_names_that_no_url_has(protocol, served):
    client = served[1].client("翻译 a", protocol, retries=0)
    with pytest.raises(clients.ModelNotFoundError, match="翻译 a"):
        client.translate("a")


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
        ({"timeout": float("inf")}, "finite timeout"),
        ({"port": 99_999}, "from 1 to 65535, got 99999"),
        ({"host": "http://localhost"}, "without a port, got 'http://localhost'"),
        ({"host": "localhost:8501"}, "without a port, got 'localhost:8501'"),
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

        client.wait_for([1, 2])
        assert client.translate(["a b"]) == stable.translate(["a b"])
        shutil.rmtree(second)
        client.wait_for([1])
        assert client.translate(["a b"])[0].text
        with pytest.raises(clients.DeadlineError, match="the versions are"):
            client.wait_for([3], seconds=0.1)


@pytest.mark.parametrize("served", [False], indirect=True, ids=["plain"])
def test_the_command(served, tmp_path):
    translator, server = served
    sentences = tmp_path / "sentences"
    sentences.write_bytes(b"a b c\r\n\nzz \xff\n")
    expected = [t.text for t in translator(["a b c", "", b"zz \xff"])]
    where = ("--host", server.host, "--port", server.rest_port)
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
            *("--host", server.host, "--port", str(server.rest_port), "--beam"),
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


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--sentence", "a"], "The model 'en_zh' at localhost:9 says: no connection"),
        (["--file", "missing"], "missing cannot be read: No such file or directory."),
        (["--file", "tests"], "tests cannot be read: Is a directory."),
        (["--file", "a", "--sentence", ""], "Give --sentence or --file, not both."),
        (["--sentence", "a", "--align", "a.foo"], "--align draws .png, .pdf or .svg, got a.foo."),
        (["--sentence", "a", "--timeout", "inf"], "Expected batch_size > 0, a finite timeout"),
    ],
)
def test_the_command_ends_with_one_sentence(arguments, sentence):
    process = subprocess.run(
        [
            *(sys.executable, "-S", "-m", "tf_seq2seq.serving.client"),
            *("--port", "9", "--timeout", "0.3", *arguments),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1
    assert process.stderr.startswith(f"error: {sentence}")
    assert process.stderr.count("\n") == 1
