"""The tokenizers: golden tokens, round trips on clean and on hostile text, ids, files, export."""

import functools
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.files import in_chunks
from tf_seq2seq.text import (
    EOS_ID,
    PAD_ID,
    SOS_ID,
    UNK_ID,
    CharacterTokenizer,
    ChineseTokenizer,
    SubwordTokenizer,
    Tokenizer,
    Vocabulary,
    WordTokenizer,
)

DATA = Path(__file__).parents[2] / "../shared/data"

CORPUS = [
    "The book that I bought yesterday is very interesting.",
    "Das Buch, das ich gestern gekauft habe, ist größer als deins!",
    "我昨天买的书很有意思。",
    "Tom Smith paid $3.50 for it (too much).",
]

TRICKY = [
    "",
    " \t\r\n ",
    '"Hello," she said (don\'t!).',
    "rock'n'roll, the dogs' bowl, 'tis Tom’s",
    "»Straße« – 3,5 km; z. B. „Äpfel“ & Öl...",
    "Tom Smith买了3.5公斤苹果，iPhone 15 很贵。",
    "3 .5 3. 5 2010-2011 A4 word2vec 1,000.00 T-shirt e-mail U.S. .5.",
    "a ## b ##c #1 ### #￭ ￭# ￭ ▁ ▁▁ ■ _ <unk> <pad>",
    "a\x00b\x01c\x7fd\x85e\u00a0f\u2028g\u3000h\ufeffi\u200bj",
    "cafe\u0301 a \u0301 b か \u3099 A \u1100 \u1161 中\u0301 \u0301",
    "\U0001f469\u200d\U0001f469\u200d\U0001f467 \U0001f600\U0001f3fd ok\U0001f600",
    "\u0301a",
    "ß ẞ İI ΟΔΟΣ Å \u212b \u212a Ａ１",
    "〇 〇二 ① ½ m² Ⅳ",
    r"\0 \1 \\ $ ^ [a] (?:x) .*",
]


def random_texts(count: int, seed: int = 7) -> list[str]:
    """Short strings of what tokenizers stumble over, and of any characters at all."""
    generator = random.Random(seed)
    likely = "aBzéß5 7  \t'’\".,-()#￭▁_中文，。か가\u0301\u3099\u200d\u3000\x00\x01\ufeffİΣ"
    texts = []
    for _ in range(count):
        size = generator.randint(0, 20)
        texts.append("".join(generator.choices(likely, k=size)))
        points = (generator.randrange(0x110000) for _ in range(size))
        texts.append("".join(chr(p) for p in points if not 0xD800 <= p < 0xE000))
    return texts


def decoded(tokens: tf.RaggedTensor) -> list[list[str]]:
    return [[token.decode() for token in row] for row in tokens.to_list()]


@pytest.fixture(scope="module", params=[False, True], ids=["cased", "lowercase"])
def lowercase(request):
    return request.param


@pytest.fixture(
    scope="module",
    params=[
        WordTokenizer,
        lambda lowercase: WordTokenizer(lowercase, split_punctuation=False),
        ChineseTokenizer,
        CharacterTokenizer,
        SubwordTokenizer,
    ],
    ids=["word", "white_space", "chinese", "character", "subword"],
)
def tokenizer(request, lowercase):
    tokenizer = request.param(lowercase=lowercase)
    tokenizer.adapt(CORPUS, max_size=150, min_count=1)
    return tokenizer


def assert_invertible(tokenizer, lines):
    normal = tokenizer.normalize(lines)
    tokens = tokenizer.tokenize(lines)
    assert tokens.nrows() == len(lines)
    assert tokenizer.detokenize(tokens).numpy().tolist() == normal.numpy().tolist()
    assert tokenizer.normalize(normal).numpy().tolist() == normal.numpy().tolist()
    assert not tf.reduce_any(tokens.values == "")


# Golden tokens.


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


def test_subword_tokens():
    tokenizer = SubwordTokenizer()
    tokenizer.set_vocabulary(
        Vocabulary(["un", "##happ", "##y", "happy", "￭", "##.", "￭,", "(", "##￭", "u", "##n"])
    )
    tokens = tokenizer.tokenize(["unhappy, (happy."])
    assert decoded(tokens) == [["un", "##happ", "##y", "￭,", "(", "##￭", "happy", "￭", "##."]]
    ids = tokenizer.encode(["unhappyzn"])
    assert tokenizer.id_to_token(ids).to_list() == [[b"un", b"##happ", b"##y", b"<unk>", b"##n"]]


