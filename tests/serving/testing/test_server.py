"""The interfaces of a server: the real one if available, else the fake one."""

import concurrent.futures
import json
import shutil
import socket
import time
import urllib.error
import urllib.request

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from tf_seq2seq import InputError
from tf_seq2seq.serving.client import Client, DeadlineError, ModelNotFoundError, UnknownLabelError
from tf_seq2seq.serving.testing import FakeServer
from tf_seq2seq.serving.testing.errors import ServerError


def url(server, path="/v1/models/en_zh:predict"):
    return f"http://{server.host}:{server.rest_port}{path}"


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
        rb'{"instances": ["\ud83d"]}',
    ],
)
def test_bodies_that_are_refused(served, body):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url(served[1]), body, timeout=30)
    with refused.value:
        assert refused.value.code == 400
        assert json.load(refused.value)["error"]


def test_the_row_form(served):
    translator, server = served
    expected = translator("a b")[0]
    for instance in (
        b'"a b"',
        b'{"text": "a b"}',
        b'{"b64": "YSBi"}',
        b'{"text": {"b64": "YSBi"}}',
    ):
        body = b'{"instances": [%s]}' % instance
        with urllib.request.urlopen(url(server), body, timeout=30) as response:
            (row,) = json.load(response)["predictions"]
        assert row["translation"] == expected.text
        assert row["score"] == pytest.approx(expected.score, abs=1e-5)


@pytest.mark.parametrize("junk", [b" x", b"}", b'{"instances": ["b"]}', b"\xff"])
def test_what_follows_the_json_value_is_ignored(served, junk):
    translator, server = served
    body = b' {"instances": ["a b"]}' + junk
    with urllib.request.urlopen(url(server), body, timeout=30) as response:
        assert json.load(response)["predictions"][0]["translation"] == translator("a b")[0].text


@pytest.fixture(scope="module")
def fake(repository):
    """A fake server."""
    with FakeServer(repository[1] / "models.config", repository[1], cors=True) as server:
        yield server


@pytest.mark.parametrize(
    "body",
    [
        b'{"instances": [{"text": "a"}, {"words": "b"}]}',
        b'{"instances": [{"text": "a"}, "b"]}',
        b'{"signature_name": "score", "instances": ["a"]}',
        b'{"signature_name": "score", "inputs": ["a"]}',
        b'{"instances": ["a"], "inputs": ["a"]}',
        b'{"inputs": {"text": [{"b64": 5}]}}',
        b'{"signature_name": "\xff", "instances": ["a"]}',
        rb'{"instances": ["\udc80"]}',
        rb'{"instances": ["\\\ud83d\n"]}',
    ],
)
def test_more_bodies_that_the_fake_server_refuses(fake, body):
    address = f"http://localhost:{fake.rest_port}/v1/models/en_zh:predict"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(address, body, timeout=30)
    with refused.value:
        assert refused.value.code == 400


@pytest.mark.parametrize(
    ("path", "body", "code", "message"),
    [
        ("/v1/models", None, 400, "Missing model name in request."),
        ("/v1/models/en_zh:nonsense", b"{}", 400, "Malformed request: POST /v1/models/en_zh:non"),
        ("/v1/models/en_zh/versions/x", None, 400, "Malformed request: GET /v1/models/en_zh/v"),
        ("/v1/models/en_zh/versions/x:predict", b"{}", 400, "Malformed request: POST /v1/models"),
        ("/v1/models/en_zh/versions/7", None, 404, "Could not find version 7 of model en_zh"),
        ("/elsewhere", None, 404, "Not Found"),
    ],
)
def test_paths_that_do_not_exist(fake, path, body, code, message):
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"http://localhost:{fake.rest_port}{path}", body, timeout=30)
    with refused.value:
        assert refused.value.code == code
        assert json.load(refused.value)["error"].startswith(message)


