import numpy as np
import pytest
import tensorflow as tf
from helpers import SYSTEMS, TRICKY, small_translator

import tf_seq2seq as s2s


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_translation_does_not_depend_on_its_batch(system):
    translator = small_translator(system)
    together = translator(TRICKY)
    for sentence, translation in zip(TRICKY, together, strict=True):
        (alone,) = translator(sentence)
        assert alone.text == translation.text
        assert alone.target_tokens == translation.target_tokens
        np.testing.assert_allclose(alone.score, translation.score, atol=1e-5)
    assert [t.text for t in translator(TRICKY, batch_size=3)] == [t.text for t in together]


def test_empty_sentences_have_empty_translations():
    for translation in small_translator()(["", "  \t "]):
        assert translation.text == ""
        assert translation.score == 0
        assert translation.source_tokens == translation.target_tokens == ()
        assert translation.alignment.shape == (0, 0)


def test_no_sentences():
    assert small_translator()([]) == []


@pytest.mark.parametrize("system", ["context_alone", "additive_previous"])
def test_empty_batch_goes_through_the_graph(system):
    translator = small_translator(system)
    options = s2s.SearchOptions(beam_width=3, n_best=2)
    graphs = [translator.graph, lambda text: translator.graph(text, options)]
    graphs.append(lambda text: translator.score_graph(text, text))
    for graph in graphs:
        function = tf.function(graph, input_signature=[tf.TensorSpec([None], tf.string)])
        outputs = function(tf.constant([], tf.string))
        for name, value in outputs.items():
            assert value.shape[0] == 0, name


def test_alignment_belongs_to_the_tokens():
    (translation,) = small_translator()("b c, d.")
    assert translation.source_tokens == ("b", "c", ",", "d", ".", "<eos>")
    assert translation.alignment.shape == (len(translation.target_tokens), 6)
    np.testing.assert_allclose(translation.alignment.sum(axis=1), 1, atol=1e-5)


def test_no_alignment_without_attention():
    assert small_translator("initial_state")("a")[0].alignment is None


def test_over_long_sentence_is_cut_off_with_a_warning():
    translator = small_translator(max_source_length=5)
    with pytest.warns(UserWarning) as warned:
        short, long = translator(["a b c d e", "a b c d e f"])
    (message,) = [str(w.message) for w in warned]
    assert message.startswith("Sentence 1 ('a b c d e f'...) was cut off after max_source_length=5")
    assert long.source_tokens == short.source_tokens == ("a", "b", "c", "d", "e", "<eos>")
    assert long.text == short.text


def test_ten_thousand_characters():
    with pytest.warns(UserWarning, match="max_source_length=100"):
        (translation,) = small_translator()("a b c d e " * 1000)
    assert len(translation.source_tokens) == 101


def test_bytes_that_are_no_utf8_are_read_as_replacement_characters():
    translator = small_translator()
    assert translator(b"a \xff\xfe b")[0].text == translator("a \ufffd\ufffd b")[0].text


def test_surrogates_of_a_command_line_are_read_as_replacement_characters():
    (translation,) = small_translator()("a \udcff b")
    assert set(translation.source_tokens) == {"a", "\ufffd", "b", "<eos>"}


def test_any_iterable_of_sentences():
    translator = small_translator()
    texts = [t.text for t in translator(["a", "b"])]
    assert [t.text for t in translator(sentence for sentence in "ab")] == texts


@pytest.mark.parametrize("name", ["max_source_length", "max_target_length"])
def test_limits_out_of_range(name):
    translator = small_translator()
    arguments = (translator.model, translator.source_tokenizer, translator.target_tokenizer)
    with pytest.raises(ValueError, match=f"`{name}`.*got 0"):
        s2s.Translator(*arguments, **{name: 0})


def test_sentence_of_the_wrong_type():
    with pytest.raises(TypeError, match="got int 5 at position 1"):
        small_translator()(["a", 5])


def test_tokenizer_of_another_model():
    translator = small_translator()
    other = s2s.text.WordTokenizer()
    other.adapt(["one"])
    with pytest.raises(ValueError, match=r"source tokenizer has 5 tokens.* built for"):
        s2s.Translator(translator.model, other, translator.target_tokenizer)


@pytest.mark.parametrize("tokenizer", [s2s.text.WordTokenizer, s2s.text.CharacterTokenizer])
def test_save_and_load(tokenizer, tmp_path):
    translator = small_translator(tokenizer=tokenizer, max_source_length=7)
    translator.save(tmp_path / "translator")
    again = s2s.Translator.load(tmp_path / "translator")
    assert again.max_source_length == 7
    for before, after in zip(translator(["a b c", "d"]), again(["a b c", "d"]), strict=True):
        assert before.text == after.text
        assert before.score == after.score


