"""Several translators that write together."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf

from tf_seq2seq.models.seq2seq import Seq2Seq


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Ensemble(keras.Model):
    """Models that were trained apart, of the same vocabularies, and decode as one.

        P(y_j | y_1 ... y_{j-1}, x) = 1/n sum_m P_m(y_j | y_1 ... y_{j-1}, x)

    It takes the place of a `Seq2Seq` in a `Translator`, and so in an export; `Translator.ensemble`
    makes one of several translators. It is not trained.

    Args:
        members: trained `Seq2Seq` models; their sizes and systems may differ. The alignment is the
            mean of the weights of those that have attention.

    Call arguments:
        inputs: as of `Seq2Seq`.

    Returns:
        `log P`, float32 `(batch, target_length, vocabulary_size)`.

    Raises:
        ValueError: if there is no member, or their vocabularies differ in size.

    Example:

    >>> translator = Translator(Ensemble([first, second]), english, chinese)

    Source: Sutskever et al. 2014, "Sequence to Sequence Learning with Neural Networks", section 3.
    """

    def __init__(self, members: Sequence[Seq2Seq], **kwargs):
        super().__init__(**kwargs)
        self.members = list(members)
        sizes = {(m.source_vocabulary_size, m.target_vocabulary_size) for m in self.members}
        if len(sizes) != 1:
            raise ValueError(
                "An ensemble needs models over the same vocabularies, at least one; got "
                f"(source, target) vocabularies of the sizes {sorted(sizes)}."
            )
        self.built = True

    @property
    def recurrent_layers(self) -> list[keras.layers.Layer]:
        """Keras' recurrent layers of all members."""
        return [layer for member in self.members for layer in member.recurrent_layers]

    @property
    def source_vocabulary_size(self) -> int:
        """Number of ids that the encoders read."""
        return self.members[0].source_vocabulary_size

    @property
    def target_vocabulary_size(self) -> int:
        """Number of ids that the decoders write."""
        return self.members[0].target_vocabulary_size

    @property
    def aligns(self) -> bool:
        """Whether a member has attention, so that a step comes with weights."""
        return any(member.aligns for member in self.members)

    def call(self, inputs, training=None):
        if training:
            raise ValueError("An ensemble is not trained; train its members, each by itself.")
        return _mean_log_probability([member(inputs) for member in self.members])

    def encode(self, source):
        """As `Seq2Seq.encode`: the states and the memories of all members."""
        states, memories = zip(*(member.encode(source) for member in self.members), strict=True)
        return states, memories

    def context(self, source):
        """As `Seq2Seq.context`: the vectors of all members side by side."""
        return tf.concat([member.context(source) for member in self.members], axis=1)

    def step(self, previous, state, memory):
        """As `Seq2Seq.step`."""
        logits, weights, states = zip(
            *(
                member.step(previous, *parts)
                for member, *parts in zip(self.members, state, memory, strict=True)
            ),
            strict=True,
        )
        weights = [each for each in weights if each is not None]
        alignment = tf.add_n(weights) / len(weights) if weights else None
        return _mean_log_probability(logits), alignment, states

    def get_config(self):
        members = [keras.saving.serialize_keras_object(member) for member in self.members]
        return {**super().get_config(), "members": members}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        members = [
            keras.saving.deserialize_keras_object(member, custom_objects)
            for member in config["members"]
        ]
        return cls(**{**config, "members": members})


def _mean_log_probability(logits):
    log_p = tf.stack([tf.nn.log_softmax(tf.cast(each, tf.float32)) for each in logits])
    return tf.reduce_logsumexp(log_p, axis=0) - tf.math.log(float(len(logits)))
