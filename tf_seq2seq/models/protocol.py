"""The interfaces that the rest of the package needs: implement them to use your own model.

`search` needs only a step function. `Translator` and the export need a `TranslationModel`, and
`TextModel` needs a `TextGenerator`. Both must also be Keras models, so that their weights can be
counted, saved and exported.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import keras
import tensorflow as tf


@runtime_checkable
class TranslationModel(Protocol):
    """A model that translates ids to ids, such as `Seq2Seq` or `Ensemble`."""

    @property
    def source_vocabulary_size(self) -> int:
        """Number of source ids."""

    @property
    def target_vocabulary_size(self) -> int:
        """Number of target ids."""

    @property
    def aligns(self) -> bool:
        """Whether a step returns attention weights."""

    @property
    def recurrent_layers(self) -> list[keras.layers.RNN]:
        """The layers to trace without cuDNN for an export; may be empty."""

    def encode(self, source: tf.Tensor) -> tuple[Any, Any]:
        """Encode source sentences.

        Args:
            source: int `(batch, source_length)`, padded on the right with 0.

        Returns:
            `(state, memory)`: the state before the first step, and the tensors that all steps
            share. Both are nested structures of tensors `(batch, ...)`.
        """

    def stepper(self, width: int = 1) -> Callable[[tf.Tensor, Any, Any], tuple]:
        """Return the function that takes one decoding step for each hypothesis.

        Read the weights here and not inside the function, so that a loop over many steps reads
        them only once.

        To search with a shortlist, a model also needs the argument `candidates` of
        `Decoder.stepper`, and a true attribute `takes_candidates`.

        Args:
            width: the number of hypotheses of each sentence; they are next to each other.

        Returns:
            A function `(previous, state, memory) -> (logits, weights, state)` of

            - `previous`: int `(batch * width,)`, the ids chosen at the previous step, `<sos>` at
              first,
            - `state`: from `encode`, with each row repeated `width` times, or from the previous
              step,
            - `memory`: from `encode`, `batch` rows (see `search.repeat_rows` to repeat them),

            which returns the logits `(batch * width, target_vocabulary_size)`, the attention
            weights `(batch * width, source_length)` or None, and the state for the next step. The
            number of rows may change from step to step, because finished sentences are dropped.
        """

    def context(self, source: tf.Tensor) -> tf.Tensor:
        """Return a vector for each source sentence.

        Args:
            source: int `(batch, source_length)`, padded on the right with 0.

        Returns:
            `(batch, size)`.
        """


@runtime_checkable
class TextGenerator(Protocol):
    """A model that continues texts, such as `LanguageModel`."""

    @property
    def vocabulary_size(self) -> int:
        """Number of ids."""

    def initial_state(self, batch_size: int | tf.Tensor) -> Any:
        """Return the state before a text.

        Args:
            batch_size: number of texts.

        Returns:
            A nested structure of tensors `(batch_size, ...)`.
        """

    def __call__(self, ids: tf.Tensor, state: Any = None, valid: tf.Tensor | None = None) -> Any:
        """Read a segment of each text.

        Args:
            ids: int `(batch, length)`.
            state: the state before the segments; None for `initial_state`.
            valid: bool `(batch, length)`, False where a row has no word; None for all True.

        Returns:
            An object with the attributes `logits`, `(batch, length, vocabulary_size)`, which
            predict the word after each word, and `state`, the state after the last word.
        """

    def stepper(self) -> Callable[..., tuple[tf.Tensor, None, Any]]:
        """Return the function that reads one word of each text.

        Read the weights here and not inside the function, so that a loop over many words reads
        them only once.

        Returns:
            A function `(ids, state, memory=()) -> (logits, None, state)` of the words, int
            `(batch,)`, and the state before them, which returns the logits of the next words,
            `(batch, vocabulary_size)`. The memory is not used. The number of rows may change from
            word to word, because finished texts are dropped.
        """
