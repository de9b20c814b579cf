"""New vocabularies for trained models: which weights the tokens of a new vocabulary start from."""

from __future__ import annotations

from typing import TypeVar

import keras
import numpy as np
import tensorflow as tf

from tf_seq2seq.checks import check_choice, check_integer
from tf_seq2seq.data import WordVectors
from tf_seq2seq.errors import InputError
from tf_seq2seq.models.ensemble import Ensemble
from tf_seq2seq.models.seq2seq import Seq2Seq
from tf_seq2seq.text import UNK_ID, Tokenizer
from tf_seq2seq.text.vocabulary import SPECIALS

RULES = ("pieces", "random")
"""What new tokens without a pretrained vector start from."""

NEIGHBORS, TEMPERATURE = 10, 0.1
"""How many known tokens a new token with a vector starts from, and the temperature of the softmax
that weights them."""

Model = TypeVar("Model", Seq2Seq, Ensemble)


class VocabularyChange:
    """Compute the weights of a new vocabulary's tokens from those of an old one.

    Each token has a row in a matrix, such as the embeddings. Row `r'_k` of the new matrix is

        r'_k = r_i                      if token k is token i of the old vocabulary: known
        r'_k = sum of p_ki r_i          if it has a pretrained vector v_k: see below
        r'_k = mean of r_i, i in P_k    otherwise: P_k are the old tokenizer's pieces of its text
        r'_k ~ N(mean of r, var of r)   if `rule` is "random" or no piece is known

    with the mean and the variance of each column. `p_k` is a softmax of `cos(v_k, v_i) / 0.1` over
    the ten known tokens with the most similar vectors. Vectors are compared only with one another,
    so they may have any width. Tokens are compared as strings, markers included, and the special
    tokens by their names. The text of a token is what the new tokenizer makes of it alone. Pieces
    that the old tokenizer does not know are left out.

    Args:
        old, new: tokenizers with vocabularies, which may be of different kinds.
        rule: `"pieces"` or `"random"`, what new tokens without a vector start from.
        seed: for the random rows.
        vectors: pretrained vectors, from `data.read_word_vectors` for the new tokenizer; or None.

    Raises:
        InputError: if an argument is invalid, if the vectors are not for the new tokenizer or no
            known token has one, or with the rule `"pieces"` if none of the new tokens is known, has
            a vector or has a known piece.

    Example:

    >>> characters, words = s2s.text.CharacterTokenizer(), s2s.text.WordTokenizer()
    >>> characters.adapt(["the book"]); words.adapt(["the book a"])
    >>> print(VocabularyChange(characters, words))
    7 tokens: 4 known, 2 from pieces, 1 random

    Source: Minixhofer et al. 2022, "WECHSEL: Effective Initialization of Subword Embeddings for
    Cross-lingual Transfer of Monolingual Language Models" (vectors).
    """

    def __init__(
        self,
        old: Tokenizer,
        new: Tokenizer,
        rule: str = "pieces",
        seed: int = 0,
        vectors: WordVectors | None = None,
    ):
        self.rule = check_choice("rule", rule, RULES)
        self._random = np.random.default_rng(check_integer("seed", seed, minimum=0))
        was, now = old.vocabulary, new.vocabulary
        self._known = np.array([was.index(token) if token in was else -1 for token in now])
        others = np.flatnonzero(self._known < 0).tolist()
        # For each new token, the old tokens whose rows are added up, and their shares.
        self._similar: dict[int, tuple[np.ndarray, np.ndarray]] | None = None
        if vectors is not None:
            self._similar = self._most_similar(new, vectors, others)
            others = [i for i in others if i not in self._similar]
        self._pieces: dict[int, list[int]] = {}
        if self.rule == "pieces" and others:
            texts = new.detokenize(tf.ragged.constant([[now[i]] for i in others]))
            for i, ids in zip(others, old.encode(texts).to_list(), strict=True):
                if pieces := [id for id in ids if id != UNK_ID]:
                    self._pieces[i] = pieces
        mapped = [*np.flatnonzero(self._known >= 0).tolist(), *self._pieces, *(self._similar or ())]
        if self.rule == "pieces" and all(now[i] in SPECIALS for i in mapped):
            raise InputError(
                f"The old {type(old).__name__} knows none of the {len(now) - len(SPECIALS)} tokens "
                f"of the new {type(new).__name__}, nor any of their pieces: pass a tokenizer of "
                "the same language, or the rule 'random'."
            )

    def _most_similar(self, new, vectors, others):
        if not isinstance(vectors, WordVectors) or vectors.tokens != new.vocabulary.tokens:
            raise InputError(
                "`vectors` must be those of the new tokenizer: pass the result of "
                "`data.read_word_vectors` for it."
            )
        has_vector = vectors.covered & (np.arange(self.size) >= len(SPECIALS))
        known = np.flatnonzero(has_vector & (self._known >= 0))
        if not known.size:
            raise InputError(
                "None of the tokens that both tokenizers have has a vector to compare new ones "
                "with: pass vectors that cover them, or none."
            )
        lengths = np.linalg.norm(vectors.matrix, axis=1, keepdims=True)
        directions = vectors.matrix / np.maximum(lengths, np.finfo(np.float32).tiny)
        similar = {}
        for i in (i for i in others if has_vector[i]):
            cosines = directions[known] @ directions[i]
            nearest = np.argsort(-cosines, kind="stable")[:NEIGHBORS]
            shares = np.exp((cosines[nearest] - cosines[nearest[0]]) / TEMPERATURE)
            similar[i] = self._known[known[nearest]], shares / shares.sum()
        return similar

    @property
    def size(self) -> int:
        """The number of tokens of the new vocabulary."""
        return len(self._known)

    @property
    def known(self) -> int:
        """The number of tokens that both vocabularies have, including the special ones."""
        return int(np.count_nonzero(self._known >= 0))

    @property
    def from_vectors(self) -> int:
        """The number of new tokens that start from known tokens with similar vectors."""
        return len(self._similar or ())

    @property
    def from_pieces(self) -> int:
        """The number of new tokens that start from the mean of their pieces."""
        return len(self._pieces)

    @property
    def random(self) -> int:
        """The number of new tokens that start from random numbers."""
        return self.size - self.known - self.from_vectors - self.from_pieces

    def rows(self, rows: np.ndarray) -> np.ndarray:
        """Return the rows of the new vocabulary.

        Args:
            rows: those of the old vocabulary, float32 `(old_size, width)`.

        Returns:
            float32 `(new_size, width)`.
        """
        shape = self.size, rows.shape[1]
        new = self._random.normal(rows.mean(axis=0), rows.std(axis=0), shape).astype(rows.dtype)
        for i, (ids, shares) in (self._similar or {}).items():
            new[i] = shares @ rows[ids]
        for i, pieces in self._pieces.items():
            new[i] = rows[pieces].mean(axis=0)
        is_known = self._known >= 0
        new[is_known] = rows[self._known[is_known]]
        return new

    def __str__(self) -> str:
        from_vectors = "" if self._similar is None else f"{self.from_vectors:,} from vectors, "
        return (
            f"{self.size:,} tokens: {self.known:,} known, {from_vectors}"
            f"{self.from_pieces:,} from pieces, {self.random:,} random"
        )


