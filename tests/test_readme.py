"""The code of README.md, docs/guide.md and docs/serving.md runs; the links of the README work."""

import gzip
import inspect
import re
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers import ROOT, small_translator
from pages import anchors

import tf_seq2seq as s2s


def code(page, heading):
    """Return the blocks of Python in a section of a page."""
    text = (ROOT / page).read_text(encoding="utf-8")
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert blocks
    return blocks


@pytest.mark.parametrize(
    ("page", "sections"),
    [
        ("README.md", ["The layers in twenty lines"]),
        (
            "docs/guide.md",
            ["Stop and resume", "The layers in your own code", "Continue training", "Search"],
        ),
        ("docs/serving.md", ["Export", "Send requests"]),
    ],
)
def test_all_code_is_tested(page, sections):
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [block for section in sections for block in code(page, section)]
    assert found == re.findall(r"```python\n(.*?)```", text, re.DOTALL)


@pytest.mark.slow
def test_the_three_systems(capsys):
    exec(code("README.md", "The layers in twenty lines")[0], {})
    scores = dict(re.findall(r"(.*): (\d+) %", capsys.readouterr().out))
    assert set(scores) == {"initial state", "context at every step", "attention"}
    # The README prints 67, 79 and 100; an untrained model stays below 5 (test_learning.py).
    assert min(map(int, scores.values())) >= 40
    assert int(scores["attention"]) >= 95
    assert int(scores["attention"]) >= max(map(int, scores.values()))


def test_stop_and_resume(monkeypatch):
    called = {}
    fit = inspect.signature(s2s.training.fit)
    monkeypatch.setattr(
        s2s.training, "fit", lambda *a, **k: called.update(fit.bind(*a, **k).arguments)
    )
    exec(
        code("docs/guide.md", "Stop and resume")[0],
        dict.fromkeys(["model", "train", "dev"]) | {"s2s": s2s},
    )
    assert called["resume"] and called["directory"]


def test_the_layers_in_a_functional_model():
    names = {"keras": keras, "s2s": s2s}
    exec(code("docs/guide.md", "The layers in your own code")[0], names)
    assert names["model"].output_shape == (None, None, 6000)
    source, inputs, labels = (np.array([row]) for row in ([5, 3, 0], [2, 5, 0], [5, 3, 0]))
    loss = names["model"].evaluate([source, inputs], labels, verbose=0)
    assert loss == pytest.approx(np.log(6000), abs=0.1)  # it has learned nothing


def test_continue_training(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(s2s.Translator, "load", lambda directory: small_translator())
    trained = []
    monkeypatch.setattr(s2s.training, "fit", lambda model, *_, **options: trained.append(model))
    monkeypatch.chdir(tmp_path)
    names = {"s2s": s2s, "new_pairs": s2s.data.Pairs(["a b", "b a"] * 2, ["甲乙", "乙甲"] * 2)}
    new_vocabulary, vectors = code("docs/guide.md", "Continue training")
    exec(new_vocabulary, names)
    assert trained == [names["model"]]
    assert not any("encoder" in w.path for w in trained[0].trainable_variables)
    Path("cc.en.300.vec.gz").write_bytes(gzip.compress(b"a 1 2 3 4\n"))
    exec(vectors, names)
    assert "1 of 2 tokens have a vector" in capsys.readouterr().out


def test_search(monkeypatch):
    monkeypatch.setattr(s2s.Translator, "load", lambda directory: small_translator())
    sentences, translations = ["a b", "c"], ["甲", "乙"]
    names = {"s2s": s2s, "sentences": sentences, "translations": translations}
    names |= {"prefixes": translations, "training_pairs": s2s.data.Pairs(sentences, translations)}
    exec(code("docs/guide.md", "Search")[0], names | {"another": small_translator()})


@pytest.mark.usefixtures("no_fresh_process")
def test_export(tmp_path, monkeypatch, exported):
    translator, path = exported
    export = inspect.signature(s2s.serving.export)

    def exported_already(*args, **options):
        """Take the export that other tests share, which is made with sentences too."""
        given = export.bind(*args, **options).arguments
        assert given.keys() == {"exported", "directory", "sentences"}
        return shutil.copytree(path, Path(given["directory"]) / "1")

    monkeypatch.setattr(s2s.serving, "export", exported_already)
    monkeypatch.chdir(tmp_path)
    names = {"s2s": s2s, "sentences": ["a b", "c"], "translator": translator}
    exec(code("docs/serving.md", "Export")[0], names)


def test_complete_with_a_client(served, monkeypatch):
    translator, server = served
    monkeypatch.setattr("tf_seq2seq.serving.client.Client", server.client)
    names = {}
    lines = code("docs/serving.md", "Send requests")[0].splitlines()
    exec("\n".join(lines[:-1]), names)
    found = eval(lines[-1].split("#")[0], names)
    assert found == translator.complete("She bought a new book.", "她昨天")[0].text
    assert found.startswith("她昨天")


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md"])
def test_links(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^):]+)\)", text):
        path, _, anchor = link.partition("#")
        assert (ROOT / path).exists(), link
        assert not anchor or anchor in anchors(ROOT / (path or page)), link
