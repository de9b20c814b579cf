"""The committed model, and the repository that contains it."""

import json
import re

import pytest
from google.protobuf import text_format
from helpers import EN_ZH, ROOT
from tensorflow_serving.config import model_server_config_pb2

import tf_seq2seq as s2s
from tf_seq2seq.serving.testing import Batching

REPOSITORY = ROOT / "saved_models"
CARD = json.loads((EN_ZH / "assets.extra" / "model.json").read_text(encoding="utf-8"))
needs_new_export = pytest.mark.skipif(
    "parameters" not in CARD, reason="the committed model is to be exported again"
)


def test_it_is_small_and_says_what_it_is():
    assert sum(path.stat().st_size for path in EN_ZH.rglob("*") if path.is_file()) < 3_000_000
    assert CARD["name"] == "en_zh"
    assert CARD["labels"] == ["stable"]
    assert CARD["metric"]["name"] == "BLEU"
    assert "tok:zh" in CARD["metric"]["signature"]


@needs_new_export
def test_the_readme_agrees_with_its_model_card():
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    assert f"{CARD['parameters']:,} parameters" in readme
    assert f"BLEU {CARD['metric']['value']:.2f}" in readme
    assert CARD["metric"]["signature"] in readme


def test_it_translates_like_the_package_and_well(committed):
    test = s2s.data.synthetic_corpus(1).test
    served = s2s.serving.SavedTranslator(EN_ZH)(test.source)
    assert [t.text for t in served] == [t.text for t in committed(test.source)]
    bleu = s2s.evaluation.bleu([t.text for t in served], test.target, "zh")
    assert bleu.value >= 90
    assert abs(bleu.value - CARD["metric"]["value"]) < 0.01


@needs_new_export
def test_a_stock_server_can_serve_it(committed):
    found = s2s.serving.check_export(EN_ZH, committed)
    assert found.problems == []
    assert found.warmup_requests == 11 * 7


def test_the_configs_fit_each_other():
    config = text_format.Parse(
        (REPOSITORY / "models.config").read_text(), model_server_config_pb2.ModelServerConfig()
    )
    for model in config.model_config_list.config:
        folder = REPOSITORY / model.base_path.removeprefix("/models/")
        assert model.name == folder.name
        assert set(model.version_labels.values()) <= set(s2s.serving.list_versions(folder))
    batching = Batching.read(REPOSITORY / "batching.config")
    assert batching.allowed_batch_sizes[-1] == batching.max_batch_size
    compose = (REPOSITORY / "docker-compose.yml").read_text()
    assert int(re.search(r"grpc_max_threads=(\d+)", compose)[1]) >= 2 * batching.max_batch_size
    for name in ("models.config", "batching.config", "monitoring.config"):
        assert f"/models/{name}" in compose
        assert (REPOSITORY / name).is_file()
