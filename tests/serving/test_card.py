import json
import re
import subprocess

import numpy as np
import pytest
import tensorflow as tf
from helpers import small_translator
from serving_fixtures import FACTS

from tf_seq2seq.serving import card


def test_the_model_card_of_an_export(exported):
    translator, path = exported
    written = json.loads((path / card.FILE).read_text(encoding="utf-8"))
    assert written["name"] == "en_zh"
    assert {name: written[name] for name in FACTS} == FACTS
    assert written["packages"]["tensorflow"] == tf.__version__
    assert set(written["packages"]) == {"tf_seq2seq", "tensorflow", "tensorflow-text", "keras"}
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?|None", str(written["commit"]))
    assert written["parameters"] == translator.model.count_params()
    assert "compile_config" not in written["model"]


def test_labels_are_a_list_even_without_any():
    assert json.loads(card.model_card(small_translator(), "m", {}))["labels"] == []


def test_facts_that_json_cannot_represent():
    with pytest.raises(TypeError, match="float32"):
        card.model_card(small_translator(), "m", {"bleu": np.float32(1)})


def test_a_copy_within_another_checkout_has_no_commit(tmp_path, monkeypatch):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    module = tmp_path / "site-packages" / "tf_seq2seq" / "serving" / "card.py"
    module.parent.mkdir(parents=True)
    monkeypatch.setattr(card, "__file__", str(module))
    assert card._commit() is None
