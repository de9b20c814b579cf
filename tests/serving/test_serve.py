import shutil
import socket
import sys
from pathlib import Path

import pytest
from helpers import slow_except

from tf_seq2seq import InputError
from tf_seq2seq.serving import serve as serving
from tf_seq2seq.serving.serve import find_server, serve

PROGRAMS = Path(__file__).parent / "fake_programs.py"
SENTENCE = "a b c"


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Return a function that puts a program, which starts the fake server, on an empty PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    monkeypatch.delenv("TF_SERVING_BINARY", raising=False)

    def install(name):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {sys.executable} {PROGRAMS} {name} {programs} "$@"\n')
        program.chmod(0o755)
        return program

    return install


@pytest.mark.parametrize(
    "name", slow_except(["docker", "tensorflow_model_server"], "tensorflow_model_server")
)
def test_an_installed_server_serves_and_is_stopped(repository, install, name):
    translator, root = repository
    install(name)
    # `serve` does not wait for models that are not in the config.
    shutil.copytree(root / "en_zh", root / "of_no_config", dirs_exist_ok=True)
    with serve(root, batching=True, seconds=120) as served:
        assert name in served.server
        for protocol in ("rest", "grpc"):
            (translation,) = served.client("en_zh", protocol)([SENTENCE])
            assert translation.text == translator([SENTENCE])[0].text
    with socket.socket() as connection:
        assert connection.connect_ex((served.host, served.rest_port)) != 0


def test_docker_without_the_image_is_not_used(install, monkeypatch):
    install("docker")
    monkeypatch.setattr(serving, "IMAGE", "tensorflow/serving:of-another-version")
    assert find_server() is None


@pytest.mark.usefixtures("install")
def test_without_a_server_the_fake_one_serves_only_if_it_is_asked_for(repository):
    with (
        pytest.raises(InputError, match=r"not installed: .*`docker pull .*`fake=True`"),
        serve(repository[1]),
    ):
        pass
    with serve(repository[1], fake=True) as served:
        assert served.server == "fake server, for development and tests only"
        assert served.client("en_zh").status()[0].state == "AVAILABLE"


def test_the_fake_server_serves_although_a_real_one_is_installed(repository, install):
    install("tensorflow_model_server")
    with serve(repository[1], fake=True) as served:
        assert served.server.startswith("fake server")


def test_a_server_that_does_not_start(repository, install, monkeypatch):
    program = install("tensorflow_model_server")
    program.write_text("#!/bin/sh\necho libcudart.so is missing\nexit 3\n")
    monkeypatch.setenv("TF_SERVING_BINARY", str(program))
    failure = pytest.raises(InputError, match=r"is not ready:\nlibcudart.so is missing")
    with failure, serve(repository[1]):
        pass


def test_a_folder_without_a_config(tmp_path):
    with pytest.raises(InputError, match=r"There is no models.config in"), serve(tmp_path):
        pass


def test_arguments_out_of_range(repository):
    for options in ({"fake": 1}, {"batching": None}, {"cors": "no"}, {"seconds": 0}):
        (name,) = options
        failure = pytest.raises(InputError, match=f"`{name}` must be")
        with failure, serve(repository[1], **options):
            pass
