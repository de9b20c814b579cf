"""A translation, and the interface of everything that translates.

`Translator` (a model in this process), `serving.SavedTranslator` (an export) and the client of a
server all return the same type from the same methods. This module imports neither TensorFlow nor
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

    Only `text` and `score` are always known. The tokens and the alignment depend on what was asked
    of the model: an export's signatures `serving_default`, `beam` and `score` do not return them;
    `details`, `beam_details` and `score_details` do.

    Two translations are equal if everything but their alignments is equal.

    Attributes:
        text: the translation.
        score: its log probability in nats, `<eos>` included.
        source_tokens: the source as the encoder read it, `<eos>` included, without the tokenizer's
            markers. Empty for an empty sentence, and if the tokens are not known.
        target_tokens: the translation as the decoder wrote it, in the same form.
        alignment: float32 `(target tokens, source tokens)`, attention weights whose rows sum to 1.
            None for a model without attention, and if the weights are not known.
        target_length: the number of target tokens, `<eos>` included: what `score` is divided by
            to get a mean or a perplexity. It may be known if the tokens are not, as from an
            export's signature `score`. None if it is not known either.

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
    # `==` of arrays is an array, which has no truth value.
    alignment: np.ndarray | None = dataclasses.field(default=None, compare=False)
    target_length: int | None = None

    def __post_init__(self):
        if self.target_length is None and self.target_tokens:
            object.__setattr__(self, "target_length", len(self.target_tokens))


class TranslatorProtocol(Protocol):
    """What translates: code written for this interface works with a model, an export or a server.

    An implementation may take more arguments, such as `batch_size`, `verbose` or options of the
    search, as long as they have defaults.
    """

    def __call__(self, sentences: Texts) -> list[Translation]:
        """Translate sentences.

        Args:
            sentences: one string, or any iterable of them. Bytes are UTF-8.

        Returns:
            A `Translation` for each sentence, in their order.

        Raises:
            TypeError: if something is not a string.
        """
        ...

    def n_best(self, sentences: Texts) -> list[list[Translation]]:
        """Find several translations of each sentence.

        How many depends on the options of the search, which an export fixed when it was written.

        Returns:
            For each sentence its translations, the best first; fewer than asked for if there are
            not that many. An empty sentence has exactly one.
        """
        ...

    def score(self, sentences: Texts, translations: Texts) -> list[Translation]:
        """Score given translations by forced decoding.

        Args:
            sentences: one string, or any iterable of them.
            translations: a translation of each sentence.

        Returns:
            A `Translation` for each pair. `score` and `target_length` are always known; the text
            is the given one, as the tokenizer reads it if the tokens are known.

        Raises:
            TypeError: if something is not a string.
            InputError: if the numbers of sentences and translations differ.
        """
        ...
