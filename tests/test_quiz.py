"""The answers of docs/quiz.md: those that are facts about the code are computed here.

Answer 18 is held by tests/training/test_faults.py, and answer 19 by
tests/training/test_distribution.py.
"""

import re

import keras
import numpy as np
import pytest
from helpers import ROOT, small_translator

import tf_seq2seq as s2s
from tf_seq2seq.layers.decoder import FEEDINGS
from tf_seq2seq.losses import token_cross_entropy
from tf_seq2seq.search import SearchOptions
from tf_seq2seq.serving.signatures import signatures_of
from tf_seq2seq.text import EOS_ID, PAD_ID, SOS_ID, UNK_ID

PAGE = (ROOT / "docs" / "quiz.md").read_text(encoding="utf-8")
QUESTION = re.compile(
    r"^### (\d+)\. ([^\n]*\?)\n\n<details>\n<summary>Answer</summary>\n\n(.*?)\n\n</details>$",
    re.M | re.S,
)
ANSWERS = {int(n): " ".join(answer.split()) for n, _, answer in QUESTION.findall(PAGE)}
SOURCE = np.array([[5, 6, 3, 0, 0], [5, 6, 7, 8, 3]])
TARGET = np.array([[2, 4, 5], [2, 4, 0]])


def run(target=TARGET, **decoder):
    """The result of a small decoder with fixed weights, and of its encoder."""
    keras.utils.set_random_seed(1)
    encoded = s2s.Encoder(10, 4, bidirectional=True)(SOURCE)
    layer = s2s.Decoder(9, 8, **decoder)
    return layer(target, s2s.Bridge("zeros", cell="gru", units=8)(encoded.state), encoded), encoded


def test_twenty_questions_whose_answers_say_where_they_come_from():
    assert list(ANSWERS) == list(range(1, 21))
    assert PAGE.count("\n### ") == PAGE.count("<details>") == PAGE.count("</details>") == 20
    for answer in ANSWERS.values():
        assert re.search(r"\]\([^)]+\)", answer)


def test_1_the_context_has_two_forms():
    _, encoded = run()
    assert encoded.context.shape == (2, 8)
    assert encoded.outputs.shape == (2, 5, 8)


def test_2_a_bidirectional_context_is_the_last_state_of_each_direction():
    assert str(s2s.Encoder(8000, 128, bidirectional=True).output_size) in ANSWERS[2]
    _, encoded = run()
    np.testing.assert_allclose(encoded.context[1, :4], encoded.outputs[1, -1, :4], rtol=1e-6)
    np.testing.assert_allclose(encoded.context[1, 4:], encoded.outputs[1, 0, 4:], rtol=1e-6)


def test_3_padding_is_skipped():
    _, encoded = run()
    np.testing.assert_allclose(encoded.context[0, :4], encoded.outputs[0, 2, :4], rtol=1e-6)
    np.testing.assert_array_equal(encoded.outputs[0, 3:], np.zeros((2, 8)))
    assert encoded.mask.numpy().tolist()[0] == [True] * 3 + [False] * 2


def test_4_what_a_step_reads():
    assert {name: tuple(feeding) for name, feeding in FEEDINGS.items()} == {
        "initial_state": (True, False),
        "context": (False, True),
        "context_and_previous": (True, True),
    }
    assert s2s.Decoder(9, 8).feeding == "initial_state"
    attention = s2s.DotAttention()
    assert s2s.Decoder(9, 8, attention=attention).feeding == "context_and_previous"
    alike = [run(target, feeding="context")[0].logits for target in (TARGET, TARGET + 1)]
    np.testing.assert_array_equal(*alike)


def test_5_a_state_that_is_too_wide_to_copy():
    parts = s2s.Encoder(10, 64, bidirectional=True), s2s.Decoder(9, 64)
    with pytest.raises(s2s.InputError, match="64 decoder units and a state of 128"):
        s2s.Seq2Seq(*parts, bridge="copy")
    model = s2s.Seq2Seq(*parts)
    assert model.bridge.kind == "dense"
    assert "128" in ANSWERS[5]


