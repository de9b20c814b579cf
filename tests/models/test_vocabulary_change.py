"""New vocabularies for trained models."""

import numpy as np
import pytest
from helpers import SYSTEMS, small_model
from sentencepiece_models import sentencepiece_model

import tf_seq2seq as s2s
from tf_seq2seq import text
from tf_seq2seq.models import VocabularyChange
from tf_seq2seq.models.vocabulary_change import with_vocabularies


def tokenizer(tokens, kind=text.WordTokenizer, **options):
    made = kind(**options)
    made.set_vocabulary(text.Vocabulary(list(tokens)))
    return made


OLD = tokenizer(["the", "book", "￭-￭", "￭.", "store"])
ROWS = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)


def rows_by_token(change, new, rows=ROWS):
    return dict(zip(new.vocabulary, change.rows(rows), strict=True))


def test_known_tokens_keep_their_rows_to_the_last_bit():
    new = tokenizer(["store", "cat", "the", "<eos>", "￭."])
    change = VocabularyChange(OLD, new)
    rows = rows_by_token(change, new)
    for token in ("<pad>", "<unk>", "<sos>", "<eos>", "store", "the", "￭."):
        assert rows[token].tobytes() == ROWS[OLD.vocabulary.index(token)].tobytes()
    assert (change.size, change.known, change.from_pieces, change.random) == (8, 7, 0, 1)
    assert str(change) == "8 tokens: 7 known, 0 from pieces, 1 random"