def test_subwords_learned_by_hand_checked_merges():
    tokenizer = SubwordTokenizer()
    tokenizer.adapt(["abab ab", "abab", "cab"], min_count=1)
    # Characters: ##b 6, ##a 3, a 3, c 1. Pairs: ##a-##b 3, a-##b 3, ##b-##a 2, c-##a 1.
    assert tokenizer.vocabulary.tokens[4:] == (
        *("##b", "##a", "a", "c"),
        *("##ab", "ab", "abab", "cab"),
    )


def test_subword_vocabulary_has_the_size_asked_for():
    for size in (5, 30, 60):
        tokenizer = SubwordTokenizer()
        tokenizer.adapt(CORPUS, max_size=size, min_count=1)
        assert tokenizer.vocabulary_size == size


# Round trips.


def test_round_trip_of_tricky_text(tokenizer):
    assert_invertible(tokenizer, TRICKY + CORPUS)


def test_round_trip_of_random_text(tokenizer):
    assert_invertible(tokenizer, random_texts(500))


def test_round_trip_of_random_bytes(tokenizer):
    generator = random.Random(3)
    lines = [generator.randbytes(30) for _ in range(300)] + [b"a\xffb", b"\xed\xa0\x80", b"\xe4"]
    assert_invertible(tokenizer, lines)
    assert tokenizer.normalize([b"a\xffb"])[0] == "a\ufffdb".encode()


