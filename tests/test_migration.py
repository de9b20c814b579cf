"""The code of docs/migration.md runs, and the page has every name of `tfa.seq2seq`."""

import re

import pytest
from helpers import ROOT

import tf_seq2seq as s2s
from tf_seq2seq import data, layers, losses, search, text, training

PAGE = (ROOT / "docs" / "migration.md").read_text(encoding="utf-8")
ADDONS = {
    "AttentionMechanism",
    "AttentionWrapper",
    "AttentionWrapperState",
    "BahdanauAttention",
    "BahdanauMonotonicAttention",
    "LuongAttention",
    "LuongMonotonicAttention",
    "hardmax",
    "monotonic_attention",
    "safe_cumprod",
    "BasicDecoder",
    "BasicDecoderOutput",
    "BeamSearchDecoder",
    "BeamSearchDecoderOutput",
    "BeamSearchDecoderState",
    "FinalBeamSearchDecoderOutput",
    "gather_tree",
    "gather_tree_from_array",
    "tile_batch",
    "BaseDecoder",
    "Decoder",
    "dynamic_decode",
    "SequenceLoss",
    "sequence_loss",
    "CustomSampler",
    "GreedyEmbeddingSampler",
    "InferenceSampler",
    "SampleEmbeddingSampler",
    "Sampler",
    "ScheduledEmbeddingTrainingSampler",
    "ScheduledOutputTrainingSampler",
    "TrainingSampler",
}
MODULES = {"data": data, "layers": layers, "losses": losses, "search": search, "text": text}
MODULES["training"] = training


def test_the_code_runs(capsys):
    exec("".join(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)), {})
    printed = capsys.readouterr().out
    assert "(2, 3, 90) (2, 3, 4)" in printed
    assert re.search(r"\(2, 4, \d+\)", printed)


def test_all_names_of_the_addons_are_answered():
    table = PAGE.split("## The names of `tfa.seq2seq`")[1].split("##")[0]
    questions = [row.split("|")[1] for row in table.splitlines() if row.startswith("| `")]
    assert sorted(re.findall(r"`(\w+)`", "".join(questions))) == sorted(ADDONS)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(\w+\.\w+)", PAGE))))
def test_modules_have_the_names(name):
    module, _, attribute = name.partition(".")
    if module in MODULES:
        assert hasattr(MODULES[module], attribute)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Z]\w+)\(", PAGE))))
def test_classes_exist(name):
    in_tensorflow_1 = {"DropoutWrapper"}
    assert name in s2s.__all__ or name in in_tensorflow_1
