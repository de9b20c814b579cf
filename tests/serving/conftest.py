import json
import os

import keras
import pytest
import tensorflow as tf
from helpers import EN_ZH, small_translator

import tf_seq2seq as s2s
from tf_seq2seq import serving
from tf_seq2seq.serving.serve import Served, serve

# HOST:REST_PORT:GRPC_PORT of a server that serves `saved_models`; `TF_SERVING_BINARY` names one to
# be started. With neither the stand-in serves.
TARGET = os.environ.get("TF_SERVING_TARGET")

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
allowed_batch_sizes: 4  # shorter ones are filled up
allowed_batch_sizes: 16
"""


@pytest.fixture(scope="session")
def committed():
    """The package's translator with the weights of the model that is committed."""
    card = json.loads((EN_ZH / "assets.extra" / "model.json").read_text(encoding="utf-8"))
    model = keras.saving.deserialize_keras_object(card["model"])
    weights = tf.saved_model.load(str(EN_ZH)).weights
    for variable, value in zip(model.weights, weights, strict=True):
        variable.assign(value)
    train = s2s.data.synthetic_corpus(1).train
    tokenizers = s2s.text.tokenizer_for(train.source), s2s.text.tokenizer_for(train.target)
    for tokenizer, lines in zip(tokenizers, (train.source, train.target), strict=True):
        tokenizer.adapt(lines, max_size=6000)
    return s2s.Translator(model, *tokenizers)


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """A model repository with a small translator, and the translator."""
    root = tmp_path_factory.mktemp("repository")
    translator = small_translator()
    serving.export(translator, root / "en_zh")
    (root / "models.config").write_text(CONFIG)
    (root / "monitoring.config").write_text(MONITORING)
    (root / "batching.config").write_text(BATCHING)
    return translator, root


@pytest.fixture(scope="session", params=[False, True], ids=["plain", "batching"])
def served(request):
    """A translator and where it is served, with and without batching."""
    if TARGET:
        if request.param:
            pytest.skip("the server of TF_SERVING_TARGET batches as it likes")
        host, rest_port, grpc_port = TARGET.rsplit(":", 2)
        served = Served(host, int(rest_port), int(grpc_port), TARGET)
        yield request.getfixturevalue("committed"), served
        return
    translator, root = request.getfixturevalue("repository")
    with serve(root, batching=request.param, cors=True) as server:
        yield translator, server