@pytest.mark.parametrize("which", ["", "/labels/stable", "/labels/nothing", "/versions/1"])
def test_the_status_ignores_labels(fake, which):
    address = f"http://localhost:{fake.rest_port}/v1/models/en_zh{which}"
    with urllib.request.urlopen(address, timeout=30) as response:
        (version,) = json.load(response)["model_version_status"]
    status = {"error_code": "OK", "error_message": ""}
    assert version == {"version": "1", "state": "AVAILABLE", "status": status}


def test_the_column_form_of_one_input_and_one_output(fake):
    address = f"http://localhost:{fake.rest_port}/v1/models/en_zh:predict"
    body = b'{"signature_name": "encode", "inputs": ["a", "b"]}'
    with urllib.request.urlopen(address, body, timeout=30) as response:
        assert np.shape(json.load(response)["outputs"]) == (2, 8)
        assert response.headers["Access-Control-Allow-Origin"] == "*"
    options = urllib.request.Request(address, method="OPTIONS")
    with urllib.request.urlopen(options, timeout=30) as response:
        assert "POST" in response.headers["Access-Control-Allow-Methods"]


def test_outputs_of_bytes_are_encoded(fake, monkeypatch):
    outputs = {"x_bytes": np.array([[b"\xff"]], object), "x": np.array([b"\xff"], object)}
    monkeypatch.setattr(fake, "predict", lambda spec, inputs: (spec, outputs))
    address = f"http://localhost:{fake.rest_port}/v1/models/en_zh:predict"
    with urllib.request.urlopen(address, b'{"inputs": ["a"]}', timeout=30) as response:
        assert json.load(response) == {"outputs": {"x_bytes": [[{"b64": "/w=="}]], "x": ["\ufffd"]}}


def test_a_tensor_that_cannot_be_read(fake):
    request = predict_pb2.PredictRequest()
    request.model_spec.name = "en_zh"
    request.inputs["text"].dtype = 10_000
    with grpc.insecure_channel(f"localhost:{fake.grpc_port}") as channel:
        stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.Predict(request, timeout=30)
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_surrogate_pairs_and_escaped_backslashes(fake):
    address = f"http://localhost:{fake.rest_port}/v1/models/en_zh:predict"
    body = rb'{"signature_name": "details", "instances": ["\ud83d\ude42 \\ud83d", "\\\\ud83d"]}'
    with urllib.request.urlopen(address, body, timeout=30) as response:
        assert len(json.load(response)["predictions"]) == 2


def test_inputs_of_another_dtype(fake):
    spec = predict_pb2.PredictRequest().model_spec
    spec.name = "en_zh"
    with pytest.raises(ServerError, match="dtype float32 is not of expected type string"):
        fake.predict(spec, {"text": np.zeros(2, np.float32)})
    assert 'model_name="en_zh",status="INVALID_ARGUMENT"' in fake.metrics()


def test_a_port_in_use_or_a_config_that_cannot_be_read(repository, tmp_path):
    _, root = repository
    config = root / "models.config"
    with FakeServer(config, root) as server:
        for name in ("rest_port", "grpc_port"):
            port = getattr(server, name)
            with pytest.raises(InputError, match=rf"`{name}` {port} cannot be used .* another"):
                FakeServer(config, root, **{name: port})
    with pytest.raises(InputError, match="nowhere cannot be read"):
        FakeServer(config, root, batching=tmp_path / "nowhere")
    with pytest.raises(InputError, match="nowhere is not a model config"):
        FakeServer(tmp_path / "nowhere", root)
    latin = tmp_path / "latin.config"
    latin.write_bytes("# Für Gäste".encode("latin-1"))
    with pytest.raises(InputError, match=r"latin\.config cannot be read"):
        FakeServer(config, root, batching=latin)
    with pytest.raises(InputError, match=r"latin\.config is not a model config"):
        FakeServer(latin, root)
    elsewhere = tmp_path / "models.config"
    elsewhere.write_text(config.read_text().replace("/models/", "/elsewhere/"))
    with pytest.raises(InputError, match=r"must be in /models, got /elsewhere/en_zh"):
        FakeServer(elsewhere, root)
    for options in (
        {"rest_port": -1},
        {"threads": 0},
        {"rest_threads": 0},
        {"retry": 0},
        {"poll": 0},
        {"cors": 1},
    ):
        (name,) = options
        with pytest.raises(InputError, match=f"`{name}` must be"):
            FakeServer(config, root, **options)


