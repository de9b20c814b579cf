"""The encoder-decoder as a Keras model."""

from __future__ import annotations

import inspect
from collections.abc import Mapping

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.errors import InputError
from tf_seq2seq.layers import Bridge, Decoder, DecoderMemory, DecoderState, Encoder
from tf_seq2seq.layers.decoder import Stepper
from tf_seq2seq.layers.readout import Readout
from tf_seq2seq.layers.recurrent import build_once, check_ids, describe_shapes
from tf_seq2seq.metrics import Perplexity, TokenAccuracy
from tf_seq2seq.models.base import SequenceModel
from tf_seq2seq.text import PAD_ID


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Seq2Seq(SequenceModel):
    """Encode the source into a context with one RNN, and decode the target with another.

    Args:
        encoder: an `Encoder`.
        decoder: a `Decoder`; its arguments select one of the systems in docs/notes.md.
        bridge: how the decoder's initial state is computed from the encoder's final one: `"dense"`,
            `"copy"` or `"zeros"` (see `Bridge`).

    Call arguments:
        inputs: a dict of `"source"`, int `(batch, source_length)`, and `"target"`, int
            `(batch, target_length)`, the target sentences shifted to the right by `<sos>`; both
            padded on the right with 0.
        select: bool `(batch, target_length)`, the positions whose logits to compute; None for all.
            The training step selects those that are not padding.

    Returns:
        Logits `(batch, target_length, vocabulary_size)`, or `(n, vocabulary_size)` for the `n`
        positions that were selected, row by row.

    Raises:
        InputError: if an argument is not of the right type, or if the inputs are not such a dict.

    Example:

    >>> model = Seq2Seq(
    ...     s2s.Encoder(80, 8, bidirectional=True),
    ...     s2s.Decoder(60, 16, attention=s2s.BahdanauAttention(16)),
    ... )
    >>> inputs = {"source": np.array([[5, 6, 7, 3]]), "target": np.array([[2, 8, 9]])}
    >>> model(inputs).shape
    TensorShape([1, 3, 60])

    To train it, see `data.batches`:

        model.compile(keras.optimizers.Adam(1e-3, global_clipnorm=1.0))
        model.fit(batches, epochs=5)

    Source: S1 to S8 in docs/notes.md; the book, section 9.3.
    """

    def __init__(self, encoder: Encoder, decoder: Decoder, bridge: str = "dense", **kwargs):
        super().__init__(**kwargs)
        if not isinstance(encoder, Encoder):
            raise InputError(f"`encoder` must be an Encoder layer, got {encoder!r}.")
        if not isinstance(decoder, Decoder):
            raise InputError(f"`decoder` must be a Decoder layer, got {decoder!r}.")
        self.supports_masking = True
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
    def recurrent_layers(self) -> list[keras.layers.RNN]:  # type: ignore[override]
        """The recurrent Keras layers of the encoder and the decoder."""
        return [*self.encoder.recurrent_layers, *self.decoder.recurrent_layers]

    @property
    def source_vocabulary_size(self) -> int:
        """Number of source ids."""
        return self.encoder.vocabulary_size

    @property
    def target_vocabulary_size(self) -> int:
        """Number of target ids."""
        return self.decoder.vocabulary_size

    @property
    def aligns(self) -> bool:
        """Whether the decoder has attention, so that a step returns weights."""
        return self.decoder.attention is not None

    @property
    def selects(self) -> bool:
        """Whether the call takes `select`, which a subclass of a part may not know."""
        takes_it = [
            "select" in inspect.signature(type(part).call).parameters
            for part in (self, self.decoder)
        ]
        return all(takes_it) and type(self.decoder.readout) is Readout

    @property
    def takes_candidates(self) -> bool:
        """Whether `stepper` takes candidates, which a subclass of a part may not know."""
        functions = self.stepper, self.decoder.stepper, self.decoder.readout.logits_map
        return all("candidates" in inspect.signature(each).parameters for each in functions)

    def default_metrics(self) -> list[keras.metrics.Metric]:
        return [Perplexity(), TokenAccuracy()]

    def input_specs(self) -> dict[str, keras.InputSpec]:
        return source_and_target_specs()

    def build(self, input_shape: tuple | None = None) -> None:
        """Create all weights. All shapes are known, so the constructor calls this method."""
        width = self.encoder.output_size
        encoder_state = [[(None, width)] * 2] * self.encoder.num_layers
        decoder_state = [[(None, self.decoder.units)] * 2] * self.decoder.num_layers
        encoded = ((None, None, width), encoder_state, (None, None))
        build_once(self.encoder, (None, None))
        build_once(self.bridge, encoder_state)
        build_once(self.decoder, (None, None), decoder_state, encoded)
        self.built = True

    def __call__(self, inputs: Mapping[str, tf.Tensor], *args, **kwargs) -> tf.Tensor:
        # Check here: in `call`, Keras would add to the message.
        check_source_and_target(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def compute_mask(self, inputs: Mapping[str, tf.Tensor], previous_mask: object) -> tf.Tensor:
        """Return where the target has a word, bool `(batch, target_length)`, for Keras' losses."""
        return ops.not_equal(inputs["target"], PAD_ID)

    def call(
        self,
        inputs: Mapping[str, tf.Tensor],
        select: tf.Tensor | None = None,
        training: bool | None = None,
    ) -> tf.Tensor:
        encoded = self.encoder(inputs["source"], training=training)
        initial_state = self.bridge(encoded.state)
        options = {} if select is None else {"select": select}
        decoded = self.decoder(
            inputs["target"], initial_state, encoded, training=training, **options
        )
        return decoded.logits

    def encode(self, source: tf.Tensor) -> tuple[DecoderState, DecoderMemory]:
        """Encode source sentences, for decoding step by step.

        Args:
            source: int `(batch, source_length)`, padded on the right with 0.

        Returns:
            `(state, memory)` for `step`: the state before the first step, and the tensors that all
            steps share.
        """
        encoded = self.encoder(source)
        return self.decoder.start(self.bridge(encoded.state)), self.decoder.remember(encoded)

    def context(self, source: tf.Tensor) -> tf.Tensor:
        """Compute the fixed context `c = h_T`, a vector for each source sentence.

        Args:
            source: int `(batch, source_length)`, padded on the right with 0.

        Returns:
            `(batch, units)`, or twice as wide if the encoder is bidirectional.
        """
        return self.encoder(source).context

    def step(
        self, previous: tf.Tensor, state: DecoderState, memory: DecoderMemory
    ) -> tuple[tf.Tensor, tf.Tensor | None, DecoderState]:
        """Take one decoding step for each sentence: see `Decoder.step`."""
        return self.decoder.step(previous, state, memory)

    def stepper(self, width: int = 1, candidates: tf.Tensor | None = None) -> Stepper:
        """Return the function `step` for a loop: see `Decoder.stepper`."""
        options = {} if candidates is None else {"candidates": candidates}
        return self.decoder.stepper(width, **options)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "encoder": keras.saving.serialize_keras_object(self.encoder),
            "decoder": keras.saving.serialize_keras_object(self.decoder),
            "bridge": self.bridge.kind,
        }

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Seq2Seq:
        parts = {
            name: keras.saving.deserialize_keras_object(config[name], custom_objects)
            for name in ("encoder", "decoder")
        }
        return cls(**{**config, **parts})


def source_and_target_specs() -> dict[str, keras.InputSpec]:
    """Return the specs of a batch of any shape, as `Seq2Seq` and `Ensemble` take it."""
    return {
        name: keras.InputSpec(shape=(None, None), dtype="int32", name=name)
        for name in ("source", "target")
    }


def check_source_and_target(inputs) -> None:
    """Check that the inputs are a dict of source and target.

    Raises:
        InputError: if they are not.
    """
    if not isinstance(inputs, Mapping) or not {"source", "target"} <= set(inputs):
        got = sorted(inputs) if isinstance(inputs, Mapping) else describe_shapes(inputs)
        raise InputError(
            'The inputs must be a dict, {"source": source_ids, "target": target_ids}, with each '
            f"target shifted to the right by <sos>, got {got}."
        )
    for name in ("source", "target"):
        check_ids(name, inputs[name])
