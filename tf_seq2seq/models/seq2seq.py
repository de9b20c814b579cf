"""The encoder-decoder as a Keras model."""

from __future__ import annotations

import keras

from tf_seq2seq.layers import Bridge, Decoder, DecoderMemory, DecoderState, Encoder
from tf_seq2seq.layers.recurrent import build_once
from tf_seq2seq.losses import SequenceCrossEntropy
from tf_seq2seq.metrics import Perplexity, TokenAccuracy


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Seq2Seq(keras.Model):
    """One RNN reads the source into a context, another unfolds it into the target.

    Args:
        encoder: an `Encoder`.
        decoder: a `Decoder`; its arguments choose among the systems of the notes.
        bridge: how the decoder's initial state comes from the encoder's final one: `"dense"`,
            `"copy"` or `"zeros"` (see `Bridge`).

    Call arguments:
        inputs: a dict of `"source"`, int `(batch, source_length)`, and `"target"`, int
            `(batch, target_length)`, the target sentences shifted to the right by `<sos>`; both
            padded on the right with 0.

    Returns:
        Logits `(batch, target_length, vocabulary_size)`.

    Example:

    >>> model = Seq2Seq(
    ...     Encoder(8000, 256, bidirectional=True),
    ...     Decoder(6000, 256, attention=BahdanauAttention(256)),
    ... )
    >>> model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=1.0))
    >>> model.fit(batches(corpus.train, source_tokenizer, target_tokenizer), epochs=5)

    Source: the notes, section Seq2Seq; the book, section 9.3.
    """

    def __init__(self, encoder: Encoder, decoder: Decoder, bridge: str = "dense", **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.bridge = Bridge(
            bridge,
            cell=decoder.cell,
            units=decoder.units,
            num_layers=decoder.num_layers,
            dtype=decoder.dtype_policy,
        )
        self.build()

    @property
    def recurrent_layers(self) -> list[keras.layers.Layer]:
        """Keras' recurrent layers of encoder and decoder."""
        return [*self.encoder.recurrent_layers, *self.decoder.recurrent_layers]

    @property
    def source_vocabulary_size(self) -> int:
        """Number of ids that the encoder reads."""
        return self.encoder.vocabulary_size

    @property
    def target_vocabulary_size(self) -> int:
        """Number of ids that the decoder writes."""
        return self.decoder.vocabulary_size

    @property
    def aligns(self) -> bool:
        """Whether there is attention, so that a step comes with weights."""
        return self.decoder.attention is not None

    def compile(self, optimizer="adam", loss=None, metrics=None, **kwargs):
        """As `keras.Model.compile`, with the loss and the metrics of sequences as defaults."""
        if loss is None:
            loss = SequenceCrossEntropy()
        if metrics is None:
            metrics = [Perplexity(), TokenAccuracy()]
        super().compile(optimizer=optimizer, loss=loss, metrics=metrics, **kwargs)

    def compile_from_config(self, config):
        # Keras leaves a model with a `compile` of its own uncompiled after loading.
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def build(self, input_shape=None):
        """Make all weights; the layers tell every shape, so the constructor does it."""
        width = self.encoder.output_size
        encoder_state = [[(None, width)] * 2] * self.encoder.num_layers
        decoder_state = [[(None, self.decoder.units)] * 2] * self.decoder.num_layers
        encoded = ((None, None, width), encoder_state, (None, None))
        build_once(self.encoder, (None, None))
        build_once(self.bridge, encoder_state)
        build_once(self.decoder, (None, None), decoder_state, encoded)
        self.built = True

    def call(self, inputs, training=None):
        encoded = self.encoder(inputs["source"], training=training)
        initial_state = self.bridge(encoded.state)
        return self.decoder(inputs["target"], initial_state, encoded, training=training).logits

    def encode(self, source) -> tuple[DecoderState, DecoderMemory]:
        """Encode source sentences, for decoding step by step.

        Args:
            source: int `(batch, source_length)`, padded on the right with 0.

        Returns:
            The state before the first step and the memory of all steps, for `step`.
        """
        encoded = self.encoder(source)
        return self.decoder.start(self.bridge(encoded.state)), self.decoder.remember(encoded)

    def context(self, source):
        """The fixed context `c = h_T` of source sentences, a vector for each.

        Args:
            source: int `(batch, source_length)`, padded on the right with 0.

        Returns:
            `(batch, units)`, of both directions' units if the encoder is bidirectional.
        """
        return self.encoder(source).context

    def step(self, previous, state: DecoderState, memory: DecoderMemory):
        """Write one symbol of each sentence: see `Decoder.step`."""
        return self.decoder.step(previous, state, memory)

    def get_config(self):
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "bridge": self.bridge.kind,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in ("encoder", "decoder")
        }
        return cls(**{**config, **parts})
