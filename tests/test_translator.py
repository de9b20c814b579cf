import copy
import dataclasses
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import SYSTEMS, TRICKY, defaults, slow_except, small_translator

import tf_seq2seq as s2s
from tf_seq2seq import search
from tf_seq2seq.search import Constraints, MinLength
from tf_seq2seq.serving.signatures import signatures_of


@pytest.fixture(scope="module")
def translators():
    """Translators by their systems; each is made and traced once, and no test changes them.

    Their limits are not the defaults, so that a limit that is ignored is noticed.
    """
    made = {}

    def translator(system="additive_current"):
        if system not in made:
            keras.utils.set_random_seed(1)
            made[system] = small_translator(system, max_source_length=20)
        return made[system]

    return translator


@pytest.fixture(scope="module")
def translator(translators):
    return translators()


# `make test` has greedy search in other tests.
GREEDY_AND_BEAM = pytest.mark.parametrize(
    "options", slow_except([{}, {"beam_width": 3}], {"beam_width": 3}), ids=["greedy", "beam"]
)


@pytest.mark.parametrize(
    "system", slow_except(SYSTEMS, "initial_state", "additive_current", "dot_previous")
)
def test_a_translation_does_not_depend_on_its_batch(translators, system):
    translator = translators(system)
    together = translator(TRICKY)
    for sentence, translation in zip(TRICKY, together, strict=True):
        (alone,) = translator(sentence)
        assert alone.text == translation.text
        assert alone.target_tokens == translation.target_tokens
        np.testing.assert_allclose(alone.score, translation.score, atol=1e-5)
    assert [t.text for t in translator(TRICKY, batch_size=3)] == [t.text for t in together]


def test_empty_sentences_have_empty_translations(translator):
    for translation in translator(["", "  \t "]):
        assert translation.text == ""
        assert translation.score == 0
        assert translation.source_tokens == translation.target_tokens == ()
        assert translation.target_length == 0
        assert translation.alignment.shape == (0, 0)


def test_no_sentences(translator):
    assert translator([]) == translator.n_best([]) == translator.score([], []) == []


def test_the_alignment_belongs_to_the_tokens(translator):
    (translation,) = translator("b c, d.")
    assert translation.source_tokens == ("b", "c", ",", "d", ".", "<eos>")
    assert translation.alignment.shape == (translation.target_length, 6)
    assert translation.target_length == len(translation.target_tokens)
    np.testing.assert_allclose(translation.alignment.sum(axis=1), 1, atol=1e-5)


def test_no_alignment_without_attention(translators):
    assert translators("initial_state")("a")[0].alignment is None


def test_a_sentence_that_is_too_long_is_cut_off_with_a_warning(translator):
    longest = " ".join("abcde" * 4)
    with pytest.warns(UserWarning) as warned:
        short, long = translator([longest, f"{longest} f"])
    (warning,) = warned
    assert str(warning.message).startswith(
        f"Sentence 1 ('{longest[:30]}'...) was cut off after max_source_length=20 tokens"
    )
    assert warning.filename == __file__, "it points to the caller"
    assert long.source_tokens == short.source_tokens == (*"abcde" * 4, "<eos>")
    assert long.text == short.text
    for call in (translator.n_best, lambda text: translator.score(text, "甲")):
        with pytest.warns(UserWarning, match="max_source_length=20") as warned:
            call(f"{longest} f")
        assert warned[0].filename == __file__


def test_a_translation_that_is_too_long_is_scored_up_to_the_limit_with_a_warning(translator):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (longest,) = translator.score("a", "甲" * 11)  # and <eos>, at the limit exactly
    assert longest.target_tokens == ("甲",) * 11 + ("<eos>",)
    with pytest.warns(UserWarning, match=r"Translation 1 .* max_target_length=12 tokens") as warned:
        both = translator.score(["a", "a"], ["甲", "甲" * 12])
    assert len(warned) == 1
    assert both[1] == longest
    assert both[0].target_tokens == ("甲", "<eos>")


def test_translations_are_no_longer_than_the_limit(translator):
    for options in ({}, {"beam_width": 3}):
        (cut_off,) = translator("a", min_length=12, **options)
        assert cut_off.target_length == 12
        assert cut_off.target_tokens[-1] != "<eos>"


def test_ten_thousand_characters(translator):
    with pytest.warns(UserWarning, match="max_source_length=20"):
        (translation,) = translator("a b c d e " * 1000)
    assert len(translation.source_tokens) == 21


def test_invalid_utf8_is_read_as_replacement_characters(translator):
    assert translator(b"a \xff\xfe b")[0].text == translator("a \ufffd\ufffd b")[0].text


def test_surrogates_of_a_command_line_are_read_as_replacement_characters(translator):
    (translation,) = translator("a \udcff b")
    assert set(translation.source_tokens) == {"a", "\ufffd", "b", "<eos>"}


