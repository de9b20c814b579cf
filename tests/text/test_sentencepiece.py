import pickle

import pytest
import tensorflow as tf
from sentencepiece_models import CONTROL, UNKNOWN, USER_DEFINED, WORDS, sentencepiece_model
from texts import CORPUS, TRICKY, decoded, random_texts

from tf_seq2seq.errors import InputError
from tf_seq2seq.text import SentencePieceTokenizer, Tokenizer, Vocabulary, WordTokenizer

BYTES = sentencepiece_model(byte_fallback=True)


@pytest.fixture(scope="module")
def tokenizer():
    return SentencePieceTokenizer(sentencepiece_model())


def test_pieces_and_ids(tokenizer):
    assert tokenizer.vocabulary.tokens == ("<pad>", "<unk>", "<sos>", "<eos>", *WORDS)
    tokens = tokenizer.tokenize(["the  books is old.", "", "我书the"])
    assert decoded(tokens) == [
        ["▁the", "▁book", "s", "▁is", "▁old", "."],
        [],
        ["▁", "我", "书", "the"],
    ]
    ids = tokenizer.encode(["the books", "the film"])
    assert ids.to_list() == [[4, 5, 6], [4, 10, 1]]
    assert tokenizer.decode(ids).numpy().tolist() == [b"the books", b"the <unk>"]
    assert tokenizer.display("▁the") == "the"
    assert tokenizer.starts_word(tf.constant(["▁the", "s"])).numpy().tolist() == [True, False]


def test_bytes_stand_for_unknown_characters():
    tokenizer = SentencePieceTokenizer(BYTES)
    assert decoded(tokenizer.tokenize(["thé"])) == [["▁", "<0x74>", "<0x68>", "<0xC3>", "<0xA9>"]]
    assert tokenizer.decode(tokenizer.encode(["thé 我"]))[0] == "thé 我".encode()
    assert tokenizer.coverage(CORPUS).ratio == 1


@pytest.mark.parametrize("model", [sentencepiece_model(), BYTES])
@pytest.mark.parametrize("lowercase", [False, True])
def test_text_is_restored(model, lowercase):
    tokenizer = SentencePieceTokenizer(model, lowercase)
    lines = TRICKY + CORPUS + random_texts(300)
    normal = tokenizer.normalize(lines).numpy().tolist()
    assert tokenizer.detokenize(tokenizer.tokenize(lines)).numpy().tolist() == normal
    assert tokenizer.normalize(normal).numpy().tolist() == normal
    assert tokenizer.normalize([" The▁ book▁", "<unk> <s>"]).numpy().tolist() == [
        b"the book" if lowercase else b"The book",
        b"<unk> <s>",
    ]


def test_special_symbols_of_the_model_have_other_names_and_ids():
    specials = [
        ("[PAD]", 0.0, CONTROL),
        ("</s>", 0.0, CONTROL),
        ("[UNK]", 0.0, UNKNOWN),
        ("<user>", 0.0, USER_DEFINED),
    ]
    tokenizer = SentencePieceTokenizer(sentencepiece_model(specials=specials))
    assert tokenizer.vocabulary.tokens[4:] == ("<user>", *WORDS)
    ids = tokenizer.encode(["the <user> film"])
    assert tokenizer.decode(ids)[0] == b"the <user> <unk>"


def test_a_piece_that_is_a_control_token_of_the_package_is_unknown():
    specials = [("<unk>", 0.0, UNKNOWN), ("<eos>", 0.0, USER_DEFINED)]
    tokenizer = SentencePieceTokenizer(sentencepiece_model(specials=specials))
    assert tokenizer.encode(["the<eos>"]).to_list() == [[4, 1]]


def test_text_has_no_space_at_its_ends(tokenizer):
    tokens = tf.ragged.constant([["▁", "▁the", "▁"]])
    assert tokenizer.detokenize(tokens)[0] == b"the"


def test_pieces_that_end_with_a_space_are_refused():
    with pytest.raises(InputError, match="train it without --treat_whitespace_as_suffix"):
        SentencePieceTokenizer(sentencepiece_model(["the▁", "book", "s▁", "▁"]))


def test_save_and_load(tokenizer, tmp_path):
    tokenizer.save(tmp_path)
    loaded = Tokenizer.load(tmp_path)
    assert loaded.equals(tokenizer)
    assert loaded.encode(CORPUS).to_list() == tokenizer.encode(CORPUS).to_list()
    other = SentencePieceTokenizer(sentencepiece_model(specials=[("<unk>", 0.0, UNKNOWN)]))
    assert other.vocabulary == tokenizer.vocabulary
    assert not other.equals(tokenizer)

    Vocabulary(["a"]).save(tmp_path / "vocabulary.txt")
    with pytest.raises(InputError, match="vocabulary of 5 tokens is not that of the SentencePiece"):
        Tokenizer.load(tmp_path)
    (tmp_path / "sentencepiece.model").unlink()
    with pytest.raises(InputError, match=r"Cannot read .*sentencepiece\.model"):
        Tokenizer.load(tmp_path)


def test_pickle(tokenizer):
    assert pickle.loads(pickle.dumps(tokenizer)).equals(tokenizer)


def test_a_file(tokenizer, tmp_path):
    (tmp_path / "en.model").write_bytes(sentencepiece_model())
    assert SentencePieceTokenizer(tmp_path / "en.model").equals(tokenizer)
    (tmp_path / "en.vocab").write_text("the\n")
    for model in (tmp_path / "en.vocab", b"", sentencepiece_model(specials=[])):
        with pytest.raises(InputError, match="is not a SentencePiece model; pass"):
            SentencePieceTokenizer(model)
    with pytest.raises(InputError, match=r"Cannot read .*nowhere"):
        SentencePieceTokenizer(str(tmp_path / "nowhere"))


def test_a_new_random_seed_leaves_the_model_loaded(tokenizer):
    @tf.function
    def encode(text):
        return tokenizer.encode(text)

    before = encode(["the books"])
    tf.keras.utils.set_random_seed(1)
    assert encode(["the books"]).to_list() == before.to_list() == [[4, 5, 6]]
    assert tokenizer.encode(["the books"]).to_list() == [[4, 5, 6]]


def test_nothing_is_learned(tokenizer):
    with pytest.raises(InputError, match="is that of its model; leave out `adapt`"):
        tokenizer.adapt(CORPUS)
    for use in (lambda t: t.encode(["a"]), lambda t: t.set_vocabulary(Vocabulary(["a"]))):
        with pytest.raises(RuntimeError, match="SentencePieceTokenizer has no model yet; pass"):
            use(SentencePieceTokenizer())
    assert not tokenizer.equals(WordTokenizer())
