import shutil
import socket
import sys
from pathlib import Path

import pytest

from tf_seq2seq import InputError
from tf_seq2seq.serving import export
from tf_seq2seq.serving import serve as serving
from tf_seq2seq.serving.client import Client
from tf_seq2seq.serving.local import LocalServer
from tf_seq2seq.serving.serve import serve

FAKE = Path(__file__).parent / "fake_server.py"
SENTENCE = "a b c"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a program of a name, which starts the stand-in, on the PATH, and nothing else."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("TF_SERVING_BINARY", raising=False)

    def install(name):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKE} {name} {programs} "$@"\n')
        program.chmod(0o755)
        return program

    return install


@pytest.mark.parametrize("name", ["tensorflow_model_server", "docker"])
def test_an_installed_server_serves_and_is_stopped(repository, install, name):
    translator, root = repository
    install(name)
    # The server's own folder: models of which its config says nothing are not waited for.
    shutil.copytree(root / "en_zh", root / "of_no_config", dirs_exist_ok=True)
    with serve(root, batching=True, seconds=120) as served:
        assert name in served.server
        for protocol in ("rest", "grpc"):
            (translation,) = served.client("en_zh", protocol).translate([SENTENCE])
            assert translation.text == translator([SENTENCE])[0].text
    with socket.socket() as connection:
        assert connection.connect_ex((served.host, served.rest_port)) != 0


def test_docker_without_the_image_is_left_alone(repository, install, monkeypatch):
    install("docker")
    monkeypatch.setattr(serving, "IMAGE", "tensorflow/serving:of-another-version")
    with serve(repository[1]) as served:
        assert "stand-in" in served.server


def test_a_server_that_does_not_start_is_said(repository, install, monkeypatch):
    program = install("tensorflow_model_server")
    program.write_text("#!/bin/sh\necho libcudart.so is missing\nexit 3\n")
    monkeypatch.setenv("TF_SERVING_BINARY", str(program))
    failure = pytest.raises(InputError, match=r"is not ready:\nlibcudart.so is missing")
    with failure, serve(repository[1]):
        pass


def test_a_folder_without_a_config_is_said(tmp_path):
    failure = pytest.raises(InputError, match=r"There is no models.config in")
    with failure, serve(tmp_path):
        pass


def test_what_the_stand_in_cannot_start_with(repository, tmp_path):
    _, root = repository
    config = root / "models.config"
    with LocalServer(config, root) as server:
        for ports in ({"rest_port": server.rest_port}, {"grpc_port": server.grpc_port}):
            with pytest.raises(InputError, match=r"cannot be had .* choose another"):
                LocalServer(config, root, **ports)
    with pytest.raises(InputError, match="nowhere cannot be read"):
        LocalServer(config, root, batching=tmp_path / "nowhere")
    elsewhere = tmp_path / "models.config"
    elsewhere.write_text(config.read_text().replace("/models/", "/elsewhere/"))
    with pytest.raises(InputError, match="is in /models, got /elsewhere/en_zh"):
        LocalServer(elsewhere, root)


def test_the_stand_in_goes_on_after_a_damaged_version(repository, tmp_path):
    translator, root = repository
    shutil.copytree(root, tmp_path / "models")
    model = tmp_path / "models" / "en_zh"
    with LocalServer(
        tmp_path / "models" / "models.config", tmp_path / "models", poll=0.1
    ) as server:
        (model / "2").mkdir()
        (model / "2" / "saved_model.pb").write_bytes(b"rubbish")
        assert export(translator, model).name == "3"
        with Client("en_zh", port=server.rest_port) as client:
            client.wait_for([3])
            assert [(each.version, each.state) for each in client.status()] == [
                (3, "AVAILABLE"),
                (2, "END"),
            ]
            assert client.translate(SENTENCE)[0].text == translator(SENTENCE)[0].text
