"""An ensemble of translation models that decode together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.models.base import SequenceModel
from tf_seq2seq.models.protocol import TranslationModel
from tf_seq2seq.models.seq2seq import Seq2Seq, check_source_and_target, source_and_target_specs


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Ensemble(SequenceModel):
    """Decode with the mean probability of several models that have the same vocabularies.

        P(y_j | y_1 ... y_{j-1}, x) = 1/n sum_m P_m(y_j | y_1 ... y_{j-1}, x)

    It can be used like a `Seq2Seq` in a `Translator` and in an export, but it cannot be trained.
    `Translator.ensemble` creates one from several translators.

    Args:
        members: trained `Seq2Seq` models, whose sizes and systems may differ. The alignment is the
            mean of the attention weights of the members that have attention.

    Call arguments:
        inputs: a dict of `"source"` and `"target"`, as for `Seq2Seq`.

    Returns:
        `log P`, float32 `(batch, target_length, vocabulary_size)`.

    Raises:
        InputError: if there are no members, if their vocabularies differ in size, or if the
            ensemble is called with `training=True`.

    Example:

    >>> members = [s2s.Seq2Seq(s2s.Encoder(80, 8), s2s.Decoder(60, units)) for units in (8, 16)]
    >>> ensemble = Ensemble(members)
    >>> ensemble({"source": np.array([[5, 6, 3]]), "target": np.array([[2, 8]])}).shape
    TensorShape([1, 2, 60])

    Source: Sutskever et al. 2014, "Sequence to Sequence Learning with Neural Networks", section 3.
    """

    def __init__(self, members: Sequence[Seq2Seq], **kwargs):
        super().__init__(**kwargs)
        self.members = list(members)
        for member in self.members:
            if not isinstance(member, TranslationModel):
                raise InputError(f"`members` must be models such as Seq2Seq, got {member!r}.")
        sizes = {(m.source_vocabulary_size, m.target_vocabulary_size) for m in self.members}
        if len(sizes) != 1:
            raise InputError(
                "An ensemble needs at least one model, and all models must have the same "
                f"vocabulary sizes; got the (source, target) sizes {sorted(sizes)}."
            )
        self.built = True

    @property
    def recurrent_layers(self) -> list[keras.layers.RNN]:  # type: ignore[override]
        """The recurrent Keras layers of all members."""
        return [layer for member in self.members for layer in member.recurrent_layers]

    @property
    def source_vocabulary_size(self) -> int:
        """Number of source ids."""
        return self.members[0].source_vocabulary_size

    @property
    def target_vocabulary_size(self) -> int:
        """Number of target ids."""
        return self.members[0].target_vocabulary_size

    @property
    def aligns(self) -> bool:
        """Whether a member has attention, so that a step returns weights."""
        return any(member.aligns for member in self.members)

    @property
    def takes_candidates(self) -> bool:
        """Whether the steppers of all members take candidates."""
        return all(getattr(member, "takes_candidates", False) for member in self.members)

    def input_specs(self) -> dict[str, keras.InputSpec]:
        return source_and_target_specs()

    def __call__(self, inputs: Mapping[str, tf.Tensor], *args, **kwargs) -> tf.Tensor:
        check_source_and_target(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool | None = None) -> tf.Tensor:
        if training:
            raise InputError("An ensemble cannot be trained; train its members separately.")
        return _mean_log_probability([member(inputs) for member in self.members])

    def encode(self, source: tf.Tensor) -> tuple[Any, Any]:
        """Return the states and the memories of all members: see `Seq2Seq.encode`."""
        states, memories = zip(*(member.encode(source) for member in self.members), strict=True)
        return states, memories

    def context(self, source: tf.Tensor) -> tf.Tensor:
        """Concatenate the vectors of all members: see `Seq2Seq.context`."""
        return tf.concat([member.context(source) for member in self.members], axis=1)

    def step(
        self, previous: tf.Tensor, state: Any, memory: Any
    ) -> tuple[tf.Tensor, tf.Tensor | None, Any]:
        """Take one decoding step for each sentence: see `Decoder.step`."""
        return self.stepper()(previous, state, memory)

    def stepper(self, width: int = 1, candidates: tf.Tensor | None = None) -> Callable:
        """Return the function `step` for a loop: see `Decoder.stepper`."""
        options = {} if candidates is None else {"candidates": candidates}
        steppers = [member.stepper(width, **options) for member in self.members]

        def step(previous, state, memory):
            if candidates is not None:
                memories, mask = memory
                memory = [(each, mask) for each in memories]
            found = [
                take_step(previous, *parts)
                for take_step, *parts in zip(steppers, state, memory, strict=True)
            ]
            logits, weights, states = zip(*found, strict=True)
            given = [each for each in weights if each is not None]
            alignment = tf.add_n(given) / len(given) if given else None
            return _mean_log_probability(logits), alignment, states

        return step

    def get_config(self) -> dict:
        members = [keras.saving.serialize_keras_object(member) for member in self.members]
        return {**super().get_config(), "members": members}

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Ensemble:
        members = [
            keras.saving.deserialize_keras_object(member, custom_objects)
            for member in config["members"]
        ]
        return cls(**{**config, "members": members})


def _mean_log_probability(logits):
    log_p = tf.stack([tf.nn.log_softmax(tf.cast(each, tf.float32)) for each in logits])
    return tf.reduce_logsumexp(log_p, axis=0) - tf.math.log(float(len(logits)))
