"""Exports and servers that several tests share: each is made once per session."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import types

import keras
import pytest
from explorer import load_committed
from helpers import small_translator

import tf_seq2seq as s2s
from tf_seq2seq import serving
from tf_seq2seq.serving import fresh_process, native_model
from tf_seq2seq.serving.serve import Served, find_server, serve

# HOST:REST_PORT:GRPC_PORT of a running server of `saved_models`. Without it, the tests start the
# server that is installed, or else the fake one.
TARGET = os.environ.get("TF_SERVING_TARGET")

MAIN = ("additive_current", s2s.text.WordTokenizer)
SENTENCES = ["", "b a", "a b c d e f"]
FACTS = {"languages": {"source": "en", "target": "zh"}, "labels": ["small"]}
CONFIG = """
model_config_list {
  config {
    name: "en_zh"
    base_path: "/models/en_zh"
    model_platform: "tensorflow"
    model_version_policy { latest { num_versions: 2 } }
    version_labels { key: "stable" value: 1 }
  }
}
"""
MONITORING = 'prometheus_config { enable: true, path: "/monitoring/prometheus/metrics" }'
BATCHING = """
max_batch_size { value: 16 }
batch_timeout_micros { value: 5000 }
num_batch_threads { value: 2 }
allowed_batch_sizes: 4  # shorter ones are padded
allowed_batch_sizes: 16
"""


def certain_translator(system=MAIN[0], tokenizer=MAIN[1]):
    """Return a small translator that prefers one output clearly: rounding does not break ties."""
    keras.utils.set_random_seed(0)
    translator = small_translator(system, tokenizer)
    for weight in translator.model.weights:
        weight.assign(3 * weight)
    return translator


def _program_here(command, input, **options):
    """Do what the program `native_model.py` does."""
    try:
        model = native_model.NativeModel(command[-1])
    except Exception as error:
        return subprocess.CompletedProcess(command, 1, b"", str(error).encode())
    answers = "".join(f"{native_model.answer(model, line)}\n" for line in input.splitlines())
    return subprocess.CompletedProcess(command, 0, answers.encode(), b"")


@contextlib.contextmanager
def _no_fresh_process():
    here = types.SimpleNamespace(run=_program_here, TimeoutExpired=subprocess.TimeoutExpired)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fresh_process, "subprocess", here)
        yield


@pytest.fixture
def no_fresh_process():
    """Run SavedModels in this process, with the same loader: a fresh one takes seconds to start."""
    with _no_fresh_process():
        yield


@pytest.fixture(scope="session")
def exports(tmp_path_factory):
    """Return a function from a system and a tokenizer to a translator and its export."""
    # pytest-xdist's workers share this folder, and each export is made by the first that needs it.
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "exports"
    made = {}

    def export(system=MAIN[0], tokenizer=MAIN[1]):
        key = system, tokenizer
        if key not in made:
            translator = certain_translator(*key)
            directory = shared / f"{system}-{tokenizer.__name__}" / "en_zh"
            directory.mkdir(parents=True, exist_ok=True)
            with (directory.parent / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not serving.list_versions(directory):
                    facts = {"sentences": SENTENCES, "card": FACTS} if key == MAIN else {}
                    with _no_fresh_process():
                        serving.export(translator, directory, **facts)
            made[key] = translator, directory / "1"
        return made[key]

    return export


@pytest.fixture(scope="session")
def exported(exports):
    """A translator and its export, with warm-up requests and facts in the model card."""
    return exports()


@pytest.fixture(scope="session")
def committed():
    """The package's translator with the weights of the committed model."""
    return load_committed()


@pytest.fixture(scope="session")
def repository(tmp_path_factory, exported):
    """A model repository with a small translator, and the translator."""
    translator, path = exported
    root = tmp_path_factory.mktemp("repository")
    shutil.copytree(path, root / "en_zh" / "1")
    (root / "models.config").write_text(CONFIG)
    (root / "monitoring.config").write_text(MONITORING)
    (root / "batching.config").write_text(BATCHING)
    return translator, root


@pytest.fixture(scope="session", params=[False, True], ids=["plain", "batching"])
def served(request):
    """A translator and a server of it, with and without batching."""
    if TARGET:
        if request.param:
            pytest.skip("the server of TF_SERVING_TARGET has its own batching")
        host, rest_port, grpc_port = TARGET.rsplit(":", 2)
        served = Served(host, int(rest_port), int(grpc_port), TARGET)
        yield request.getfixturevalue("committed"), served
        return
    translator, root = request.getfixturevalue("repository")
    with serve(root, batching=request.param, cors=True, fake=find_server() is None) as server:
        yield translator, server