def test_round_trip_of_very_long_text(tokenizer):
    units = ["a"] if tokenizer.lowercase else ["a", "a.b", "中 "]
    assert_invertible(tokenizer, [unit * (100_000 // len(unit.encode())) for unit in units])


@pytest.mark.parametrize(
    "name",
    [
        "multi30k/train.de",
        "multi30k/train.en",
        "cmn-eng/cmn.txt",
        "en-zh-ted/train.en",
        "en-zh-ted/train.zh",
    ],
)
def test_round_trip_of_corpora(tokenizer, name):
    path = DATA / name
    if not path.exists():
        pytest.skip(f"needs {name} in ../shared/data")
    lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    count = 200 if tokenizer.lowercase else 2000
    lines = lines[:: len(lines) // count][:count]
    columns = zip(*(line.split("\t")[:2] for line in lines), strict=True)
    for column in columns:
        assert_invertible(tokenizer, list(column))


# Normalisation.


def test_normalize():
    text = [" a\x00\t b\u3000\u00a0c\x85 ", "cafe\u0301", "，！", "Ａ①"]
    normal = ["a b c", "caf\u00e9", "，！", "Ａ①"]
    assert [t.decode() for t in WordTokenizer().normalize(text).numpy()] == normal


def test_lower_case():
    normal = WordTokenizer(lowercase=True).normalize(["TITLE Straße ÄÖÜ ΟΔΟΣ İ"])
    assert normal[0] == "title straße äöü οδος i\u0307".encode()


# Ids.


def test_encode_and_decode(tokenizer):
    ids = tokenizer.encode(CORPUS)
    assert ids.dtype == tf.int32 and ids.shape.as_list() == [len(CORPUS), None]
    assert tf.reduce_min(ids.values) > EOS_ID
    expected = tokenizer.normalize(CORPUS)
    tf.debugging.assert_equal(tokenizer.decode(ids), expected)
    tf.debugging.assert_equal(tokenizer.decode(ids.to_tensor(PAD_ID)), expected)
    ends = tf.fill([len(CORPUS), 1], EOS_ID)
    framed = tf.concat([tf.fill([len(CORPUS), 1], SOS_ID), ids, ends, ends], axis=1)
    tf.debugging.assert_equal(tokenizer.decode(framed), expected)


def test_ids_are_those_of_the_vocabulary(tokenizer):
    tokens, ids = tokenizer.tokenize(CORPUS), tokenizer.encode(CORPUS)
    for token_row, id_row in zip(decoded(tokens), ids.to_list(), strict=True):
        assert [tokenizer.vocabulary.index(token) for token in token_row] == id_row
    assert tokenizer.id_to_token(ids).to_list() == tokens.to_list()


def test_unknown_tokens_are_shown():
    tokenizer = WordTokenizer()
    tokenizer.adapt(["the book is old."])
    ids = tokenizer.encode(["the film is old."])
    assert ids[0, 1] == UNK_ID
    assert tokenizer.decode(ids)[0] == "the <unk> is old."


def test_decode_copes_with_whatever_a_model_writes(tokenizer):
    size = tokenizer.vocabulary_size
    generator = random.Random(1)
    ids = [[generator.randrange(size) for _ in range(30)] for _ in range(200)]
    texts = tokenizer.decode(tf.constant(ids, tf.int64)).numpy()
    assert all(marker not in text.decode() for text in texts for marker in ("##", "￭", "▁"))
    assert b"<unk>" in tokenizer.decode([[-1, size, 10**6]])[0].numpy()


@pytest.mark.parametrize(
    ("tokens", "text"),
    [(["￭.", "a", "￭.", "￭."], ". a.."), (["(￭", "￭)", "a￭", "￭b"], "() ab"), (["a", "(￭"], "a (")],
)
def test_joiners_in_any_order(tokens, text):
    assert WordTokenizer().detokenize(tf.ragged.constant([tokens])).numpy() == [text.encode()]


def test_pieces_in_any_order():
    pieces = tf.ragged.constant([["##ing", "go", "##ing", "###", "￭.", "##￭", "x"], []])
    assert SubwordTokenizer().detokenize(pieces).numpy().tolist() == [b"ing going#.x", b""]


def test_empty_batches_and_rows(tokenizer):
    for function in (tokenizer.tokenize, tokenizer.encode):
        assert function([]).shape[0] == 0
        assert function(["", " "]).to_list() == [[], []]
    assert tokenizer.normalize([]).shape == (0,)
    assert tokenizer.detokenize(tokenizer.tokenize(["", " "])).numpy().tolist() == [b"", b""]
    assert tokenizer.decode(tf.zeros([0, 5], tf.int32)).shape == (0,)
    assert tokenizer.decode(tf.zeros([2, 0], tf.int32)).numpy().tolist() == [b"", b""]
    assert tokenizer.id_to_token(tf.zeros([2, 0], tf.int32)).shape == (2, 0)


def test_text_cannot_smuggle_in_control_tokens():
    tokenizer = WordTokenizer(split_punctuation=False)
    tokenizer.adapt(["<unk> a <eos> <unk>"])
    assert tokenizer.vocabulary.tokens[4:] == ("a",)
    assert tokenizer.encode(["<pad> <unk> <sos> <eos> a"]).to_list() == [[UNK_ID] * 4 + [4]]


def test_same_results_in_a_graph(tokenizer):
    dataset = tf.data.Dataset.from_tensor_slices(TRICKY).batch(4).map(tokenizer.encode).unbatch()
    assert [row.numpy().tolist() for row in dataset] == tokenizer.encode(TRICKY).to_list()


def test_other_ranks_are_refused():
    for text in ("a scalar", [["a", "matrix"]]):
        with pytest.raises(ValueError, match="Expected a batch of strings"):
            WordTokenizer().tokenize(text)


# The vocabulary of a tokenizer.


def test_adapt_reads_any_iterable(tokenizer):
    def adapted(lines):
        other = type(tokenizer).from_config(tokenizer.get_config())
        other.adapt(lines, max_size=150, min_count=1)
        return other.vocabulary

    assert adapted(tuple(CORPUS)) == adapted(line for line in CORPUS) == tokenizer.vocabulary
    assert adapted(reversed(CORPUS)) == tokenizer.vocabulary


def test_adapt_joins_its_chunks(monkeypatch):
    whole, chunked = WordTokenizer(), WordTokenizer()
    whole.adapt(CORPUS)
    one_by_one = functools.partial(in_chunks, size=1)
    monkeypatch.setattr("tf_seq2seq.text.tokenizer.in_chunks", one_by_one)
    chunked.adapt(CORPUS)
    assert dict(chunked.vocabulary.counts) == dict(whole.vocabulary.counts)


def test_coverage():
    tokenizer = WordTokenizer()
    tokenizer.adapt(["a b c d"])
    coverage = tokenizer.coverage(["a b", "e e"])
    assert (coverage.ratio, coverage.unknown) == (0.5, (("e", 2),))


@pytest.mark.parametrize(
    "use",
    [
        lambda t: t.vocabulary,
        lambda t: t.vocabulary_size,
        lambda t: t.encode(["a"]),
        lambda t: t.decode([[4]]),
        lambda t: t.save("nowhere"),
    ],
)
@pytest.mark.parametrize("cls", [WordTokenizer, SubwordTokenizer])
def test_using_ids_before_adapt_is_refused(cls, use):
    with pytest.raises(RuntimeError, match=f"{cls.__name__} has no vocabulary yet; call `adapt"):
        use(cls())


@pytest.mark.parametrize("cls", [WordTokenizer, SubwordTokenizer])
def test_adapt_refuses_what_teaches_nothing(cls):
    for lines in ([], ["", "  "]):
        with pytest.raises(InputError, match="no token"):
            cls().adapt(lines)
    with pytest.raises(InputError, match="max_size=4"):
        cls().adapt(["a b"], max_size=4)
    with pytest.raises(TypeError, match="'a b'"):
        cls().adapt("a b")


def test_display():
    assert WordTokenizer().display("￭.￭") == "."
    assert WordTokenizer(split_punctuation=False).display("￭.") == "￭."
    assert SubwordTokenizer().display("##ing") == "ing"
    assert SubwordTokenizer().display("￭") == "￭"
    assert ChineseTokenizer().display("书") == "书"
    assert CharacterTokenizer().display("▁") == "▁"


# Files.


def test_config_round_trip(tokenizer):
    config = json.loads(json.dumps(tokenizer.get_config()))
    other = type(tokenizer).from_config(config)
    assert other.get_config() == tokenizer.get_config()
    if not isinstance(tokenizer, SubwordTokenizer):
        assert decoded(other.tokenize(TRICKY)) == decoded(tokenizer.tokenize(TRICKY))


def test_save_and_load(tokenizer, tmp_path):
    tokenizer.save(tmp_path / "a" / "b")
    other = Tokenizer.load(tmp_path / "a" / "b")
    assert type(other) is type(tokenizer)
    assert other.vocabulary == tokenizer.vocabulary
    assert other.encode(TRICKY).to_list() == tokenizer.encode(TRICKY).to_list()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, r"Cannot read .*tokenizer\.json.*No such file"),
        ("{", "JSONDecodeError"),
        ('{"class_name": "NoTokenizer", "config": {}}', "KeyError: 'NoTokenizer'"),
        ('{"class_name": "WordTokenizer", "config": {"colour": 1}}', "colour"),
        ("[]", "TypeError"),
        ('{"class_name": "WordTokenizer", "config": {}}', r"Cannot read .*vocabulary\.txt"),
    ],
)
def test_load_refuses_a_damaged_directory(tmp_path, content, message):
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(InputError, match=message):
        Tokenizer.load(tmp_path)


# Fresh processes: the C++ loader of TensorFlow Serving, and another locale.

RUN_EXPORT = """
import json, sys
import tensorflow as tf
import tensorflow_text  # its op libraries, which a server has linked in

text = json.loads(sys.stdin.read())
results = {}
for name in sys.argv[1:]:
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        signatures = tf.compat.v1.saved_model.load(session, ["serve"], name).signature_def

        def call(key, value):
            (source,) = signatures[key].inputs.values()
            (result,) = signatures[key].outputs.values()
            return session.run(result.name, {source.name: value})

        assert call("encode", []).shape == (0, 0)
        ids = call("encode", text)
        texts = [text.decode() for text in call("decode", ids)]
        results[name] = {"ids": ids.tolist(), "texts": texts}
assert "tf_seq2seq" not in sys.modules
print(json.dumps(results))
"""


class Service(tf.Module):
    def __init__(self, tokenizer):
        super().__init__()
        self.tokenizer = tokenizer

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def encode(self, text):
        return {"ids": self.tokenizer.encode(text).to_tensor(PAD_ID)}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, name="ids")])
    def decode(self, ids):
        return {"text": self.tokenizer.decode(ids)}


