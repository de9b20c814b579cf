"""The base class: round trips on clean and on hostile text, ids, files, export."""

import functools
import json
import os
import pickle
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sentencepiece_models import sentencepiece_model
from texts import CORPUS, TRICKY, decoded, random_texts

from tf_seq2seq.errors import InputError
from tf_seq2seq.files import in_chunks
from tf_seq2seq.text import (
    EOS_ID,
    PAD_ID,
    SOS_ID,
    UNK_ID,
    CharacterTokenizer,
    ChineseTokenizer,
    SentencePieceTokenizer,
    SubwordTokenizer,
    Tokenizer,
    WordTokenizer,
)

DATA = Path(__file__).parents[2] / "../shared/data"


def assert_invertible(tokenizer, lines):
    normal = tokenizer.normalize(lines)
    tokens = tokenizer.tokenize(lines)
    assert tokens.nrows() == len(lines)
    assert tokenizer.detokenize(tokens).numpy().tolist() == normal.numpy().tolist()
    assert tokenizer.normalize(normal).numpy().tolist() == normal.numpy().tolist()
    assert not tf.reduce_any(tokens.values == "")


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


# Normalization.


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


def test_decode_accepts_any_ids(tokenizer):
    size = tokenizer.vocabulary_size
    generator = random.Random(1)
    ids = [[generator.randrange(size) for _ in range(30)] for _ in range(200)]
    texts = tokenizer.decode(tf.constant(ids, tf.int64)).numpy()
    assert all(marker not in text.decode() for text in texts for marker in ("##", "￭", "▁"))
    assert b"<unk>" in tokenizer.decode([[-1, size, 10**6]])[0].numpy()


def test_empty_batches_and_rows(tokenizer):
    for function in (tokenizer.tokenize, tokenizer.encode):
        assert function([]).shape[0] == 0
        assert function(["", " "]).to_list() == [[], []]
    assert tokenizer.normalize([]).shape == (0,)
    assert tokenizer.detokenize(tokenizer.tokenize(["", " "])).numpy().tolist() == [b"", b""]
    assert tokenizer.decode(tf.zeros([0, 5], tf.int32)).shape == (0,)
    assert tokenizer.decode(tf.zeros([2, 0], tf.int32)).numpy().tolist() == [b"", b""]
    assert tokenizer.id_to_token(tf.zeros([2, 0], tf.int32)).shape == (2, 0)


def test_control_tokens_in_text_are_unknown():
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


def test_adapt_combines_chunks(monkeypatch):
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
def test_adapt_refuses_text_without_tokens(cls):
    for lines in ([], ["", "  "]):
        with pytest.raises(InputError, match="No token"):
            cls().adapt(lines)
    with pytest.raises(InputError, match="`max_size` must be an integer of at least 5, got 4"):
        cls().adapt(["a b"], max_size=4)
    cls().adapt(["a b"], max_size=5, min_count=1)
    with pytest.raises(TypeError, match="'a b'"):
        cls().adapt("a b")


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
        (
            '{"class_name": "NoTokenizer", "config": {}}',
            "unknown class 'NoTokenizer'; first import",
        ),
        ('{"class_name": [], "config": {}}', "TypeError"),
        ('{"class_name": "WordTokenizer"}', "KeyError: 'config'"),
        ('{"class_name": "WordTokenizer", "config": {"color": 1}}', "color"),
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
import tensorflow_text  # its op libraries, which are linked into a server

text = json.loads(sys.stdin.read())
results = {}
with tf.Graph().as_default(), tf.compat.v1.Session() as session:
    signatures = tf.compat.v1.saved_model.load(session, ["serve"], "model").signature_def

    def call(key, value):
        (source,) = signatures[key].inputs.values()
        (result,) = signatures[key].outputs.values()
        return session.run(result.name, {source.name: value})

    for name in sys.argv[1:]:
        assert call("encode_" + name, []).shape == (0, 0)
        ids = call("encode_" + name, text)
        texts = [text.decode() for text in call("decode_" + name, ids)]
        results[name] = {"ids": ids.tolist(), "texts": texts}
assert "tf_seq2seq" not in sys.modules
print(json.dumps(results))
"""


def signatures(name, tokenizer):
    """Return the functions that encode and decode with a tokenizer, by their signatures."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def encode(text):
        return {"ids": tokenizer.encode(text).to_tensor(PAD_ID)}

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32, name="ids")])
    def decode(ids):
        return {"text": tokenizer.decode(ids)}

    return {f"encode_{name}": encode, f"decode_{name}": decode}