def test_any_iterable_of_sentences(translator):
    texts = [t.text for t in translator(["a", "b"])]
    assert [t.text for t in translator(sentence for sentence in "ab")] == texts


@pytest.mark.parametrize("name", ["max_source_length", "max_target_length"])
def test_limits_out_of_range(translator, name):
    arguments = (translator.model, translator.source_tokenizer, translator.target_tokenizer)
    for value in (0, 2.5, True):
        with pytest.raises(s2s.InputError, match=f"`{name}`.*got {value}"):
            s2s.Translator(*arguments, **{name: value})
    limit = getattr(s2s.Translator(*arguments, **{name: np.int64(7)}), name)
    assert (limit, type(limit)) == (7, int)


def test_sentence_of_the_wrong_type(translator):
    with pytest.raises(TypeError, match="got int 5 at position 1"):
        translator(["a", 5])


def test_tokenizer_of_another_model(translator):
    other = s2s.text.WordTokenizer()
    other.adapt(["one"])
    with pytest.raises(s2s.InputError, match=r"source tokenizer has 5 tokens.* built for"):
        s2s.Translator(translator.model, other, translator.target_tokenizer)
    with pytest.raises(s2s.InputError, match=r"target tokenizer has 5 tokens.* built for"):
        s2s.Translator(translator.model, translator.source_tokenizer, other)


def test_arguments_of_another_kind(translator):
    model, source, target = translator.model, *translator.tokenizers
    for wrong in (None, source, s2s.LanguageModel(12, 4)):
        with pytest.raises(s2s.InputError, match="`model` must be a TranslationModel such as"):
            s2s.Translator(wrong, source, target)
    for tokenizers, name in (((None, target), "source"), ((source, model), "target")):
        with pytest.raises(s2s.InputError, match=f"`{name}_tokenizer` must be a Tokenizer"):
            s2s.Translator(model, *tokenizers)


@pytest.mark.parametrize(
    "tokenizer",
    slow_except([s2s.text.WordTokenizer, s2s.text.CharacterTokenizer], s2s.text.CharacterTokenizer),
)
def test_save_and_load(tokenizer, tmp_path):
    translator = small_translator(tokenizer=tokenizer, max_source_length=7)
    translator.save(tmp_path / "translator")
    again = s2s.Translator.load(tmp_path / "translator")
    assert (again.max_source_length, again.max_target_length) == (7, 12)
    for before, after in zip(translator(["a b c", "d"]), again(["a b c", "d"]), strict=True):
        assert before.text == after.text
        assert before.score == after.score
    assert s2s.Translator.load_card(tmp_path / "translator") == ({}, [])


def test_translations_in_another_precision():
    translator = small_translator("additive_current")
    half = translator.in_precision("bfloat16")
    assert half.model.decoder.compute_dtype == "bfloat16"
    assert translator.model.decoder.compute_dtype == "float32"
    for exact, rounded in zip(translator(TRICKY), half(TRICKY), strict=True):
        assert rounded.score == pytest.approx(exact.score, abs=0.05 * exact.target_length)
    assert half.kept and all(kept.dtype == "bfloat16" for kept in half.kept.values())
    kept = len(half.kept)
    matrices = [w for w in half.model.weights if w.name in ("kernel", "recurrent_kernel")]
    assert kept > len(matrices) - 2, "those of the encoder too, but not that of the bridge"
    half(TRICKY, beam_width=2)
    assert len(half.kept) == kept, "all graphs share the weights that were cast"
    assert half.with_shortlist(whole(half)).kept is half.kept, "as it is, not wrapped by TensorFlow"
    back = half.in_precision("float32")
    assert [each.score for each in back(TRICKY)] == [each.score for each in translator(TRICKY)]
    with pytest.raises(s2s.InputError, match="`precision` must be 'float32' or 'bfloat16', got"):
        translator.in_precision("float16")


def reordered(tokenizer, *more):
    """A tokenizer of the same kind whose ids are in another order, with more tokens."""
    other = type(tokenizer).from_config(tokenizer.get_config())
    other.set_vocabulary(s2s.text.Vocabulary([*tokenizer.vocabulary.tokens[:3:-1], *more]))
    return other


def test_a_vocabulary_that_does_not_change_gives_the_same_translations(translator):
    same = translator.with_tokenizers(*translator.tokenizers)
    for ours, theirs in zip(same.model.weights, translator.model.weights, strict=True):
        assert ours.numpy().tobytes() == theirs.numpy().tobytes()
    assert list(map(repr, same(TRICKY))) == list(map(repr, translator(TRICKY)))
    other = translator.with_tokenizers(*map(reordered, translator.tokenizers))
    for ours, theirs in zip(other(TRICKY), translator(TRICKY), strict=True):
        assert (ours.text, ours.source_tokens) == (theirs.text, theirs.source_tokens)
        assert ours.score == pytest.approx(theirs.score, abs=1e-5)


