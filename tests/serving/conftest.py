import pytest
from test_translator import small_translator

from tf_seq2seq import serving
from tf_seq2seq.serving.serve import serve

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
BATCHING = """
max_batch_size { value: 16 }
batch_timeout_micros { value: 5000 }
num_batch_threads { value: 2 }
allowed_batch_sizes: 4  # shorter ones are filled up
allowed_batch_sizes: 16
"""


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """A model repository with a small translator, and the translator."""
    root = tmp_path_factory.mktemp("repository")
    translator = small_translator()
    serving.export(translator, root / "en_zh")
    (root / "models.config").write_text(CONFIG)
    (root / "batching.config").write_text(BATCHING)
    return translator, root


@pytest.fixture(scope="session", params=[False, True], ids=["plain", "batching"])
def served(repository, request):
    """The translator and where it is served, with and without batching."""
    translator, root = repository
    with serve(root, batching=request.param, cors=True) as server:
        yield translator, server
