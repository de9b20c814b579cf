"""The committed model, and the repository that contains it."""

import json
import re

import explorer
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


def test_it_translates_what_the_explorer_has_recorded(committed):
    """If not, `make explorer` records it again."""
    recorded = explorer.read_recorded()
    place = 4  # the shortest one whose translation the options change
    chosen = [explorer.SEARCHES.index(explorer.BEAM | {"length_penalty": 2.0}), -1]
    example = explorer.EXAMPLES[place]
    now = explorer.record(committed, example, [explorer.SEARCHES[k] for k in chosen])
    then = recorded["examples"][place]
    for result, old in zip(now["results"], (then["results"][k] for k in chosen), strict=True):
        assert result["scores"] == pytest.approx(old["scores"], abs=1)
        for n, m in zip(result["best"], old["best"], strict=True):
            found, known = now["translations"][n], then["translations"][m]
            assert found["text"] == known["text"]
            assert found["log_p"] == pytest.approx(known["log_p"], abs=1)
            for row, other in zip(found["weights"], known["weights"], strict=True):
                assert now["weights"][row] == pytest.approx(then["weights"][other], abs=1)
        steps = zip(now["trees"][result["tree"]], then["trees"][old["tree"]], strict=True)
        for step, known in steps:
            for (parent, token, log_p, fate), other in zip(step, known, strict=True):
                assert (parent, fate) == (other[0], other[3])
                assert now["tokens"][token] == then["tokens"][other[1]]
                assert log_p == pytest.approx(other[2], abs=1)


def test_the_steps_of_the_explorer_are_those_of_the_search(committed):
    sentence, _, prefix = explorer.EXAMPLES[4]
    options = explorer.options_of(explorer.BEAM | {"no_repeat_ngram": 1})
    found, steps = explorer.search_steps(committed, sentence, prefix, options)
    ids = committed.target_tokenizer.encode([prefix])[0].numpy().tolist()
    rows = explorer.candidates(steps, ids, options)
    ended = []
    hypotheses = {0: ([], 0.0)}
    for row, step in zip(rows, [*steps[1:], None], strict=True):
        extended = [([*hypotheses[parent][0], id], log_p, fate) for parent, id, log_p, fate in row]
        ended += [(ids, log_p) for ids, log_p, fate in extended if fate == explorer.ENDED]
        followed = [each for each in extended if each[2] == explorer.FOLLOWED]
        if step is not None:
            pairs = [(parent, id) for parent, id, _, fate in row if fate == explorer.FOLLOWED]
            assert pairs == list(zip(step.parents, step.ids, strict=True))[: len(pairs)]
        hypotheses = {k: each[:2] for k, each in enumerate(followed)}
    by_ids = {tuple(ids): log_p for ids, log_p in ended}
    for ids, length, log_p in zip(
        found.ids[0].numpy(),
        found.lengths[0].numpy(),
        found.log_probabilities[0].numpy(),
        strict=True,
    ):
        assert by_ids[tuple(ids[:length])] == pytest.approx(log_p, abs=1e-3)


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
