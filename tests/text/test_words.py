import pytest
import tensorflow as tf
from texts import decoded

from tf_seq2seq.errors import InputError
from tf_seq2seq.text import UNK_ID, WordTokenizer


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
    for name in ("lowercase", "split_punctuation"):
        with pytest.raises(InputError, match=f"`{name}` must be True or False, got 1"):
            WordTokenizer(**{name: 1})
