"""Without `tensorflow-serving-api`, features that need it report so in one sentence."""

import subprocess
import sys
import tomllib

import pytest
from helpers import ROOT, small_translator

from tf_seq2seq import InputError, serving
from tf_seq2seq.serving.client import Client
from tf_seq2seq.serving.serve import serve
from tf_seq2seq.serving.serving_api import REQUIREMENT, require_serving_api

REMEDY = f"needs TensorFlow Serving's API, which is not installed: run pip install '{REQUIREMENT}'"


@pytest.fixture
def _without(monkeypatch):
    for name in [*sys.modules, "tensorflow_serving"]:
        if name.partition(".")[0] == "tensorflow_serving":
            monkeypatch.setitem(sys.modules, name, None)


def test_the_requirement_is_that_of_the_extra():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["optional-dependencies"]["serve"] == [REQUIREMENT]


def test_nothing_happens_if_it_is_installed():
    require_serving_api("Everything")


@pytest.mark.usefixtures("_without")
def test_python(exported, repository, tmp_path):
    with pytest.raises(InputError) as refused:
        require_serving_api("Everything")
    assert str(refused.value) == f"Everything {REMEDY}"
    with pytest.raises(InputError, match=r"^A file of warm-up requests needs"):
        serving.export(small_translator(), tmp_path / "m", sentences=["a"])
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match=r"^A file of warm-up requests needs"):
        serving.check_export(exported[1])
    with pytest.raises(InputError, match=r"^The protocol 'grpc' needs"):
        Client("en_zh", protocol="grpc")
    with (
        pytest.raises(InputError, match=r"^The fake server needs"),
        serve(repository[1], fake=True),
    ):
        pass
    assert Client("en_zh")([]) == []  # REST works


# TensorFlow is blocked too: these commands say what is missing before they import it.
COMMAND = """
import sys
for name in ("tensorflow", "tensorflow_serving", "grpc"):
    sys.modules[name] = None
from tf_seq2seq.cli.{module} import main
sys.exit(main())
"""


@pytest.mark.parametrize(
    ("module", "arguments", "what"),
    [
        ("client", ["--protocol", "grpc", "--sentence", "a"], "The protocol 'grpc'"),
        ("fake_server", ["--rest-port", "0", "--grpc-port", "0"], "The fake server"),
    ],
)
def test_commands(module, arguments, what):
    process = subprocess.run(
        [sys.executable, "-c", COMMAND.format(module=module), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert process.returncode == 1
    assert process.stderr == f"error: {what} {REMEDY}\n"