def test_load_names_what_is_missing_or_damaged(tmp_path):
    with pytest.raises(s2s.InputError, match=r"nowhere.*translator.json"):
        s2s.Translator.load(tmp_path / "nowhere")
    small_translator().save(tmp_path)
    for name, content in (("model.keras", b"PK damaged"), ("translator.json", b"[]")):
        intact = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content)
        with pytest.raises(s2s.InputError, match=r"cannot be read.*save it again"):
            s2s.Translator.load(tmp_path)
        (tmp_path / name).write_bytes(intact)
    # A part of the archive, as a bad disk would leave it.
    middle = len(intact := (tmp_path / "model.keras").read_bytes()) // 2
    flipped = bytes(255 - byte for byte in intact[middle : middle + 64])
    (tmp_path / "model.keras").write_bytes(intact[:middle] + flipped + intact[middle + 64 :])
    with pytest.raises(s2s.InputError, match="cannot be read"):
        s2s.Translator.load(tmp_path)


@pytest.mark.parametrize("system", ["context_alone", "additive_current"])
def test_beam_search_does_not_depend_on_the_batch(system):
    translator = small_translator(system)
    options = {"beam_width": 4, "n_best": 3}
    together = translator.n_best(TRICKY, **options)
    for sentence, hypotheses in zip(TRICKY, together, strict=True):
        (alone,) = translator.n_best(sentence, **options)
        assert [t.text for t in alone] == [t.text for t in hypotheses]
        assert [t.target_tokens for t in alone] == [t.target_tokens for t in hypotheses]
        np.testing.assert_allclose(
            [t.score for t in alone], [t.score for t in hypotheses], atol=1e-5
        )
    best = translator(TRICKY, beam_width=4)
    assert [t.text for t in best] == [hypotheses[0].text for hypotheses in together]


def test_a_beam_of_one_is_greedy():
    translator = small_translator()
    assert [[t] for t in map(repr, translator(TRICKY))] == [
        list(map(repr, each)) for each in translator.n_best(TRICKY, beam_width=1)
    ]


def test_n_best_are_as_many_as_asked_for_and_one_for_an_empty_sentence():
    counts = [len(each) for each in small_translator().n_best(["a b", ""], beam_width=5, n_best=4)]
    assert counts == [4, 1]


@pytest.mark.parametrize("system", ["initial_state", "dot_previous"])
def test_given_translations_have_the_scores_with_which_they_were_found(system):
    translator = small_translator(system)
    # What was cut off has no <eos>, and is another sequence when it gets one.
    found = translator(["a b c", "c d"], beam_width=3, no_repeat_ngram=1, forbid_unknown=True)
    assert all(t.target_tokens[-1] == "<eos>" for t in found)
    scored = translator.score(["a b c", "c d"], [t.text for t in found])
    for ours, theirs in zip(scored, found, strict=True):
        assert ours.text == theirs.text
        assert ours.target_tokens == theirs.target_tokens
        np.testing.assert_allclose(ours.score, theirs.score, atol=1e-5)
        if system == "dot_previous":
            np.testing.assert_allclose(ours.alignment, theirs.alignment, atol=1e-5)


def test_scoring_wants_as_many_translations_as_sentences():
    with pytest.raises(s2s.InputError, match="2 sentences and 1 translations"):
        small_translator().score(["a", "b"], ["甲"])


def always_unknown(tokenizer=s2s.text.WordTokenizer):
    """A translator whose every word is <unk>, and which looks at the second source token."""
    translator = small_translator("additive_previous", tokenizer)
    model = translator.model

    def step(ids, state, memory):
        _, weights, state = s2s.Seq2Seq.step(model, ids, state, memory)
        t = state.cells[0][0][:, :1] * 0 + 1  # the same logits at each step
        logits = tf.one_hot([1], translator.target_tokenizer.vocabulary_size) * 9
        return logits * t, tf.one_hot(tf.ones_like(ids), tf.shape(weights)[1]), state

    model.step = step
    return translator


def test_unknown_words_are_replaced_by_the_source_words_that_attention_looks_at():
    translator = always_unknown()
    translator.max_target_length = 3
    (plain, replaced) = (translator(["a zebra, c"], replace_unknown=r)[0] for r in (False, True))
    assert plain.target_tokens == ("<unk>",) * 3
    assert replaced.target_tokens == ("zebra",) * 3
    # The end of the sentence is no word: the most attended of the others is taken.
    assert translator(["b"], replace_unknown=True)[0].target_tokens == ("b",) * 3
    beam = translator(["a zebra, c"], replace_unknown=True, beam_width=2)[0]
    assert beam.target_tokens == ("zebra", "<eos>")  # what was cut off comes after that


