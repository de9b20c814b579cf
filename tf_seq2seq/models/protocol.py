"""The interfaces that the rest of the package needs: implement them to use your own model.

`search` needs only a step function. `Translator` and the export need a `TranslationModel`, and
`TextModel` needs a `TextGenerator`. Both must also be Keras models, so that their weights can be
counted, saved and exported.
"""

from __future__ import annotations

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

    def step(
        self, previous: tf.Tensor, state: Any, memory: Any
    ) -> tuple[tf.Tensor, tf.Tensor | None, Any]:
        """Take one decoding step for each sentence.

        Args:
            previous: int `(batch,)`, the ids chosen at the previous step, `<sos>` at first.
            state: from `encode` or the previous step.
            memory: from `encode`.

        Returns:
            `(logits, weights, state)`: `(batch, target_vocabulary_size)`, the attention weights
            `(batch, source_length)` or None, and the state for the next step.
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

    def step(self, ids: tf.Tensor, state: Any) -> tuple[tf.Tensor, None, Any]:
        """Read one word of each text.

        Args:
            ids: int `(batch,)`.
            state: the state before the word.

        Returns:
            `(logits, None, state)`, with the logits of the next word `(batch, vocabulary_size)`.
        """
