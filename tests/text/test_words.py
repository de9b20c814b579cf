import random

import pytest
import tensorflow as tf
from texts import CORPUS, TRICKY, decoded

from tf_seq2seq.errors import InputError
from tf_seq2seq.text import UNK_ID, SubwordTokenizer, WordTokenizer, has_elision


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The book is old.", "The book is old ￭."),
        ("Wait... (really?!)", "Wait ￭... (￭ really ￭? ￭! ￭)"),
        ("I don't know Tom's.", "I don ￭'t know Tom ￭'s ￭."),
        ("rock’n’roll 'quoted' dogs'", "rock ￭’n ￭’roll '￭ quoted ￭' dogs ￭'"),
        ("It costs $3.50, not 1,000!", "It costs $￭ 3.50 ￭, not 1,000 ￭!"),
        ("word2vec T-shirt", "word ￭2 ￭vec T ￭-￭ shirt"),
        ("„Größe“ – 5km", "„￭ Größe ￭“ – 5 ￭km"),
        ("我很好。ok", "我很好 ￭。￭ ok"),
        ("a ￭ b ￭c", "a ■ b ■￭ c"),
        ("cafe\u0301 \u0301", "caf\u00e9 \u0301"),
    ],
)
def test_word_tokens(text, tokens):
    assert decoded(WordTokenizer().tokenize([text])) == [tokens.split(" ")]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("L'homme n’a qu'un livre.", "L'￭ homme n’￭ a qu'￭ un livre ￭."),
        ("«d'accord» (l'été)", "«￭ d'￭ accord ￭» (￭ l'￭ été ￭)"),
        ("dell'Università, c'è l'11", "dell'￭ Università ￭, c'￭ è l'￭ 11"),
        ("aujourd'hui, l'œuvre", "aujourd'￭ hui ￭, l'￭ œuvre"),
        ("Tom's rock'n'roll, don't!", "Tom ￭'s rock ￭'n ￭'roll ￭, don ￭'t ￭!"),
        ("d'l'a 'ami' l' ami l'", "d ￭'l'￭ a '￭ ami ￭' l ￭' ami l ￭'"),
    ],
)
def test_elision(text, tokens):
    assert decoded(WordTokenizer(elision=True).tokenize([text])) == [tokens.split(" ")]


@pytest.mark.parametrize("tokenizer", [WordTokenizer(elision=True), SubwordTokenizer(elision=True)])
def test_elision_is_invertible(tokenizer):
    draw = random.Random(1)
    lines = ["".join(draw.choices("laÉ'’ 1.«\u0301", k=12)) for _ in range(1000)] + TRICKY + CORPUS
    tokenizer.adapt(lines, min_count=1)
    normal = tokenizer.normalize(lines).numpy().tolist()
    assert tokenizer.detokenize(tokenizer.tokenize(lines)).numpy().tolist() == normal
    assert tokenizer.decode(tokenizer.encode(lines)).numpy().tolist() == normal


@pytest.mark.parametrize("cls", [WordTokenizer, SubwordTokenizer])
def test_saved_tokenizers_without_elision_keep_their_tokens(cls):
    assert cls.from_config({"lowercase": True}).elision is False
    assert cls.from_config(cls(elision=True).get_config()).elision is True


def test_checkpoints_without_elision_can_be_restored(tmp_path, monkeypatch):
    tokenizer, other = WordTokenizer(), WordTokenizer()
    tokenizer.adapt(["a b"])
    with monkeypatch.context() as patch:
        old = {"lowercase": False, "split_punctuation": True}
        patch.setattr(WordTokenizer, "get_config", lambda self: old)
        path = tf.train.Checkpoint(tokenizer=tokenizer).write(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(tokenizer=other).read(path)
    assert other.equals(tokenizer)


def test_elision_needs_punctuation():
    with pytest.raises(InputError, match="elision=True has no effect with split_punctuation=False"):
        WordTokenizer(split_punctuation=False, elision=True)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["L'homme qu'on n'a pas vu."], True),
        (["C'è un'altra università.", "L’amico di Tom's Diner"], True),
        (["Tom O'Brien doesn't know D'Angelo's."], False),
        (["D'Angelo"] + ["Das ist gut."] * 19, True),
        (["D'Angelo"] + ["Das ist gut."] * 20, False),
        (["об'єкт м'яч"], False),
        (["'a' l' ami"], False),
        ([], False),
    ],
)
def test_has_elision(lines, expected):
    assert has_elision(iter(lines)) is expected


def test_white_space_tokens():
    tokenizer = WordTokenizer(split_punctuation=False)
    tokens = tokenizer.tokenize([" mr. <unk> is n.v. \n", "a c  b", "don ￭'t"])
    assert decoded(tokens) == [["mr.", "<unk>", "is", "n.v."], ["a", "c", "b"], ["don", "￭'t"]]
    assert tokenizer.detokenize(tokens)[0] == "mr. <unk> is n.v."


@pytest.mark.parametrize(
    ("tokens", "text"),
    [(["￭.", "a", "￭.", "￭."], ". a.."), (["(￭", "￭)", "a￭", "￭b"], "() ab"), (["a", "(￭"], "a (")],
)
def test_joiners_in_any_order(tokens, text):
    assert WordTokenizer().detokenize(tf.ragged.constant([tokens])).numpy() == [text.encode()]


def test_unknown_tokens_are_shown():
    tokenizer = WordTokenizer()
    tokenizer.adapt(["the book is old."])
    ids = tokenizer.encode(["the film is old."])
    assert ids[0, 1] == UNK_ID
    assert tokenizer.decode(ids)[0] == "the <unk> is old."


def test_display():
    assert WordTokenizer().display("￭.￭") == "."
    assert WordTokenizer(split_punctuation=False).display("￭.") == "￭."


def test_flags():
    for name in ("lowercase", "split_punctuation", "elision"):
        with pytest.raises(InputError, match=f"`{name}` must be True or False, got 1"):
            WordTokenizer(**{name: 1})
