"""The bridge: from the encoder's final state to the decoder's initial state."""

from __future__ import annotations

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.checks import check_choice, check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.cells import CELLS, CellState, check_cell
from tf_seq2seq.layers.dense import Dense
from tf_seq2seq.layers.recurrent import State, build_once, describe_shapes
from tf_seq2seq.layers.tracking import FullyTracked

KINDS = ("dense", "copy", "zeros")


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Bridge(FullyTracked, keras.layers.Layer):
    """Compute the decoder's initial state from the encoder's final state (S3 in docs/notes.md).

    The two may differ in width, number of layers and cell. Each decoder layer starts from the
    encoder layer at the same height, counted from the top; if the decoder has more layers, its
    lowest ones all start from the encoder's first. The kinds are

    - `"dense"`: `s_0 = tanh(W h_T + b)`, with a matrix for each layer and part of the state
      (Bahdanau et al. 2015, appendix A.2.2; Cho et al. 2014, appendix A.1.2),
    - `"copy"`: `s_0 = h_T`, for equal widths (the book, row 9-5),
    - `"zeros"`: `s_0 = 0`; the decoder sees the source only through its context (the book, row
      9-7).

    If only the decoder has LSTM cells, its `c` is computed from `h` (`"dense"`) or starts at zero
    (`"copy"`). If only the encoder has them, its `c` is ignored.

    Args:
        kind: `"dense"`, `"copy"` or `"zeros"`.
        cell, units, num_layers: the decoder's arguments of the same names.

    Call arguments:
        encoder_state: for each encoder layer `(h,)` or `(h, c)`, each `(batch, encoder_width)`.

    Returns:
        For each decoder layer `(h,)` or `(h, c)`, each `(batch, units)`.

    Raises:
        InputError: if an argument is out of range, if the widths differ with `"copy"`, or if the
            call argument is not a state.

    Example:

    >>> encoded = s2s.Encoder(100, 8, bidirectional=True)(np.array([[5, 6, 7, 3, 0]]))
    >>> ((h, c),) = Bridge("dense", cell="lstm", units=12)(encoded.state)
    >>> h.shape, c.shape
    (TensorShape([1, 12]), TensorShape([1, 12]))
    """

    def __init__(self, kind: str, *, cell: str, units: int, num_layers: int = 1, **kwargs):
        super().__init__(**kwargs)
        self.kind = check_choice("kind", kind, KINDS)
        self.cell = check_cell(cell)
        self.units = check_integer("units", units, minimum=1)
        self.num_layers = check_integer("num_layers", num_layers, minimum=1)
        self.projections = [
            [
                Dense(
                    self.units,
                    activation="tanh",
                    name=f"layer_{layer}_part_{part}",
                    dtype=self.dtype_policy,
                )
                for part in range(CELLS[self.cell].state_parts)
            ]
            for layer in range(self.num_layers if self.kind == "dense" else 0)
        ]

    def build(self, encoder_state_shape: tuple) -> None:
        width = encoder_state_shape[-1][0][-1]
        if self.kind == "copy" and width != self.units:
            raise InputError(
                f"A bridge of kind 'copy' needs a decoder as wide as the encoder's state, got "
                f"{self.units} decoder units and a state of {width}; use kind 'dense', or "
                f"{width} decoder units."
            )
        for projections in self.projections:
            for projection in projections:
                build_once(projection, (None, width))
        self.built = True

    def __call__(self, encoder_state: State, **kwargs) -> State:
        # Check here, before Keras builds the layer. In `call`, Keras would add to the message.
        if not (
            isinstance(encoder_state, list | tuple)
            and encoder_state
            and all(isinstance(layer, list | tuple) and layer for layer in encoder_state)
        ):
            raise InputError(
                "`encoder_state` must hold (h,) or (h, c) for each layer of the encoder, got "
                f"{describe_shapes(encoder_state)}; pass `encoded.state` of the encoder's output."
            )
        return super().__call__(encoder_state, **kwargs)

    def call(self, encoder_state: State) -> State:
        return tuple(
            tuple(
                self._part(encoder_state[self._source_layer(layer, len(encoder_state))], layer, i)
                for i in range(CELLS[self.cell].state_parts)
            )
            for layer in range(self.num_layers)
        )

    def _source_layer(self, layer: int, encoder_layers: int) -> int:
        return max(0, encoder_layers - self.num_layers + layer)

    def _part(self, encoder_state: CellState, layer: int, part: int) -> tf.Tensor:
        has_part = part < len(encoder_state)
        if self.kind == "dense":
            return self.projections[layer][part](encoder_state[part if has_part else 0])
        if self.kind == "copy" and has_part:
            return encoder_state[part]
        h = encoder_state[0]
        return ops.zeros((ops.shape(h)[0], self.units), dtype=h.dtype)

    def get_config(self) -> dict:
        return {
            **super().get_config(),
            "kind": self.kind,
            "cell": self.cell,
            "units": self.units,
            "num_layers": self.num_layers,
        }
