import numpy as np
import pytest
from helpers import SYSTEMS

import tf_seq2seq as s2s

TRICKY = [
    "a b c",
    "",
    "   \t ",
    "zz zz",
    "a\x00b",
    "\ud7ff \u0301 🙂 שלום",
    "<eos> <pad> <sos>",
    "c",
]


def small_translator(system="additive_current", tokenizer=s2s.text.WordTokenizer, **options):
    source, target = tokenizer(), s2s.text.ChineseTokenizer()
    source.adapt(["a b c d e f g h", "b c, d."])
    target.adapt(["甲乙丙丁戊己庚辛 。"])
    model = s2s.Seq2Seq(
        s2s.Encoder(source.vocabulary_size, 4, cell="lstm", bidirectional=True),
        s2s.Decoder(target.vocabulary_size, 8, cell="lstm", **SYSTEMS[system]()),
    )
    return s2s.Translator(model, source, target, max_target_length=12, **options)


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
        assert translation.source_tokens == translation.target_tokens == []
        assert translation.alignment.shape == (0, 0)


def test_no_sentences():
    assert small_translator()([]) == []


@pytest.mark.parametrize("system", ["context_alone", "additive_previous"])
def test_empty_batch_goes_through_the_graph(system):
    translator = small_translator(system)
    for name, value in translator._translate(np.array([], object)).items():
        assert value.shape[0] == 0, name


def test_alignment_belongs_to_the_tokens():
    (translation,) = small_translator()("b c, d.")
    assert translation.source_tokens == ["b", "c", ",", "d", ".", "<eos>"]
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
    assert long.source_tokens == short.source_tokens == ["a", "b", "c", "d", "e", "<eos>"]
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