def run_python(arguments, text, **environment):
    process = subprocess.run(
        [sys.executable, "-c", *arguments],
        input=json.dumps(text),
        capture_output=True,
        text=True,
        cwd=environment.pop("cwd", None),
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def test_export_runs_without_the_package(tmp_path):
    tokenizers = {
        "word": WordTokenizer(lowercase=True),
        "white_space": WordTokenizer(split_punctuation=False),
        "chinese": ChineseTokenizer(),
        "character": CharacterTokenizer(),
        "subword": SubwordTokenizer(),
    }
    for name, tokenizer in tokenizers.items():
        tokenizer.adapt(CORPUS, max_size=100, min_count=1)
        service = Service(tokenizer)
        signatures = {"encode": service.encode, "decode": service.decode}
        tf.saved_model.save(service, str(tmp_path / name), signatures)

    # The served text follows its own locale and must not care.
    results = run_python(
        [RUN_EXPORT, *tokenizers], TRICKY + CORPUS, cwd=tmp_path, LC_ALL="tr_TR.UTF-8"
    )
    for name, tokenizer in tokenizers.items():
        ids = tokenizer.encode(TRICKY + CORPUS)
        assert results[name]["ids"] == ids.to_tensor().numpy().tolist()
        assert results[name]["texts"] == [t.decode() for t in tokenizer.decode(ids).numpy()]


def test_equal_tokenizers_agree_in_class_configuration_and_vocabulary():
    def tokenizer(kind=WordTokenizer, lines=("a b",), **config):
        made = kind(**config)
        made.adapt(lines)
        return made

    assert tokenizer().equals(tokenizer())
    assert not tokenizer().equals(tokenizer(lowercase=True))
    assert not tokenizer().equals(tokenizer(lines=["a a b b c"]))
    assert not tokenizer().equals(tokenizer(CharacterTokenizer))
