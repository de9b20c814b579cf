"""How versions are loaded, retried and unloaded: as seen on the real server."""

import shutil

import pytest
from google.protobuf import text_format
from tensorflow_serving.apis import predict_pb2

from tf_seq2seq.serving.testing import models
from tf_seq2seq.serving.testing.errors import ServerError

TWO = "model_version_policy { latest { num_versions: 2 } }"


@pytest.fixture
def model(tmp_path, monkeypatch):
    """Return a function from a version policy to a model, and add the versions 1, 2 and 10."""

    def load(directory):
        if (directory / "broken").exists():
            raise OSError("it is broken\nsomewhere")
        return "model"

    monkeypatch.setattr(models, "NativeModel", load)
    for number in (1, 2, 10):
        add(tmp_path, number)

    def make(policy="", retry=0.0):
        model = models.Model(tmp_path, None, retry)
        text = f'name: "m" {policy} version_labels {{ key: "stable" value: 2 }}'
        text_format.Parse(text, model.config)
        model.poll()
        return model

    return make


def add(folder, number, broken=False):
    (folder / str(number)).mkdir()
    if broken:
        (folder / str(number) / "broken").touch()


def states(model):
    return {number: version.state for number, version in sorted(model.versions.items())}


@pytest.mark.parametrize(
    ("policy", "versions"),
    [
        ("", [10]),
        (TWO, [2, 10]),
        ("model_version_policy { all {} }", [1, 2, 10]),
        ("model_version_policy { specific { versions: 1 versions: 10 versions: 11 } }", [1, 10]),
    ],
)
def test_version_policies(model, policy, versions):
    assert states(model(policy)) == dict.fromkeys(versions, "AVAILABLE")


def find(model, **which):
    spec = predict_pb2.PredictRequest().model_spec
    spec.name = "m"
    if "version" in which:
        spec.version.value = which["version"]
    if "label" in which:
        spec.version_label = which["label"]
    return model.find(spec).number


def test_versions_and_labels(model):
    loaded = model(TWO)
    assert find(loaded) == 10
    assert find(loaded, version=2) == find(loaded, label="stable") == 2
    for which, message in (
        ({"version": 1}, r"Servable not found for request: Specific\(m, 1\)"),
        ({"label": "canary"}, "Unrecognized servable version label: canary"),
    ):
        with pytest.raises(ServerError, match=message):
            find(loaded, **which)
    loaded.versions[10].state = "LOADING"
    assert find(loaded) == 2
    loaded.versions[2].state = "END"
    with pytest.raises(ServerError, match=r"Servable not found for request: Latest\(m\)"):
        find(loaded)


def test_versions_are_loaded_once_and_unloaded(model, tmp_path):
    loaded = model("model_version_policy { all {} }")
    first = loaded.versions[1]
    shutil.rmtree(tmp_path / "2")
    add(tmp_path, 11)
    loaded.poll()
    assert states(loaded) == {1: "AVAILABLE", 2: "END", 10: "AVAILABLE", 11: "AVAILABLE"}
    assert loaded.versions[1] is first
    add(tmp_path, 2)
    shutil.rmtree(tmp_path / "1")
    loaded.poll()
    assert states(loaded) == {1: "END", 2: "AVAILABLE", 10: "AVAILABLE", 11: "AVAILABLE"}
    for path in tmp_path.iterdir():
        shutil.rmtree(path)
    tmp_path.rmdir()
    loaded.poll()
    assert set(states(loaded).values()) == {"END"}


def test_an_old_version_stays_until_the_new_one_is_available(model, tmp_path):
    loaded = model()
    first = loaded.versions[10]
    add(tmp_path, 11, broken=True)
    loaded.poll()
    assert states(loaded) == {10: "AVAILABLE", 11: "LOADING"}
    assert loaded.versions[11].error == ""
    (tmp_path / "11").rename(tmp_path / "away")  # withdrawn
    loaded.poll()
    assert states(loaded) == {10: "AVAILABLE", 11: "END"}
    assert loaded.versions[10] is first
    (tmp_path / "away").rename(tmp_path / "11")
    loaded.poll()
    assert states(loaded) == {10: "AVAILABLE", 11: "LOADING"}
    (tmp_path / "11" / "broken").unlink()  # mended in place
    loaded.poll()
    assert states(loaded) == {10: "END", 11: "AVAILABLE"}


def test_a_broken_version_is_retried_after_a_pause(model, tmp_path):
    add(tmp_path, 11, broken=True)
    loaded = model(retry=60.0)
    (tmp_path / "11" / "broken").unlink()
    loaded.poll()
    assert states(loaded) == {11: "LOADING"}


def test_a_third_version_unloads_the_first_even_if_it_is_broken(model, tmp_path):
    loaded = model(TWO)
    add(tmp_path, 11, broken=True)
    loaded.poll()
    assert states(loaded) == {2: "END", 10: "AVAILABLE", 11: "LOADING"}
    with pytest.raises(ServerError, match=r"Servable not found for request: Specific\(m, 2\)"):
        find(loaded, label="stable")


def test_a_newer_version_waits_until_the_server_has_given_up(model, tmp_path):
    loaded = model("model_version_policy { all {} }")
    add(tmp_path, 11, broken=True)
    loaded.poll()
    add(tmp_path, 12)
    for _ in range(4):
        loaded.poll()
        assert loaded.versions[11].state == "LOADING"
        assert loaded.versions[12].state == "START"
    loaded.poll()  # the fifth retry
    assert loaded.versions[11].state == "END"
    assert loaded.versions[11].error == "it is broken"
    assert loaded.versions[12].state == "AVAILABLE"
    (tmp_path / "11" / "broken").unlink()
    loaded.poll()
    assert loaded.versions[11].state == "END"


def test_a_broken_version_does_not_delay_others_when_the_server_starts(model, tmp_path):
    add(tmp_path, 11, broken=True)
    assert states(model(TWO)) == {10: "AVAILABLE", 11: "LOADING"}
