import random

import pytest
import tensorflow as tf
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


@pytest.mark.parametrize(
    ("text", "normal", "tokens"),
    [
        ("《Love & Ecology》", "《Love & Ecology》", "《 Love ▁&▁ Ecology 》"),
        ("Row, Row , Row  你的船", "Row, Row , Row你的船", "Row ,▁ Row ▁,▁ Row 你 的 船"),
        (
            'Say "Hi you" (or 2) – no',
            None,
            'Say ▁" Hi you "▁ ▁( or 2 )▁ ▁–▁ no'.replace("▁ ▁", "▁ "),
        ),
        ("a, b, c & d", None, "a ,▁ b ,▁ c ▁&▁ d"),
        ("W.C. Handy/x", None, "W . C .▁ Handy / x"),
        ("e\u0301 . \u0301 . e", "é.\u0301.e", "é . \u0301 . e"),
        ("Wait . . . what", "Wait ... what", "Wait ▁. . .▁ what"),
        ("他说 , Tom & 我", "他说,Tom&我", "他 说 , Tom & 我"),
        ("iPhone ， iPad 。", "iPhone，iPad。", "iPhone ， iPad 。"),
        ("& Tom -", "&Tom-", "& Tom -"),
        ("a ▁ b", "a _ b", "a ▁_▁ b"),
    ],
)
def test_spaces_between_latin_words_stay_around_punctuation(text, normal, tokens):
    tokenizer = ChineseTokenizer()
    assert tokenizer.normalize([text])[0] == (normal or text).encode()
    assert decoded(tokenizer.tokenize([text])) == [tokens.split(" ")]


def test_any_punctuation_and_spaces_are_invertible():
    draw = random.Random(1)
    lines = ["".join(draw.choices("aB1 2中.,'-&\u0301 (_▁é–，", k=14)) for _ in range(3000)]
    tokenizer = ChineseTokenizer()
    normal = tokenizer.normalize(lines).numpy().tolist()
    assert tokenizer.detokenize(tokenizer.tokenize(lines)).numpy().tolist() == normal
    assert tokenizer.normalize(normal).numpy().tolist() == normal


def test_marked_spaces_between_other_characters_are_deleted():
    tokens = tf.ragged.constant([["我", "▁&▁", "你", ",▁", "Tom", "▁&▁", "Al"]])
    assert ChineseTokenizer().detokenize(tokens)[0] == "我&你,Tom & Al".encode()


def test_saved_tokenizers_without_spaces_keep_their_tokens():
    old = ChineseTokenizer.from_config({"lowercase": False})
    assert old.get_config() == {"lowercase": False, "keep_spaces": False}
    assert decoded(old.tokenize(["Row, Row ▁ & 船"])) == [["Row", ",", "Row", "▁", "&", "船"]]
    assert old.normalize(["Love & Ecology"])[0] == b"Love&Ecology"
    assert old.display("▁&") == "▁&"


def test_character_tokens():
    tokens = CharacterTokenizer().tokenize(["to be\t▁", "中文 \U0001f600"])
    assert decoded(tokens) == [list("to▁be▁_"), list("中文▁\U0001f600")]


def test_display():
    assert ChineseTokenizer().display("书") == "书"
    assert ChineseTokenizer().display("▁&▁") == "&"
    assert CharacterTokenizer().display("▁") == "▁"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["我买了", "两本书。"], True),
        (["一abcde"], False),  # half of the letters are not most of them
        (["一abcd!?123"], True),
        (["龥一a"], True),
        (["の本"], False),
        (["...", ""], False),
        ([], False),
    ],
)
def test_is_chinese(lines, expected):
    assert is_chinese(iter(lines)) is expected
