"""The README's Python code runs, and its links work."""

import gzip
import inspect
import re
import shutil
from pathlib import Path

import keras
import pytest
from helpers import ROOT, small_translator

import tf_seq2seq as s2s

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.slow
def test_the_three_systems(capsys):
    exec(BLOCKS[0], {})
    scores = dict(re.findall(r"(.*): (\d+) %", capsys.readouterr().out))
    assert set(scores) == {"initial state", "context at every step", "attention"}
    # The README prints 67, 79 and 100; an untrained model stays below 5 (test_learning.py).
    assert min(map(int, scores.values())) >= 40
    assert int(scores["attention"]) >= 95
    assert int(scores["attention"]) >= max(map(int, scores.values()))


def test_the_layers_in_a_functional_model():
    names = {"keras": keras, "s2s": s2s}
    exec(BLOCKS[1], names)
    assert names["model"].output_shape == (None, None, 6000)


def test_train_on(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(s2s.Translator, "load", lambda directory: small_translator())
    trained = []
    monkeypatch.setattr(s2s.training, "fit", lambda model, *_, **options: trained.append(model))
    monkeypatch.chdir(tmp_path)
    names = {"s2s": s2s, "new_pairs": s2s.data.Pairs(["a b", "b a"] * 2, ["甲乙", "乙甲"] * 2)}
    exec(BLOCKS[2], names)
    assert trained == [names["model"]]
    assert not any("encoder" in w.path for w in trained[0].trainable_variables)
    Path("cc.en.300.vec.gz").write_bytes(gzip.compress(b"a 1 2 3 4\n"))
    exec(BLOCKS[3], names)
    assert "1 of 2 tokens have a vector" in capsys.readouterr().out


def test_search_and_measure(monkeypatch):
    monkeypatch.setattr(s2s.Translator, "load", lambda directory: small_translator())
    sentences, translations = ["a b", "c"], ["甲", "乙"]
    names = {"s2s": s2s, "sentences": sentences, "translations": translations}
    names["prefixes"] = translations
    exec(BLOCKS[4], names | {"another": small_translator()})


@pytest.mark.usefixtures("no_fresh_process")
def test_serve(tmp_path, monkeypatch, exported):
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
    exec(BLOCKS[5], names)


def test_complete_with_a_client(served):
    translator, server = served
    found = eval(BLOCKS[6].split("#")[0], {"client": server.client("en_zh")})
    assert found == translator.complete("She bought a new book.", "她昨天")[0].text
    assert found.startswith("她昨天")


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links(link):
    assert (ROOT / link).exists()
