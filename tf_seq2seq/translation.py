"""The type of a translation, and the interface of all translators.

`Translator` (a model in this process), `serving.SavedTranslator` (an export) and the client (a
server) have the same methods and return the same type. This module imports neither TensorFlow nor
NumPy.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Protocol

from tf_seq2seq.strings import Texts

if TYPE_CHECKING:
    import numpy as np


@dataclasses.dataclass(frozen=True)
class Translation:
    """The translation of one sentence.

    Only `text` and `score` are always set. The tokens and the alignment may be missing: an export's
    signatures whose names end with `details` return them; the others do not.

    Two translations are equal if everything except their alignments is equal.

    Attributes:
        text: the translation.
        score: its log probability in nats, including `<eos>`.
        source_tokens: the source as tokens, including `<eos>`, without the tokenizer's markers.
            Empty for an empty sentence, or if the tokens were not returned.
        target_tokens: the translation as tokens, in the same form.
        alignment: float32 `(target tokens, source tokens)`, attention weights whose rows sum to 1.
            None for a model without attention, or if the weights were not returned.
        target_length: the number of target tokens, including `<eos>`. Divide `score` by it to get a
            mean log probability. It can be set without the tokens, as by an export's signature
            `score`; None if it was not returned.

    Example:

    >>> Translation("看书", -0.61).target_length is None
    True
    >>> Translation("看书", -0.61, target_tokens=("看", "书", "<eos>")).target_length
    3
    """

    text: str
    score: float
    source_tokens: tuple[str, ...] = ()
    target_tokens: tuple[str, ...] = ()
    # Excluded from `==`, because comparing arrays returns an array.
    alignment: np.ndarray | None = dataclasses.field(default=None, compare=False)
    target_length: int | None = None

    def __post_init__(self):
        if self.target_length is None and self.target_tokens:
            object.__setattr__(self, "target_length", len(self.target_tokens))


class TranslatorProtocol(Protocol):
    """The interface of translators: code written for it works with a model, an export or a server.

    Implementations may take more arguments with defaults, such as `batch_size`, `verbose` or search
    options.
    """

    def __call__(self, sentences: Texts) -> list[Translation]:
        """Translate sentences.

        Args:
            sentences: one string, or any iterable of them. Bytes are UTF-8.

        Returns:
            A `Translation` for each sentence, in the same order.

        Raises:
            TypeError: if a sentence is not a string or bytes.
        """
        ...

    def n_best(self, sentences: Texts) -> list[list[Translation]]:
        """Find several translations of each sentence.

        The number depends on the search options. Those of an export were set when it was written.

        Args:
            sentences: one string, or any iterable of them. Bytes are UTF-8.

        Returns:
            For each sentence, its translations, best first. There may be fewer than requested; an
            empty sentence has exactly one.

        Raises:
            TypeError: if a sentence is not a string or bytes.
        """
        ...

    def complete(self, sentences: Texts, prefixes: Texts) -> list[Translation]:
        """Translate sentences, continuing from given beginnings of the translations.

        Args:
            sentences: one string, or any iterable of them.
            prefixes: the beginning of each translation, which may be empty.

        Returns:
            A `Translation` for each sentence, which includes the prefix.

        Raises:
            TypeError: if a sentence or prefix is not a string or bytes.
            InputError: if the numbers of sentences and prefixes differ.
        """
        ...

    def complete_n_best(self, sentences: Texts, prefixes: Texts) -> list[list[Translation]]:
        """Find several translations of each sentence that continue from a given beginning.

        Args:
            sentences, prefixes: as for `complete`.

        Returns:
            For each sentence, its translations, best first, as for `n_best`.

        Raises:
            As for `complete`.
        """
        ...

    def score(self, sentences: Texts, translations: Texts) -> list[Translation]:
        """Score given translations by forced decoding.

        Args:
            sentences: one string, or any iterable of them.
            translations: a translation of each sentence.

        Returns:
            A `Translation` for each pair. `score` and `target_length` are always set. `text` is the
            given translation, normalized by the tokenizer if the tokens are set.

        Raises:
            TypeError: if a sentence or translation is not a string or bytes.
            InputError: if the numbers of sentences and translations differ.
        """
        ...