def test_export_runs_without_the_package(tmp_path):
    service = tf.Module()
    service.tokenizers = {
        "word": WordTokenizer(lowercase=True),
        "white_space": WordTokenizer(split_punctuation=False),
        "chinese": ChineseTokenizer(),
        "character": CharacterTokenizer(),
        "subword": SubwordTokenizer(elision=True),
        "sentencepiece": SentencePieceTokenizer(sentencepiece_model(byte_fallback=True)),
    }
    functions = {}
    for name, tokenizer in service.tokenizers.items():
        if name != "sentencepiece":
            tokenizer.adapt(CORPUS, max_size=100, min_count=1)
        functions.update(signatures(name, tokenizer))
    tf.saved_model.save(service, str(tmp_path / "model"), functions)

    # The result must not depend on the locale of the server.
    process = subprocess.run(
        [sys.executable, "-c", RUN_EXPORT, *service.tokenizers],
        input=json.dumps(TRICKY + CORPUS),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "LC_ALL": "tr_TR.UTF-8"},
    )
    assert process.returncode == 0, process.stderr
    results = json.loads(process.stdout)
    for name, tokenizer in service.tokenizers.items():
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


# Tokenizers of other packages.


class SynonymTokenizer(WordTokenizer):
    """Replace words with synonyms, which are saved in a separate file."""

    def __init__(self, synonyms=()):
        super().__init__()
        self.synonyms = tuple(synonyms)

    def normalize(self, text):
        text = super().normalize(text)
        for word, synonym in self.synonyms:
            text = tf.strings.regex_replace(text, word, synonym)
        return text

    def get_config(self):
        return {}

    def save_assets(self, directory):
        (directory / "synonyms.json").write_text(json.dumps(self.synonyms))

    def load_assets(self, directory):
        self.synonyms = tuple(json.loads((directory / "synonyms.json").read_text()))


def test_a_new_tokenizer_saves_its_assets(tmp_path):
    tokenizer = SynonymTokenizer([("film", "movie")])
    tokenizer.adapt(["the film", "the movie"])
    assert tokenizer.vocabulary.tokens[4:] == ("movie", "the")
    tokenizer.save(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "synonyms.json",
        "tokenizer.json",
        "vocabulary.txt",
    ]
    checkpoint = tf.train.Checkpoint(tokenizer).write(str(tmp_path / "checkpoint"))
    restored = SynonymTokenizer()
    tf.train.Checkpoint(restored).read(checkpoint).assert_consumed()
    for other in (Tokenizer.load(tmp_path), restored, pickle.loads(pickle.dumps(tokenizer))):
        assert type(other) is SynonymTokenizer
        assert other.encode(["a film"]).to_list() == tokenizer.encode(["a film"]).to_list()


def test_save_replaces_a_tokenizer_of_another_class(tmp_path):
    for cls in (SubwordTokenizer, WordTokenizer):
        tokenizer = cls()
        tokenizer.adapt(CORPUS, min_count=1)
        tokenizer.save(tmp_path)
        assert Tokenizer.load(tmp_path).equals(tokenizer)
    assert len(list(tmp_path.iterdir())) == 2


def test_sizes_can_be_numpy_integers():
    tokenizer = WordTokenizer(lowercase=np.bool_(True))
    tokenizer.adapt(["A b b", "c c c"], max_size=np.int64(6), min_count=np.int64(2))
    assert tokenizer.vocabulary.tokens[4:] == ("c", "b")
    assert json.loads(json.dumps(tokenizer.get_config()))["lowercase"] is True


@pytest.mark.parametrize(
    "tokenizer",
    [
        WordTokenizer(),
        WordTokenizer(split_punctuation=False),
        SubwordTokenizer(),
        ChineseTokenizer(),
    ],
    ids=lambda tokenizer: type(tokenizer).__name__,
)
def test_display_is_the_same_in_a_graph(tokenizer):
    tokens = ["￭.￭", "##ing", "￭", "##", "a##", "书", "", "<eos>", "#"]
    shown = tokenizer.display_graph(tf.constant([tokens]))
    assert [token.decode() for token in shown[0].numpy()] == [*map(tokenizer.display, tokens)]


def test_adapt_leaves_out_what_occurs_once_so_that_unknown_tokens_are_trained():
    lines = ["the book is old", "the book is new"] * 5 + ["the book of Tom"]
    tokenizer = WordTokenizer()
    tokenizer.adapt(lines)
    assert tokenizer.encode(["the book of Tom"])[0, 2:].numpy().tolist() == [UNK_ID, UNK_ID]
    assert tokenizer.coverage(lines).ratio == 42 / 44
    tokenizer.adapt(lines, min_count=1)
    assert tokenizer.coverage(lines).ratio == 1