@pytest.mark.parametrize(("query", "knows"), [("current_state", True), ("previous_state", False)])
def test_6_whether_a_query_has_read_the_word_of_its_step(query, knows):
    other = np.array([[6, 4, 5], [6, 4, 0]])
    first, second = (
        run(target, query=query, attention=s2s.DotAttention())[0].alignment[:, 0]
        for target in (TARGET, other)
    )
    assert np.array_equal(first, second) is not knows


def test_7_the_attention_weights():
    alignment = run(attention=s2s.DotAttention())[0].alignment.numpy()
    assert alignment.shape == (2, 3, 5)
    np.testing.assert_allclose(alignment.sum(-1), 1, rtol=1e-6)
    np.testing.assert_array_equal(alignment[0, :, 3:], np.zeros((3, 2)))


def test_8_the_parameters_of_the_scores():
    query, memory, equal = np.ones((1, 8)), np.ones((1, 5, 12)), np.ones((1, 5, 8))
    dot, additive = s2s.DotAttention(), s2s.BahdanauAttention(16)
    with pytest.raises(s2s.InputError, match=r"DotAttention\('general'\)"):
        s2s.DotAttention()(query, memory)
    dot(query, equal)
    additive(query, memory)
    assert dot.count_params() == 0
    assert f"has {additive.count_params()}: 12 x 16" in ANSWERS[8]


def test_10_the_special_ids():
    assert (PAD_ID, UNK_ID, SOS_ID, EOS_ID) == (0, 1, 2, 3)


def test_11_an_id_0_within_a_sentence():
    encoder = s2s.Encoder(10, 4)
    contexts = [encoder(np.array([ids])).context for ids in ([5, 0, 6], [5, 6])]
    np.testing.assert_allclose(*contexts, rtol=1e-6)


def test_12_inputs_and_labels():
    tokenizer = s2s.text.WordTokenizer()
    tokenizer.adapt(["a b"])
    (batch,) = s2s.data.batches(s2s.data.Pairs(["b"], ["a b"]), tokenizer, tokenizer)
    inputs, labels = batch
    tokens = tokenizer.vocabulary.tokens
    assert " ".join(tokens[i] for i in inputs["target"][0]) == "<sos> a b"
    assert " ".join(tokens[i] for i in labels[0]) == "a b <eos>"


def test_13_the_loss_of_a_model_that_knows_nothing():
    loss = float(token_cross_entropy([[7]], np.zeros((1, 1, 4000), "float32"))[0, 0])
    metric = s2s.Perplexity()
    metric.update_state(np.array([[7]]), np.zeros((1, 1, 4000), "float32"))
    assert f"log 4000 = {loss:.3f}" in ANSWERS[13]
    assert f"is {float(metric.result()):.0f}." in ANSWERS[13]


def test_14_two_averages():
    labels = np.array([[4, 4, 4, 3, 0, 0], [4, 4, 4, 4, 4, 3]])
    logits = np.zeros((2, 6, 9), "float32")
    of_sentences, of_tokens = (
        float(s2s.SequenceCrossEntropy(average=name)(labels, logits))
        for name in ("sentences", "tokens")
    )
    assert ANSWERS[14].startswith(f"{of_sentences / of_tokens:.0f} times")


def test_15_the_order_of_a_state():
    ((h, c),) = (encoded := s2s.Encoder(10, 4, cell="lstm")(SOURCE)).state
    np.testing.assert_allclose(h[1], encoded.outputs[1, -1], rtol=1e-6)
    assert not np.allclose(c, h)


def test_16_what_stays_in_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = s2s.Seq2Seq(s2s.Encoder(10, 4), s2s.Decoder(9, 4))
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.compute_dtype == "bfloat16"
    logits = model({"source": SOURCE, "target": TARGET})
    assert s2s.SequenceCrossEntropy()(TARGET, logits).dtype == "float32"


def test_17_the_default_search():
    options = SearchOptions()
    assert (options.beam_width, options.n_best) == (1, 1)
    with pytest.raises(s2s.InputError, match="`n_best` must be at most `beam_width`"):
        SearchOptions(beam_width=3, n_best=5)


def test_20_the_signatures(tmp_path):
    names = set(signatures_of(small_translator()))
    assert "beam_details" in names
    assert hasattr(s2s.Translator, "save")
    assert hasattr(s2s.Translator, "load")
