import pytest

from tf_seq2seq.data import synthetic_corpus
from tf_seq2seq.errors import InputError
from tf_seq2seq.text import ChineseTokenizer, SubwordTokenizer, WordTokenizer, choose, tokenizer_for


def test_chinese_is_split_into_characters_and_a_closed_vocabulary_into_words():
    corpus = synthetic_corpus(train=3000, dev=0, test=0).train
    assert type(tokenizer_for(corpus.target)) is ChineseTokenizer
    assert type(tokenizer_for(corpus.source)) is WordTokenizer


@pytest.mark.parametrize("lines", [["Das Kind klettert in ein Spielhaus."], ["买 iPhone handset"]])
def test_an_open_vocabulary_is_split_into_subwords(lines):
    assert type(tokenizer_for(iter(lines))) is SubwordTokenizer


def test_text_without_letters():
    assert type(tokenizer_for(["", "..."])) is SubwordTokenizer


@pytest.mark.parametrize(("singles", "cls"), [(1, WordTokenizer), (2, SubwordTokenizer)])
def test_one_token_in_a_thousand_may_occur_once(singles, cls):
    lines = ["word"] * (1000 - singles) + ["one", "two"][:singles]
    assert type(tokenizer_for(lines)) is cls


@pytest.mark.parametrize(
    ("rare", "max_size", "cls"),
    [
        (2, 6, WordTokenizer),
        (2, 5, SubwordTokenizer),
        (2, None, WordTokenizer),
        (1, None, WordTokenizer),
        (1, 5, WordTokenizer),
    ],
)
def test_tokens_beyond_the_limit_are_unknown(rare, max_size, cls):
    lines = ["word"] * (1000 - rare) + ["rare"] * rare
    assert type(tokenizer_for(lines, max_size)) is cls


def test_of_a_large_corpus_with_few_new_words_a_small_vocabulary_leaves_many_unknown():
    lines = ["the word" + " ".join(f" w{number}" for number in range(0, 200, 5))] * 50
    assert type(tokenizer_for(lines)) is WordTokenizer
    assert type(tokenizer_for(lines, 40)) is SubwordTokenizer


def test_settings():
    french = ["L'homme n'a qu'un livre."]
    assert tokenizer_for(french).get_config() == {"lowercase": False, "elision": True}
    closed = tokenizer_for(french * 10, lowercase=True)
    assert type(closed) is WordTokenizer
    assert (closed.lowercase, closed.elision) == (True, True)
    assert tokenizer_for(["我看书。"], lowercase=True).lowercase is True
    with pytest.raises(InputError, match="`max_size`"):
        tokenizer_for(french, max_size=4)


@pytest.mark.parametrize("text", ["昨日買った本はとても面白い。", "ฉันอ่านหนังสือ"])
def test_other_text_without_spaces_is_split_into_subwords(text):
    assert type(tokenizer_for([text])) is SubwordTokenizer


def test_words_that_are_dropped_while_counting_are_unknown(monkeypatch):
    monkeypatch.setattr(choose, "MOST_DISTINCT", 20)
    lines = ["the book " * 200] * 50
    assert type(tokenizer_for(lines, 9)) is WordTokenizer
    lines = ["the book " * 200 + f"x{number}" for number in range(50)]  # 1 in 401 is new
    assert type(tokenizer_for(lines, 9)) is SubwordTokenizer
