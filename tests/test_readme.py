"""The README's Python code runs, and its links work."""

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


def test_the_three_systems(capsys):
    exec(BLOCKS[0], {})
    scores = dict(re.findall(r"(.*): (\d+) %", capsys.readouterr().out))
    assert set(scores) == {"initial state", "context at every step", "attention"}
    # The README prints 68, 83 and 100; an untrained model stays below 5 (test_learning.py).
    assert min(map(int, scores.values())) >= 40
    assert int(scores["attention"]) >= 95
    assert int(scores["attention"]) >= max(map(int, scores.values()))


def test_the_layers_in_a_functional_model():
    names = {"keras": keras, "s2s": s2s}
    exec(BLOCKS[1], names)
    assert names["model"].output_shape == (None, None, 6000)


def test_search_and_measure(monkeypatch):
    monkeypatch.setattr(s2s.Translator, "load", lambda directory: small_translator())
    sentences, translations = ["a b", "c"], ["甲", "乙"]
    names = {"s2s": s2s, "sentences": sentences, "translations": translations}
    exec(BLOCKS[2], names | {"another": small_translator()})


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
    exec(BLOCKS[3], names)


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links(link):
    assert (ROOT / link).exists()