def test_it_stops_at_the_end_of_the_context(repository):
    with FakeServer(repository[1] / "models.config", repository[1]) as server:
        ports = server.rest_port, server.grpc_port
    for port in ports:
        with socket.socket() as connection:
            assert connection.connect_ex(("localhost", port)) != 0


def test_a_damaged_version_does_not_stop_it(repository, tmp_path):
    translator, root = repository
    shutil.copytree(root, tmp_path / "models")
    model = tmp_path / "models" / "en_zh"
    config = tmp_path / "models" / "models.config"
    with FakeServer(config, tmp_path / "models", poll=0.1, retry=0.1) as server:
        (model / "2").mkdir()
        (model / "2" / "saved_model.pb").write_bytes(b"rubbish")
        with Client("en_zh", port=server.rest_port) as client:
            while (2, "LOADING", "") not in client.status():
                time.sleep(0.05)
            assert client("a b c", details=False)[0].text == translator("a b c")[0].text
            shutil.copytree(model / "1", model / ".3")
            (model / ".3").rename(model / "3")
            client.wait_for([3])
            states = [(each.version, each.state, bool(each.error)) for each in client.status()]
            assert states == [(3, "AVAILABLE", False), (2, "END", True), (1, "END", False)]
            assert client("a b c")[0].text == translator("a b c")[0].text


def test_the_config_is_read_again(repository, tmp_path):
    shutil.copytree(repository[1], tmp_path / "models")
    config = tmp_path / "models" / "models.config"
    text = config.read_text()
    with FakeServer(config, tmp_path / "models", poll=0.05) as server:
        client = Client("en_zh", port=server.rest_port, label="canary")
        with pytest.raises(UnknownLabelError):
            client.status()
        config.write_text(text.replace("stable", "canary"))
        client.wait_for([1], seconds=10)
        loaded = server.models["en_zh"].versions[1]
        for broken in ("nonsense", ""):
            config.write_text(broken)
            time.sleep(0.2)
            client.wait_for([1], seconds=0)
        config.write_text(text.replace("en_zh", "other"))
        with pytest.raises(ModelNotFoundError):
            while client.status():
                time.sleep(0.05)
        assert loaded.state == "AVAILABLE"


def test_requests_without_rows_block_rest_alone(repository):
    _, root = repository
    empty = b'{"inputs": {"text": []}}'
    config, batching = root / "models.config", root / "batching.config"
    with (
        FakeServer(config, root, batching=batching, rest_threads=2) as server,
        concurrent.futures.ThreadPoolExecutor(2) as pool,
        Client("en_zh", port=server.rest_port, timeout=0.5, retries=0) as rest,
        Client("en_zh", port=server.grpc_port, protocol="grpc") as other,
    ):
        address = f"http://localhost:{server.rest_port}/v1/models/en_zh:predict"
        assert rest.status() == other.status()
        blocked = [pool.submit(urllib.request.urlopen, address, empty, 30) for _ in range(2)]
        while server.rest_slots.acquire(blocking=False):
            server.rest_slots.release()
            time.sleep(0.01)
        with pytest.raises(DeadlineError):
            rest.status()
        assert other.status()[0].state == "AVAILABLE"
        assert other("a", details=False)[0].text  # it flushes the queue
        for each in blocked:
            with each.result(30) as response:
                assert json.load(response) == {"outputs": {"translation": [], "score": []}}
        assert rest.status() == other.status()