def test_an_unknown_word_is_replaced_by_a_whole_word_of_subwords():
    translator = always_unknown(s2s.text.SubwordTokenizer)
    translator.max_target_length = 3
    (pieces,) = translator.source_tokenizer.tokenize(["hefc b"]).to_list()
    assert len(pieces) > 3
    sentences = ["hefc b", "", "b", "b hefc."]
    found = translator(sentences, replace_unknown=True)
    # The second token has the attention: a part of "hefc", or a word.
    assert [t.target_tokens[:1] for t in found] == [("hefc",), (), ("b",), ("hefc",)]


@pytest.mark.parametrize("option", [{"replace_unknown": True}, {"coverage_penalty": 0.5}], ids=str)
def test_options_that_need_attention(option):
    with pytest.raises(ValueError, match=rf"^`{next(iter(option))}` needs attention weights"):
        small_translator("context_alone")(["a"], beam_width=3, **option)


def test_a_model_whose_weights_are_not_numbers():
    translator = small_translator()
    kernel = translator.model.decoder.trainable_weights[-1]
    kernel.assign(np.full(kernel.shape, np.nan))
    for options in ({}, {"beam_width": 3}):
        with pytest.raises(s2s.InputError, match=r"score of sentence 0 \('a b'\) is (nan|-inf)"):
            translator("a b", **options)
    with pytest.raises(s2s.InputError, match="the weights contain NaN or inf"):
        translator.score("a b", "甲")


def test_an_over_long_translation_is_scored_up_to_the_limit_with_a_warning():
    translator = small_translator()
    with pytest.warns(UserWarning, match=r"Translation 1 .* max_target_length=12 tokens"):
        long = translator.score(["a", "a"], ["甲", "甲" * 50])[1]
    assert len(long.target_tokens) == 12


def test_the_translation_of_nothing_is_certain():
    translator = small_translator()
    nothing, something = translator.score(["", ""], ["", "甲"])
    assert (nothing.text, nothing.score, nothing.target_tokens) == ("", 0.0, ())
    assert something.score < 0


def test_options_reach_the_search():
    translator = small_translator()
    assert any(len(set(t.target_tokens)) < len(t.target_tokens) for t in translator(TRICKY))
    for options in ({}, {"beam_width": 3}):
        for translation in translator(TRICKY, min_length=6, no_repeat_ngram=1, **options):
            tokens = translation.target_tokens
            assert not tokens or len(tokens) > 6
            assert len(set(tokens)) == len(tokens)


@pytest.mark.parametrize(
    "options",
    [
        {"beam_width": 0},
        {"beam_width": "3"},
        {"beam_width": 3.0},
        {"n_best": 2},
        {"length_penalty": -1},
        {"length_penalty": "bogus"},
        {"length_penalty": [1]},
        {"length_penalty": float("nan")},
        {"coverage_penalty": -3},
        {"min_length": 2.5},
        {"no_repeat_ngram": -1},
    ],
    ids=str,
)
def test_options_out_of_range(options):
    with pytest.raises(ValueError, match=f"`{next(iter(options))}` must be"):
        small_translator()(["a"], **options)
    with pytest.raises(TypeError, match="beams"):
        small_translator()(["a"], beams=4)


def test_an_ensemble_translates_and_comes_back_from_disk(tmp_path):
    members = [small_translator(max_source_length=50), small_translator("context_alone")]
    ensemble = s2s.Translator.ensemble(members)
    assert [each.model for each in members] == ensemble.model.members
    assert (ensemble.max_source_length, ensemble.max_target_length) == (50, 12)
    ensemble.save(tmp_path)
    loaded = s2s.Translator.load(tmp_path)
    for options in ({}, {"beam_width": 3}):
        assert list(map(repr, ensemble(TRICKY, **options))) == list(
            map(repr, loaded(TRICKY, **options))
        )


def test_an_ensemble_wants_the_same_tokenizers():
    first, second = small_translator(), small_translator()
    reordered = s2s.text.Vocabulary(second.target_tokenizer.vocabulary.tokens[:3:-1])
    second.target_tokenizer.set_vocabulary(reordered)
    with pytest.raises(s2s.InputError, match="The target tokenizers of translators 1 and 2"):
        s2s.Translator.ensemble([first, second])
    with pytest.raises(s2s.InputError, match="at least one"):
        s2s.Translator.ensemble([])
