import pytest
from texts import decoded

from tf_seq2seq.text import CharacterTokenizer, ChineseTokenizer, is_chinese


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Tom Smith买了3.5公斤苹果，", "Tom Smith 买 了 3.5 公 斤 苹 果 ，"),
        ("iPhone 15 很贵。", "iPhone 15 很 贵 。"),
        ("它 很 好 ，  吧！", "它 很 好 ， 吧 ！"),
        ("T-shirt don't 2010-11 1,000.5.", "T-shirt don't 2010 - 11 1,000.5 ."),
        ("二〇一〇年", "二 〇 一 〇 年"),
        ("cafe\u0301 １２", "caf\u00e9 １２"),
        ("Привет", "П р и в е т"),
    ],
)
def test_chinese_tokens(text, tokens):
    assert decoded(ChineseTokenizer().tokenize([text])) == [tokens.split(" ")]


def test_chinese_text_keeps_spaces_between_latin_words_only():
    text = ["我 用 Mac OS 10 ， 你 呢 ？ "]
    assert ChineseTokenizer().normalize(text)[0] == "我用Mac OS 10，你呢？".encode()


def test_character_tokens():
    tokens = CharacterTokenizer().tokenize(["to be\t▁", "中文 \U0001f600"])
    assert decoded(tokens) == [list("to▁be▁_"), list("中文▁\U0001f600")]


def test_display():
    assert ChineseTokenizer().display("书") == "书"
    assert CharacterTokenizer().display("▁") == "▁"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["我买了", "两本书。"], True),
        (["一丁ab"], False),  # half of the letters are not most of them
        (["一丁三ab!?123"], True),
        (["龥一a"], True),
        (["の本"], False),
        (["...", ""], False),
        ([], False),
    ],
)
def test_is_chinese(lines, expected):
    assert is_chinese(iter(lines)) is expected