def test_a_translator_with_other_tokenizers_is_saved_and_loaded(tmp_path, capsys):
    translator = small_translator("dot_current", max_source_length=7)
    before = translator.model.get_weights()
    larger = reordered(translator.target_tokenizer, "新", "字")
    changed = translator.with_tokenizers(target_tokenizer=larger, rule="random", report=print)
    assert capsys.readouterr().out == "Target: 15 tokens: 13 known, 0 from pieces, 2 random\n"
    assert changed.source_tokenizer is translator.source_tokenizer
    assert changed.target_tokenizer is larger
    assert (changed.max_source_length, changed.max_target_length) == (7, 12)
    # The old words have the same logits: only the sum of all probabilities grows.
    kept = [translator.target_tokenizer.vocabulary.index(t) for t in larger.vocabulary][:-2]
    inputs = {"source": np.array([[5, 6, 3]]), "target": np.array([[2, 4]])}
    logits, old = changed.model(inputs | {"target": np.array([[2, 12]])}), translator.model(inputs)
    assert kept[12] == 4
    np.testing.assert_allclose(logits[..., :-2], np.take(old, kept, axis=2), atol=1e-6)

    for ours, theirs in zip(before, translator.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    changed.save(tmp_path)
    again = s2s.Translator.load(tmp_path).with_tokenizers(translator.source_tokenizer, larger)
    assert repr(again("a b")) == repr(changed("a b"))


def test_new_tokens_of_a_translator_start_from_similar_ones(translator, tmp_path, capsys):
    larger = reordered(translator.source_tokenizer, "alpha")
    (tmp_path / "vectors.txt").write_text("a 1 0 0\nb 0 1 0\nc 0 0 1\nalpha 9 0 0\n")
    vectors = s2s.data.read_word_vectors(tmp_path / "vectors.txt", larger)
    changed = translator.with_tokenizers(larger, source_vectors=vectors, report=print)
    assert ", 1 from vectors, 0 from pieces, 0 random\n" in capsys.readouterr().out
    embeddings = changed.model.encoder.words.matrix().numpy()
    a, alpha = (embeddings[larger.vocabulary.index(token)] for token in ("a", "alpha"))
    np.testing.assert_allclose(alpha, a, atol=1e-3)
    with pytest.raises(s2s.InputError, match="`target_vectors` need a `target_tokenizer`: pass it"):
        translator.with_tokenizers(larger, target_vectors=vectors)


def test_tokenizers_that_a_translator_cannot_take(translator):
    with pytest.raises(s2s.InputError, match="Pass a `source_tokenizer`, a `target_tokenizer`, or"):
        translator.with_tokenizers()
    with pytest.raises(s2s.InputError, match="`target_tokenizer` must be a Tokenizer, got 'zh'"):
        translator.with_tokenizers(target_tokenizer="zh")
    with pytest.raises(s2s.InputError, match="`rule` must be 'pieces' or 'random', got 3"):
        translator.with_tokenizers(translator.source_tokenizer, rule=3)
    with pytest.raises(s2s.InputError, match=r"old WordTokenizer knows none of the 9 tokens"):
        translator.with_tokenizers(translator.target_tokenizer)


def test_facts_are_saved_with_a_translator(translator, tmp_path):
    card, sentences = {"data": "句子", "metric": {"value": 1.5}}, ("un", "deux œufs")
    translator.save(tmp_path, card=card, sentences=sentences)
    saved = s2s.Translator.load_card(tmp_path)
    assert (saved.card, saved.sentences) == (card, list(sentences))
    assert s2s.Translator.load(tmp_path).max_source_length == translator.max_source_length
    with pytest.raises(TypeError, match="`sentences` must be a list of strings"):
        translator.save(tmp_path, sentences="un")
    with pytest.raises(s2s.InputError, match=r"No translator in .*nowhere"):
        s2s.Translator.load_card(tmp_path / "nowhere")


def test_load_names_what_is_missing_or_damaged(translator, tmp_path):
    with pytest.raises(s2s.InputError, match=r"No translator in .*nowhere.*translator.json"):
        s2s.Translator.load(tmp_path / "nowhere")
    translator.save(tmp_path)
    for name, content, reason in (
        ("model.keras", b"PK damaged", "model.keras is damaged"),
        ("translator.json", b"[]", ""),
    ):
        intact = (tmp_path / name).read_bytes()
        (tmp_path / name).write_bytes(content)
        with pytest.raises(s2s.InputError, match=rf"cannot be read.*{reason}.*save it again"):
            s2s.Translator.load(tmp_path)
        (tmp_path / name).write_bytes(intact)
    # A part of the archive, as a bad disk would leave it.
    middle = len(intact := (tmp_path / "model.keras").read_bytes()) // 2
    flipped = bytes(255 - byte for byte in intact[middle : middle + 64])
    (tmp_path / "model.keras").write_bytes(intact[:middle] + flipped + intact[middle + 64 :])
    with pytest.raises(s2s.InputError, match="cannot be read"):
        s2s.Translator.load(tmp_path)


def test_an_interrupted_save_leaves_the_older_translator(translator, tmp_path, monkeypatch):
    translator.save(tmp_path)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    other = small_translator(max_source_length=3)

    def interrupt(directory):
        raise KeyboardInterrupt

    monkeypatch.setattr(other.target_tokenizer, "save", interrupt)
    with pytest.raises(KeyboardInterrupt):
        other.save(tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == files


@pytest.mark.parametrize(
    "system", slow_except(["context_alone", "additive_current"], "additive_current")
)
def test_beam_search_does_not_depend_on_the_batch(translators, system):
    translator = translators(system)
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


def test_a_beam_of_one_is_greedy(translator):
    assert [[t] for t in map(repr, translator(TRICKY))] == [
        list(map(repr, each)) for each in translator.n_best(TRICKY, beam_width=1)
    ]


def test_n_best_returns_the_requested_number_and_one_for_an_empty_sentence(translator):
    counts = [len(each) for each in translator.n_best(["a b", ""], beam_width=5, n_best=4)]
    assert counts == [4, 1]


@pytest.mark.parametrize("system", slow_except(["initial_state", "dot_previous"], "dot_previous"))
def test_given_translations_have_the_scores_with_which_they_were_found(translators, system):
    translator = translators(system)
    # A translation that was cut off has no <eos>, and is another sequence when it gets one.
    found = translator(["a b c", "c d"], beam_width=3, no_repeat_ngram=1, forbid_unknown=True)
    assert all(t.target_tokens[-1] == "<eos>" for t in found)
    scored = translator.score(["a b c", "c d"], [t.text for t in found])
    for ours, theirs in zip(scored, found, strict=True):
        assert ours.text == theirs.text
        assert ours.target_tokens == theirs.target_tokens
        np.testing.assert_allclose(ours.score, theirs.score, atol=1e-5)
        if system == "dot_previous":
            np.testing.assert_allclose(ours.alignment, theirs.alignment, atol=1e-5)


PREFIXES = ["", "甲 乙", "丙", "zz甲", "", "庚 。", "甲<eos>", "丁丁"]


@pytest.mark.parametrize("options", [{}, {"beam_width": 3, "n_best": 2}], ids=["greedy", "beam"])
def test_a_completion_begins_with_its_prefix_whatever_its_neighbors(translator, options):
    together = translator.complete_n_best(TRICKY, PREFIXES, **options)
    translations = translator.n_best(TRICKY, **options)
    for sentence, prefix, found, free in zip(TRICKY, PREFIXES, together, translations, strict=True):
        begun = translator.target_tokenizer.normalize([prefix]).numpy()[0].decode()
        assert all(t.text.startswith(begun) for t in found)
        if not prefix:
            assert list(map(repr, found)) == list(map(repr, free))
        (alone,) = translator.complete_n_best(sentence, prefix, **options)
        assert [t.text for t in alone] == [t.text for t in found]
        np.testing.assert_allclose([t.score for t in alone], [t.score for t in found], atol=1e-5)
        if not sentence.strip():  # nothing can be added
            assert [t.text for t in found] == [begun]
            (scored,) = translator.score(sentence, prefix)
            assert found[0].score == pytest.approx(scored.score, abs=1e-5)
    best = translator.complete(TRICKY, PREFIXES, **options)
    assert list(map(repr, best)) == [repr(found[0]) for found in together]


@GREEDY_AND_BEAM
def test_the_whole_translation_is_completed_by_nothing(committed, options):
    sentences = s2s.data.synthetic_corpus(1).test.source[:40]
    free = committed(sentences, **options)
    again = committed.complete(sentences, [t.text for t in free], **options)
    assert [t.text for t in again] == [t.text for t in free]
    np.testing.assert_allclose([t.score for t in again], [t.score for t in free], atol=1e-4)
    halves = [t.text[: len(t.text) // 2] for t in free]
    texts = [t.text for t in committed.complete(sentences, halves, **options)]
    assert sum(a == t.text for a, t in zip(texts, free, strict=True)) > 35


def test_words_of_a_prefix_that_are_not_known_are_kept(translator):
    (found,) = translator.complete("a b", "书 甲", replace_unknown=True)
    assert found.target_tokens[:2] == ("书", "甲") and found.text.startswith("书甲")
    ids = translator.target_tokenizer.encode(["书甲"]).to_list()
    assert ids[0][0] == s2s.text.UNK_ID


def test_a_prefix_that_is_too_long_is_cut_off_with_a_warning(translator):
    with pytest.warns(UserWarning) as warned:
        short, long = translator.complete(["a", "a"], ["甲" * 12, "甲" * 13])
    (warning,) = warned
    assert str(warning.message).startswith(
        "Prefix 1 ('甲甲甲甲甲甲甲甲甲甲甲甲甲'...) was cut off after max_target_length=12 tokens"
    )
    assert warning.filename == __file__
    assert short.text == long.text == "甲" * 12
    with pytest.raises(s2s.InputError, match="2 sentences and 1 prefixes to complete"):
        translator.complete(["a", "b"], ["甲"])


def test_a_prefix_that_ends_within_a_word():
    translator = small_translator(tokenizer=s2s.text.SubwordTokenizer)
    translator = s2s.Translator(
        s2s.Seq2Seq(
            translator.model.encoder,
            s2s.Decoder(translator.source_tokenizer.vocabulary_size, 8, cell="lstm"),
        ),
        translator.source_tokenizer,
        translator.source_tokenizer,
        max_target_length=6,
    )
    (begun,) = translator.target_tokenizer.tokenize(["hef"]).to_list()
    (found,) = translator.complete("a", "hef", beam_width=2)
    assert found.text.startswith("hef")
    shown = map(translator.target_tokenizer.display, map(bytes.decode, begun))
    assert found.target_tokens[: len(begun)] == tuple(shown)


def test_scoring_needs_as_many_translations_as_sentences(translator):
    with pytest.raises(s2s.InputError, match="2 sentences and 1 translations"):
        translator.score(["a", "b"], ["甲"])


def always_unknown(tokenizer=s2s.text.WordTokenizer):
    """A translator that writes only <unk>, and attends to the second source token."""
    translator = small_translator("additive_previous", tokenizer, max_target_length=3)
    model = translator.model

    def stepper(width=1):
        take_step = s2s.Seq2Seq.stepper(model, width)

        def step(ids, state, memory):
            _, weights, state = take_step(ids, state, memory)
            t = state.cells[0][0][:, :1] * 0 + 1  # the same logits at each step
            logits = tf.one_hot([1], translator.target_tokenizer.vocabulary_size) * 9
            return logits * t, tf.one_hot(tf.ones_like(ids), tf.shape(weights)[1]), state

        return step

    model.stepper = stepper
    return translator


def test_unknown_words_are_replaced_by_the_source_words_that_attention_looks_at():
    translator = always_unknown()
    (plain, replaced) = (translator(["a zebra, c"], replace_unknown=r)[0] for r in (False, True))
    assert plain.target_tokens == ("<unk>",) * 3
    assert replaced.target_tokens == ("zebra",) * 3
    # <eos> is not a word: the word with the next greatest weight is taken.
    assert translator(["b"], replace_unknown=True)[0].target_tokens == ("b",) * 3
    beam = translator(["a zebra, c"], replace_unknown=True, beam_width=2)[0]
    assert beam.target_tokens == ("zebra", "<eos>")  # what was cut off ranks below


def test_an_unknown_word_is_replaced_by_a_whole_word_of_subwords():
    translator = always_unknown(s2s.text.SubwordTokenizer)
    (pieces,) = translator.source_tokenizer.tokenize(["hefc b"]).to_list()
    assert len(pieces) > 3
    sentences = ["hefc b", "", "b", "b hefc."]
    found = translator(sentences, replace_unknown=True)
    # The second token has the attention: a part of "hefc", or a word.
    assert [t.target_tokens[:1] for t in found] == [("hefc",), (), ("b",), ("hefc",)]


@pytest.mark.parametrize("option", [{"replace_unknown": True}, {"coverage_penalty": 0.5}], ids=str)
def test_options_that_need_attention(translators, option):
    for call in (translators("context_alone"), translators("context_alone").n_best):
        with pytest.raises(s2s.InputError, match=rf"^`{next(iter(option))}` needs attention"):
            call(["a"], beam_width=3, **option)


def test_a_model_whose_weights_are_not_finite(translator):
    kernel = translator.model.decoder.trainable_weights[-1]
    finite = kernel.numpy()
    kernel.assign(np.full(kernel.shape, np.nan))
    try:
        for options in ({}, {"beam_width": 3}):
            with pytest.raises(
                s2s.InputError, match=r"score of sentence 0 \('a b'\) is (nan|-inf)"
            ):
                translator("a b", **options)
        with pytest.raises(s2s.InputError, match="the weights contain NaN or inf"):
            translator.score("a b", "甲")
    finally:
        kernel.assign(finite)


def test_the_translation_of_nothing_is_certain(translator):
    nothing, something = translator.score(["", ""], ["", "甲"])
    assert (nothing.text, nothing.score, nothing.target_tokens) == ("", 0.0, ())
    assert something.score < 0


class CalledError(Exception):
    """Raised instead of a search."""


def intercept(monkeypatch, name):
    """Replace a function of `search` by one that raises, and return the list of its arguments."""
    calls = []

    def search_(*args, **kwargs):
        calls.append(kwargs)
        raise CalledError

    monkeypatch.setattr(search, name, search_)
    return calls


# Every option, with the arguments that a search gets by it. A beam has a width of 9 otherwise.
ALL_OPTIONS = {
    "beam_width": (7, {"width": 7}),
    "n_best": (3, {"n_best": 3}),
    "length_penalty": (0.3, {"length_penalty": 0.3}),
    "coverage_penalty": (0.7, {"coverage_penalty": 0.7}),
    "replace_unknown": (True, {}),  # it acts after the search, see above
    "constraints": (Constraints(min_length=4), {"constraints": Constraints(min_length=4)}),
    "min_length": (2, {"constraints": Constraints(min_length=2)}),
    "no_repeat_ngram": (3, {"constraints": Constraints(no_repeat_ngram=3)}),
    "forbid_unknown": (True, {"constraints": Constraints(forbid_unknown=True)}),
    "others": ([MinLength(1)], {"constraints": Constraints(others=[MinLength(1)])}),
}
DEFAULTS = {
    "width": 9,
    "n_best": 1,
    "length_penalty": 1.0,
    "coverage_penalty": 0.0,
    "constraints": Constraints(),
    "aligned": True,
}


def test_all_options_are_tested():
    classes = (s2s.SearchOptions, Constraints)
    assert {field.name for each in classes for field in dataclasses.fields(each)} == set(
        ALL_OPTIONS
    )


@pytest.mark.parametrize("name", ALL_OPTIONS)
def test_every_option_reaches_the_search(translators, name, monkeypatch):
    translator = translators("additive_previous")
    # To save time, nothing is read or encoded.
    source = translator._read(tf.constant(["a"]))
    monkeypatch.setattr(translator, "_read", lambda text: source)
    monkeypatch.setattr(translator.model, "encode", lambda ids: (None, None))
    calls = intercept(monkeypatch, "beam")
    value, arguments = ALL_OPTIONS[name]
    options = s2s.SearchOptions(beam_width=9).replace(**{name: value})
    for call in (
        lambda: translator("a", **{"beam_width": 9, name: value}),
        lambda: translator.n_best("a", **{"beam_width": 9, name: value}),
        lambda: translator("a", options=options),
        lambda: translator.n_best("a", options=options),
        lambda: translator.graph(tf.constant(["a"]), options),
        signatures_of(translator, options)["beam"].get_concrete_function,
    ):
        with pytest.raises(CalledError):
            call()
        given = calls.pop()
        given.pop("prefix", None)  # of an export
        assert {"finished", "memory", "source_mask"} == set(given) - set(DEFAULTS)
        given = {key: given[key] for key in DEFAULTS}
        assert given == {**DEFAULTS, **arguments}


def test_constraints_reach_greedy_search(translators, monkeypatch):
    translator = translators("additive_previous")
    calls = intercept(monkeypatch, "greedy")
    with pytest.raises(CalledError):
        translator("a", min_length=2)
    (given,) = calls
    assert set(given) == {"memory", "aligned", "finished", "constraints"}
    assert given["constraints"] == Constraints(min_length=2)


def test_options_change_what_is_found(translator):
    assert any(len(set(t.target_tokens)) < len(t.target_tokens) for t in translator(TRICKY))
    for options in ({}, {"beam_width": 3}):
        for translation in translator(TRICKY, min_length=6, no_repeat_ngram=1, **options):
            tokens = translation.target_tokens
            assert not tokens or len(tokens) > 6
            assert len(set(tokens)) == len(tokens)


def test_equal_options_share_a_graph(translator):
    options = s2s.SearchOptions(beam_width=2)
    assert translator.compiled(options) is translator.compiled(s2s.SearchOptions(beam_width=2))
    assert translator.compiled(options) is not translator.compiled(s2s.SearchOptions(beam_width=3))
    assert translator.compiled(None) is translator.compiled(None)


def test_options_out_of_range_and_unknown_ones(translator):
    for call in (translator, translator.n_best):
        with pytest.raises(s2s.InputError, match="`beam_width` must be an integer of at least 1"):
            call(["a"], beam_width=0)
        with pytest.raises(TypeError, match="no search option 'beams'"):
            call(["a"], beams=4)
        for options in (None, 5, {"beam_width": 2}):
            with pytest.raises(s2s.InputError, match="`options` must be SearchOptions, got"):
                call(["a"], options=options)


@pytest.mark.parametrize("name", ["batch_size", "verbose"])
def test_batch_size_and_verbose_are_checked(translator, name):
    for call in (translator, translator.n_best, lambda *a, **k: translator.score("a", "甲", **k)):
        with pytest.raises(s2s.InputError, match=f"`{name}` must be an integer"):
            call("a", **{name: -1})


def test_a_progress_bar(translator, capsys):
    calls = (
        lambda **options: translator(["a", "b"], **options),
        lambda **options: translator.n_best(["a", "b"], **options),
        lambda **options: translator.score(["a", "b"], ["甲", ""], **options),
    )
    for call in calls:
        call(verbose=1)
        assert "2/2" in capsys.readouterr().out
        call()
        assert capsys.readouterr().out == ""


@GREEDY_AND_BEAM
def test_an_ensemble_translates_and_loads_from_disk(translators, options, tmp_path):
    members = [small_translator(max_source_length=15), translators("context_alone")]
    ensemble = s2s.Translator.ensemble(members)
    assert [each.model for each in members] == ensemble.model.members
    assert (ensemble.max_source_length, ensemble.max_target_length) == (15, 12)
    ensemble.save(tmp_path)
    loaded = s2s.Translator.load(tmp_path)
    found, again = ensemble(TRICKY, **options), loaded(TRICKY, **options)
    assert list(map(repr, again)) == list(map(repr, found))


def test_an_ensemble_needs_the_same_tokenizers(translator):
    other = small_translator()
    reordered = s2s.text.Vocabulary(other.target_tokenizer.vocabulary.tokens[:3:-1])
    other.target_tokenizer.set_vocabulary(reordered)
    with pytest.raises(s2s.InputError, match="target tokenizers of translators 1 and 2"):
        s2s.Translator.ensemble([translator, other])
    with pytest.raises(s2s.InputError, match="at least one"):
        s2s.Translator.ensemble([])


def test_any_iterable_of_translators_makes_an_ensemble(translator):
    ensemble = s2s.Translator.ensemble(each for each in (translator, translator))
    assert len(ensemble.model.members) == 2


def test_the_defaults():
    limits = {"max_source_length": 100, "max_target_length": 100}
    assert defaults(s2s.Translator) == limits | {"shortlist": None}
    batches = {"batch_size": 64, "verbose": 0}
    for call in (s2s.Translator.__call__, s2s.Translator.n_best):
        assert defaults(call) == batches | {"options": s2s.SearchOptions()}
    assert defaults(s2s.Translator.score) == batches


def whole(translator):
    """A shortlist that holds the whole vocabulary."""
    sizes = [tokenizer.vocabulary_size for tokenizer in translator.tokenizers]
    return search.Shortlist(np.zeros([sizes[0], 1], int), range(sizes[1]), sizes[1])


def cut(translator):
    """A shortlist with two translations of each source word and one frequent word."""
    sizes = [tokenizer.vocabulary_size for tokenizer in translator.tokenizers]
    best = np.random.default_rng(3).integers(5, sizes[1], [sizes[0], 2])
    best[:4] = 0
    return search.Shortlist(best, [4], sizes[1])


def allowed(translator, sentence, prefix=""):
    """The tokens that a translation of a sentence may have with a shortlist."""
    source, target = translator.tokenizers
    given = target.encode([prefix]).to_tensor(shape=[1, None])
    candidates = translator.shortlist.candidates(source.encode([sentence]).to_tensor(), given)
    ids = tf.boolean_mask(candidates.ids, candidates.mask[0] == 0)
    return {token.decode() for token in target.id_to_token(ids).numpy()}


# The next two tests have all of them, each in one of the two.
SEARCHES = [{}, {"beam_width": 4, "n_best": 3}, {"beam_width": 3, "no_repeat_ngram": 2}]


@pytest.mark.parametrize("options", slow_except(SEARCHES, SEARCHES[1]), ids=str)
@pytest.mark.parametrize(
    "system", slow_except(["initial_state", "additive_current"], "additive_current")
)
def test_a_shortlist_of_the_whole_vocabulary_changes_nothing(translators, system, options):
    translator = translators(system)
    with_it = translator.with_shortlist(whole(translator))
    for search_with in (
        lambda each: each.n_best(TRICKY, **options),
        lambda each: each.complete_n_best(TRICKY, PREFIXES, **options),
    ):
        for ours, theirs in zip(search_with(with_it), search_with(translator), strict=True):
            assert [t.target_tokens for t in ours] == [t.target_tokens for t in theirs]
            assert [t.text for t in ours] == [t.text for t in theirs]
            np.testing.assert_allclose(
                [t.score for t in ours], [t.score for t in theirs], atol=1e-5
            )


@pytest.mark.parametrize("options", slow_except(SEARCHES, SEARCHES[0], SEARCHES[2]), ids=str)
def test_translations_have_words_of_the_shortlist_whatever_their_neighbors(translator, options):
    translator = translator.with_shortlist(cut(translator))
    together = translator.n_best(TRICKY, **options)
    begun = translator.complete_n_best(TRICKY, PREFIXES, **options)
    written = set()
    for sentence, prefix, found, completed in zip(TRICKY, PREFIXES, together, begun, strict=True):
        for hypotheses, given in ((found, ""), (completed, prefix)):
            tokens = {token for each in hypotheses for token in each.target_tokens}
            # Unknown words of the prefix are kept.
            known = tokens - set(translator.target_tokenizer.tokenize([given]).to_list()[0])
            known = {t for t in known if t in translator.target_tokenizer.vocabulary.tokens}
            assert known <= allowed(translator, sentence, given)
            written |= tokens
        (alone,) = translator.n_best(sentence, **options)
        assert [t.target_tokens for t in alone] == [t.target_tokens for t in found]
        np.testing.assert_allclose([t.score for t in alone], [t.score for t in found], atol=1e-5)
        (alone,) = translator.complete_n_best(sentence, prefix, **options)
        assert [t.text for t in alone] == [t.text for t in completed]
    assert len(written) > 4, "or the test says nothing"


def test_the_score_is_among_the_candidates_but_that_of_a_given_translation_is_not(translator):
    fast = translator.with_shortlist(cut(translator))
    options = {"no_repeat_ngram": 1, "forbid_unknown": True}
    (found,) = fast("a b c", **options)
    (scored,) = fast.score("a b c", found.text)
    assert repr(scored) == repr(translator.score("a b c", found.text)[0])
    assert found.score > scored.score
    (completed,) = fast.complete("a b c", found.text, **options)
    assert completed.text == found.text
    np.testing.assert_allclose(completed.score, found.score, atol=1e-5)


@dataclasses.dataclass(frozen=True)
class WithoutToken(search.Constraint):
    """Forbids an id of the whole vocabulary."""

    id: int

    def apply(self, memory, t, logits):
        ids = tf.range(tf.shape(logits)[1])
        return tf.where(ids == self.id, -float("inf"), logits)


@pytest.mark.parametrize("options", [{}, {"beam_width": 3}], ids=["greedy", "beam"])
def test_custom_constraints_with_a_shortlist(translator, options):
    fast = translator.with_shortlist(cut(translator))
    (free,) = fast("a b c", **options)
    token = next(t for t in free.target_tokens if t not in ("<unk>", "<eos>"))
    without = WithoutToken(translator.target_tokenizer.vocabulary.index(token))
    (found,) = fast("a b c", others=(without,), **options)
    assert token not in found.target_tokens
    assert set(found.target_tokens) <= allowed(fast, "a b c")


def test_all_batches_share_a_graph_with_a_shortlist(translator):
    fast = translator.with_shortlist(cut(translator))
    for sentences in ("a", ["a b", "c d", ""], ["a b c d e"] * 5):
        fast(sentences)
    graph = fast.compiled(search.SearchOptions())
    assert graph.experimental_get_tracing_count() == 1


def test_a_shortlist_is_saved_with_the_translator_and_kept_by_copies(translator, tmp_path):
    fast = translator.with_shortlist(cut(translator))
    fast.save(tmp_path)
    again = s2s.Translator.load(tmp_path)
    copies = (
        again,
        copy.deepcopy(fast),
        fast.in_precision("float32"),
        s2s.Translator.ensemble([fast]),
    )
    for each in copies:
        np.testing.assert_array_equal(each.shortlist._best, fast.shortlist._best)
    assert again(TRICKY) == fast(TRICKY)
    assert s2s.Translator.load_card(tmp_path) == ({}, [])
    whole_again = fast.with_shortlist(None)
    assert whole_again.shortlist is None and whole_again(TRICKY) == translator(TRICKY)
    whole_again.save(tmp_path)
    assert s2s.Translator.load(tmp_path).shortlist is None


def test_a_shortlist_that_is_missing_or_damaged(translator, tmp_path):
    translator.with_shortlist(cut(translator)).save(tmp_path)
    (tmp_path / "shortlist.npz").write_bytes(b"")
    with pytest.raises(s2s.InputError, match=r"There is no shortlist in .*shortlist\.npz \("):
        s2s.Translator.load(tmp_path)


def test_shortlists_that_a_translator_cannot_take(translator):
    with pytest.raises(s2s.InputError, match="`shortlist` must be a Shortlist or None, got 3"):
        translator.with_shortlist(3)
    small = search.Shortlist(np.zeros([5, 1], int), (), 6)
    with pytest.raises(s2s.InputError, match=r"another source vocabulary \(5 tokens\) than"):
        translator.with_shortlist(small)
    fast = translator.with_shortlist(cut(translator))
    with pytest.raises(s2s.InputError, match=r"use `with_shortlist\(None\)` first"):
        fast.with_tokenizers(reordered(translator.source_tokenizer))

    class Older(s2s.Seq2Seq):
        def stepper(self, width=1):
            return super().stepper(width)

    older = Older(translator.model.encoder, translator.model.decoder)
    with pytest.raises(s2s.InputError, match="The `stepper` of the model, a Older, does not take"):
        s2s.Translator(older, *translator.tokenizers, shortlist=cut(translator))
