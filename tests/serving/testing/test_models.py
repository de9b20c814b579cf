import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import predict_pb2
from tensorflow_serving.config import model_server_config_pb2

from tf_seq2seq.serving.testing import models
from tf_seq2seq.serving.testing.errors import ServerError


class Version:
    """A version that is loaded at once."""

    def __init__(self, directory, batching):
        self.number, self.model = int(directory.name), "model"


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Return a function from a version policy to a model with the versions 1, 2 and 10."""
    monkeypatch.setattr(models, "Version", Version)
    for number in (1, 2, 10):
        (tmp_path / "m" / str(number)).mkdir(parents=True)

    def make(policy=""):
        config = model_server_config_pb2.ModelConfig()
        text = f'name: "m" {policy} version_labels {{ key: "stable" value: 2 }}'
        model = models.Model(text_format.Parse(text, config), tmp_path / "m", None)
        model.poll()
        return model

    return make


@pytest.mark.parametrize(
    ("policy", "versions"),
    [
        ("", [10]),
        ("model_version_policy { latest { num_versions: 2 } }", [2, 10]),
        ("model_version_policy { all {} }", [1, 2, 10]),
        ("model_version_policy { specific { versions: 1 versions: 10 versions: 11 } }", [1, 10]),
    ],
)
def test_version_policies(model, policy, versions):
    assert list(model(policy).versions) == versions


def find(model, **which):
    spec = predict_pb2.PredictRequest().model_spec
    spec.name = "m"
    if "version" in which:
        spec.version.value = which["version"]
    if "label" in which:
        spec.version_label = which["label"]
    return model.find(spec).number


def test_versions_and_labels(model):
    loaded = model("model_version_policy { latest { num_versions: 2 } }")
    assert find(loaded) == 10
    assert find(loaded, version=2) == find(loaded, label="stable") == 2
    for which, message in (
        ({"version": 1}, r"Servable not found for request: Specific\(m, 1\)"),
        ({"label": "canary"}, "Unrecognized servable version label: canary"),
    ):
        with pytest.raises(ServerError, match=message):
            find(loaded, **which)
    loaded.versions[10].model = None  # failed to load
    assert find(loaded) == 2
    loaded.versions[2].model = None
    with pytest.raises(ServerError, match=r"Servable not found for request: Latest\(m\)"):
        find(loaded)


def test_versions_are_loaded_once_and_forgotten(model, tmp_path):
    loaded = model("model_version_policy { all {} }")
    before = dict(loaded.versions)
    (tmp_path / "m" / "2").rmdir()
    (tmp_path / "m" / "11").mkdir()
    loaded.poll()
    assert list(loaded.versions) == [1, 10, 11]
    assert loaded.versions[1] is before[1]
    for path in (tmp_path / "m").iterdir():
        path.rmdir()
    (tmp_path / "m").rmdir()
    loaded.poll()
    assert loaded.versions == {}
