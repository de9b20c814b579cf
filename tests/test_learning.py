"""System tests: what the models must be able to learn in seconds, and what an untrained one misses.

Strings are unseen in training. Thresholds are far above what a model with a broken mask, feeding or
attention reaches, and an untrained model is shown to be under 5%.
"""

import keras
import pytest

import tf_seq2seq as s2s


def exact_match(translator, pairs):
    translations = [translation.text for translation in translator(pairs.source)]
    return s2s.evaluation.exact_match(translations, pairs.target)


def learn(corpus, epochs, tokens, **decoder):
    """Train a small model; return the exact match before and after, in percent."""
    tokenizer = s2s.text.WordTokenizer()
    tokenizer.adapt(corpus.train.source)
    model = s2s.Seq2Seq(
        s2s.Encoder(tokenizer.vocabulary_size, 64, bidirectional=True),
        s2s.Decoder(tokenizer.vocabulary_size, 64, **decoder),
    )
    translator = s2s.Translator(model, tokenizer, tokenizer, max_target_length=20)
    before = exact_match(translator, corpus.test)
    batches = s2s.data.batches(corpus.train, tokenizer, tokenizer, tokens=tokens, shuffle_seed=1)
    rate = keras.optimizers.schedules.CosineDecay(0.01, epochs * len(batches))
    model.compile(keras.optimizers.Adam(rate, global_clipnorm=1.0))
    model.fit(batches, epochs=epochs, verbose=0, shuffle=False)
    return before, exact_match(translator, corpus.test)


@pytest.mark.parametrize(
    ("make_corpus", "query"),
    [(s2s.data.copy_corpus, "current_state"), (s2s.data.reverse_corpus, "previous_state")],
)
@pytest.mark.slow  # the chapters train with attention too
def test_attention_learns_to_copy_and_to_reverse(make_corpus, query):
    corpus = make_corpus("abcdefghij", (1, 8), train=2500, dev=100, test=200)
    before, after = learn(
        corpus, epochs=8, tokens=768, attention=s2s.BahdanauAttention(64), query=query
    )
    assert before < 5
    assert after >= 99


# The README's example trains the other two, on longer strings.
OF_THE_README = [
    pytest.param(feeding, marks=pytest.mark.slow)
    for feeding in ("initial_state", "context_and_previous")
]


@pytest.mark.parametrize("feeding", ["context", *OF_THE_README])
def test_each_feeding_scheme_learns_to_copy_short_strings(feeding):
    corpus = s2s.data.copy_corpus("abcdef", (1, 4), train=1200, dev=20, test=100)
    before, after = learn(corpus, epochs=20, tokens=512, feeding=feeding)
    assert before < 5
    assert after >= 95