def with_vocabularies(
    model: Model, source: VocabularyChange | None, target: VocabularyChange | None
) -> Model:
    """Return a copy of a model for other vocabularies.

    The embeddings, and for the target also the weights and biases of the logits, are those of
    `VocabularyChange.rows`. All other weights are copied, and what is frozen stays
    frozen. The copy is not compiled.

    Args:
        model: a `Seq2Seq` or an `Ensemble`.
        source, target: the changes; None to keep the vocabulary.

    Raises:
        InputError: if the model is of another kind, or has other weights whose shape depends on the
            size of a vocabulary.
    """
    if isinstance(model, Ensemble):
        return type(model)([with_vocabularies(each, source, target) for each in model.members])
    if not isinstance(model, Seq2Seq):
        raise InputError(
            "Only a Seq2Seq or an ensemble of them can get another vocabulary, got "
            f"{model!r}: build a model for the new tokenizers, and set its weights."
        )
    rows = _new_rows(model, source, target)
    config = keras.saving.serialize_keras_object(model)
    config.pop("compile_config", None)
    for part, change in (("encoder", source), ("decoder", target)):
        if change is not None:
            config["config"][part]["config"]["vocabulary_size"] = change.size
    copy = keras.saving.deserialize_keras_object(config)
    for ours, new in zip(model.weights, copy.weights, strict=True):
        value = rows.get(id(ours))
        value = ours.numpy() if value is None else value
        if value.shape != tuple(new.shape):
            raise InputError(
                f"The weights {ours.path!r} of a {type(model).__name__} depend on the size of a "
                "vocabulary: build a model for the new tokenizers, and set its weights."
            )
        new.assign(value)
    # A part is listed before the parts in it, whose flags it would set too.
    for ours, new in zip(model._flatten_layers(), copy._flatten_layers(), strict=True):
        new.trainable = ours.trainable
    return copy


def _new_rows(
    model: Seq2Seq, source: VocabularyChange | None, target: VocabularyChange | None
) -> dict[int, np.ndarray]:
    """Return the new values of the weights that change, by the identities of the variables."""
    new = {}
    if source is not None:
        embeddings = model.encoder.words.matrix()
        new[id(embeddings)] = source.rows(embeddings.numpy())
    if target is not None:
        words, readout = model.decoder.words, model.decoder.readout
        if words is not None:
            new[id(words.matrix())] = target.rows(words.matrix().numpy())
        if readout.projection is None:
            new[id(readout.bias)] = target.rows(readout.bias.numpy()[:, None])[:, 0]
        else:
            kernel, bias = readout.projection.kernel, readout.projection.bias
            rows = target.rows(np.concatenate([kernel.numpy(), bias.numpy()[None]]).T)
            new |= {id(kernel): rows[:, :-1].T, id(bias): rows[:, -1]}
    return new
