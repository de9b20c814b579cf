"""The interfaces of a server: the real one if available, else the fake one."""

import json
import shutil
import socket
import urllib.error
import urllib.request

import numpy as np
import pytest
from tensorflow_serving.apis import predict_pb2

from tf_seq2seq import InputError
from tf_seq2seq.serving.client import Client
from tf_seq2seq.serving.testing import FakeServer


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
    ],
)
def test_more_bodies_that_the_fake_server_refuses(fake, body):
    address = f"http://localhost:{fake.rest_port}/v1/models/en_zh:predict"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(address, body, timeout=30)
    with refused.value:
        assert refused.value.code == 400


def test_paths_that_do_not_exist(fake):
    for path, body in (("/v1/models", None), ("/v1/models/en_zh:nothing", b"{}")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://localhost:{fake.rest_port}{path}", body, timeout=30)
        with refused.value:
            assert "Malformed request" in json.load(refused.value)["error"]


def test_the_column_form_of_one_input_and_one_output(fake):
    address = f"http://localhost:{fake.rest_port}/v1/models/en_zh:predict"
    body = b'{"signature_name": "encode", "inputs": ["a", "b"]}'
    with urllib.request.urlopen(address, body, timeout=30) as response:
        assert np.shape(json.load(response)["outputs"]) == (2, 8)
        assert response.headers["Access-Control-Allow-Origin"] == "*"
    options = urllib.request.Request(address, method="OPTIONS")
    with urllib.request.urlopen(options, timeout=30) as response:
        assert "POST" in response.headers["Access-Control-Allow-Methods"]


def test_inputs_of_another_dtype(fake):
    spec = predict_pb2.PredictRequest().model_spec
    spec.name = "en_zh"
    with pytest.raises(Exception, match="dtype float32 is not of expected type string"):
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
    elsewhere = tmp_path / "models.config"
    elsewhere.write_text(config.read_text().replace("/models/", "/elsewhere/"))
    with pytest.raises(InputError, match=r"must be in /models, got /elsewhere/en_zh"):
        FakeServer(elsewhere, root)
    for options in ({"rest_port": -1}, {"threads": 0}, {"poll": 0}, {"cors": 1}):
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
    with FakeServer(config, tmp_path / "models", poll=0.1) as server:
        (model / "2").mkdir()
        (model / "2" / "saved_model.pb").write_bytes(b"rubbish")
        shutil.copytree(model / "1", model / ".3")
        (model / ".3").rename(model / "3")
        with Client("en_zh", port=server.rest_port) as client:
            client.wait_for([3])
            states = [(each.version, each.state, bool(each.error)) for each in client.status()]
            assert states == [(3, "AVAILABLE", False), (2, "END", True)]
            assert client("a b c")[0].text == translator("a b c")[0].text