def test_new_tokens_start_from_the_mean_of_their_known_pieces():
    old = tokenizer(["un", "##happ", "##y", "in"], text.SubwordTokenizer)
    # An old tokenizer with other conventions reads the text of a token, without its markers.
    new = tokenizer(["unhappy", "un￭", "uni", "zzz"])
    rows = rows_by_token(VocabularyChange(old, new), new, ROWS[:8])
    np.testing.assert_allclose(rows["unhappy"], ROWS[[4, 5, 6]].mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(rows["un￭"], ROWS[4])
    np.testing.assert_array_equal(rows["uni"], ROWS[4])  # "##i" is not known


@pytest.mark.parametrize(
    ("old", "new", "token", "pieces"),
    [
        (OLD, tokenizer(["the", "##store"], text.SubwordTokenizer), "##store", ["store"]),
        (tokenizer(["the"], lowercase=True), tokenizer(["The"]), "The", ["the"]),
        (tokenizer("tobe▁", text.CharacterTokenizer), tokenizer(["to"]), "to", ["t", "o"]),
        (tokenizer("书本", text.ChineseTokenizer), tokenizer(["书本"]), "书本", ["书", "本"]),
        (OLD, text.SentencePieceTokenizer(sentencepiece_model()), "▁the", ["the"]),
        (text.SentencePieceTokenizer(sentencepiece_model()), OLD, "book", ["▁book"]),
    ],
    ids=["subword", "lowercase", "character", "chinese", "to_pieces", "from_pieces"],
)
def test_all_kinds_of_tokenizers(old, new, token, pieces):
    rows = np.random.default_rng(0).normal(size=(old.vocabulary_size, 2)).astype(np.float32)
    places = [old.vocabulary.index(piece) for piece in pieces]
    found = rows_by_token(VocabularyChange(old, new), new, rows)[token]
    np.testing.assert_allclose(found, rows[places].mean(axis=0), rtol=1e-6)


def test_random_rows_have_the_distribution_of_the_old_ones():
    new = tokenizer(["the", *(f"new{i}" for i in range(5000))])
    rows = np.random.default_rng(0).normal([5, -2], [0.1, 3], (9, 2)).astype(np.float32)
    changes = [VocabularyChange(OLD, new, "random", seed) for seed in (0, 0, 1)]
    first, again, other = (change.rows(rows) for change in changes)
    np.testing.assert_array_equal(first, again)
    assert not np.allclose(first, other)
    np.testing.assert_allclose(first[5:].mean(axis=0), rows.mean(axis=0), atol=0.2)
    np.testing.assert_allclose(first[5:].std(axis=0), rows.std(axis=0), rtol=0.1)
    assert changes[0].random == 5000


def test_a_vocabulary_without_anything_known_is_refused():
    chinese = tokenizer("书本", text.ChineseTokenizer)
    with pytest.raises(
        s2s.InputError, match=r"knows none of the 2 tokens of the new ChineseTokenizer.*'random'"
    ):
        VocabularyChange(OLD, chinese)
    assert VocabularyChange(OLD, chinese, "random").random == 2
    with pytest.raises(s2s.InputError, match="`rule` must be 'pieces' or 'random', got 'mean'"):
        VocabularyChange(OLD, chinese, "mean")
    with pytest.raises(RuntimeError, match="no vocabulary yet"):
        VocabularyChange(OLD, text.WordTokenizer())


def vectors_of(tokenizer, width=2, **known):
    """Vectors for a few tokens of a tokenizer."""
    tokens = tokenizer.vocabulary.tokens
    matrix = np.array([known.get(token, [0] * width) for token in tokens], np.float32)
    return s2s.data.WordVectors(tokens, matrix, np.array([token in known for token in tokens]))


def test_new_tokens_start_from_known_tokens_with_similar_vectors():
    old = tokenizer(["book", "cat", "far", "ne", "only_old"])
    new = tokenizer(["cat", "novel", "book", "far", "ne", "new"])
    vectors = vectors_of(new, book=[2, 0], cat=[0, 3], far=[-1, 0], novel=[4, 4 * 3**0.5])
    rows = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    change = VocabularyChange(old, new, "random", vectors=vectors)
    assert str(change) == "10 tokens: 8 known, 1 from vectors, 0 from pieces, 1 random"
    found = rows_by_token(change, new, rows)
    shares = np.exp(np.array([1, 3**0.5, -1]) / 2 / 0.1)  # cosines of book, cat and far
    np.testing.assert_allclose(found["novel"], shares @ rows[4:7] / shares.sum(), rtol=1e-5)
    assert found["ne"].tobytes() == rows[7].tobytes()  # known, without a vector


def test_vectors_come_before_pieces_and_count_only_the_nearest():
    known = [f"w{i}" for i in range(12)]
    old, new = tokenizer([*known, "un￭", "done"]), tokenizer([*known, "undone", "zz"])
    near = {name: [1, i / 100] for i, name in enumerate(known)}
    vectors = vectors_of(new, **near, undone=[1, 0])
    rows = np.zeros([18, 1], np.float32)
    rows[14:16] = 1e6  # w10 and w11, which are not among the ten nearest
    change = VocabularyChange(old, new, vectors=vectors)
    assert (change.from_vectors, change.from_pieces, change.random) == (1, 0, 1)
    assert rows_by_token(change, new, rows)["undone"] == 0


def test_vectors_that_are_refused():
    new = tokenizer(["the", "cat", "dog"])
    with pytest.raises(s2s.InputError, match="`vectors` must be those of the new tokenizer: pass"):
        VocabularyChange(OLD, new, vectors=vectors_of(OLD, the=[1, 0]))
    with pytest.raises(s2s.InputError, match="`vectors` must be those of the new tokenizer: pass"):
        VocabularyChange(OLD, new, vectors=np.zeros([7, 2]))
    with pytest.raises(s2s.InputError, match="None of the tokens that both tokenizers have has a"):
        VocabularyChange(OLD, new, vectors=vectors_of(new, cat=[1, 0], dog=[0, 1]))
    change = VocabularyChange(OLD, new, vectors=vectors_of(new, the=[1, 0], cat=[1, 0]))
    np.testing.assert_allclose(rows_by_token(change, new)["cat"], ROWS[4], rtol=1e-6)
    assert str(change).startswith("7 tokens: 5 known, 1 from vectors, 0 from pieces, 1 random")


def vocabularies(old_size):
    """An old vocabulary, and a change that reverses it and adds two tokens."""
    old = tokenizer([f"t{i}" for i in range(4, old_size)])
    new = tokenizer([*reversed(old.vocabulary.tokens), "new1", "new2"])
    return VocabularyChange(old, new, "random")


@pytest.mark.parametrize(
    ("system", "options"),
    [
        *((name, {}) for name in SYSTEMS),
        ("additive_current", {"tie_embeddings": True, "readout_activation": None}),
        ("context_alone", {"tie_embeddings": True, "readout_units": 5}),
    ],
)
def test_all_weights_of_a_model_are_copied(system, options):
    model = small_model(system, **options)
    copy = with_vocabularies(model, vocabularies(20), vocabularies(15))
    assert (copy.source_vocabulary_size, copy.target_vocabulary_size) == (22, 17)
    sizes, moved = {20: 22, 15: 17}, 0
    for ours, new in zip(model.weights, copy.weights, strict=True):
        ours, new = ours.numpy(), new.numpy()
        for axis, size in enumerate(ours.shape):
            if size in sizes:
                assert new.shape[axis] == sizes[size]
                order = [0, 1, 2, 3, *range(size - 1, 3, -1)]
                new, moved = np.take(new, order, axis), moved + 1
        np.testing.assert_array_equal(new, ours)
    # The embeddings of both sides and the logits' kernel and bias; those that are tied are one.
    assert moved == 3 if system == "context_alone" or options else 4


def test_members_of_an_ensemble_and_other_models():
    ensemble = s2s.Ensemble([small_model("initial_state"), small_model("dot_current")])
    copy = with_vocabularies(ensemble, None, vocabularies(15))
    assert (copy.source_vocabulary_size, copy.target_vocabulary_size) == (20, 17)
    assert [type(member) for member in copy.members] == [s2s.Seq2Seq] * 2
    with pytest.raises(s2s.InputError, match="Only a Seq2Seq or an ensemble of them can get"):
        with_vocabularies(s2s.LanguageModel(15, 4), None, vocabularies(15))


def test_a_copy_is_not_compiled_and_keeps_what_is_frozen():
    model = small_model("initial_state")
    model.encoder.words.trainable = False
    model.compile()
    copy = with_vocabularies(model, vocabularies(20), None)
    assert not copy.compiled
    assert not copy.encoder.words.trainable and copy.decoder.trainable
    assert len(copy.trainable_variables) == len(model.trainable_variables)
