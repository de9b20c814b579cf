"""The encoder and the decoder as plain loops over their equations.

Read this first, and use it to check the fast paths: `encode` and `decode` compute the same numbers
and gradients as an `Encoder` and a `Decoder`, but one symbol at a time, with Keras' cells and
nothing moved out of the loop.

    encoded = reference.encode(encoder, source)
    output = reference.decode(decoder, target, bridge(encoded.state), encoded)
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from tf_seq2seq.errors import InputError
from tf_seq2seq.layers.decoder import Decoder, DecoderOutput
from tf_seq2seq.layers.encoder import Encoder, EncoderOutput
from tf_seq2seq.layers.recurrent import State, check_ids
from tf_seq2seq.layers.steps import DecoderState
from tf_seq2seq.text import PAD_ID


def encode(encoder: Encoder, source: tf.Tensor) -> EncoderOutput:
    """Read the source sentences one word at a time.

        h_i = RNN(h_{i-1}, x_i)                        where word i is not padding
        h_i = [forward h_i ; backward h_i]             if bidirectional

    Args:
        encoder: a built encoder.
        source: int `(batch, source_length)`, padded on the right with 0.

    Returns:
        The same as `encoder(source)`.

    Raises:
        InputError: if the length is 0 or unknown.
    """
    _check_length("source", source)
    mask = tf.not_equal(source, PAD_ID)
    xs = tf.unstack(encoder.words(source), axis=1)
    states = []
    for i in range(encoder.num_layers):
        directions = []
        if encoder.forward_layers:
            directions.append(_read(encoder.forward_layers[i], xs, mask, range(len(xs))))
        if encoder.backward_layers:
            directions.append(_read(encoder.backward_layers[i], xs, mask, reversed(range(len(xs)))))
        outputs, final = zip(*directions, strict=True)
        xs = [tf.concat(parts, axis=-1) for parts in zip(*outputs, strict=True)]
        states.append(tuple(tf.concat(parts, axis=-1) for parts in zip(*final, strict=True)))
    return EncoderOutput(tf.stack(xs, axis=1), tuple(states), mask)


def _check_length(name, ids):
    check_ids(name, ids)
    if ids.shape[1] is None:
        raise InputError(
            f"`{name}` has an unknown length, but the plain loops need one step after another: "
            "trace the graph with a known length, or call the layer."
        )


def _read(layer, xs, mask, positions):
    """Run one direction of one layer; return the output at each position and the final state."""
    state = layer.get_initial_state(tf.shape(mask)[0])
    outputs = [None] * len(xs)
    for i in positions:
        is_word = mask[:, i, None]
        output, new_state = layer.cell(xs[i], state)
        outputs[i] = tf.where(is_word, output, 0.0)
        state = [tf.where(is_word, new, old) for new, old in zip(new_state, state, strict=True)]
    return outputs, state


def decode(
    decoder: Decoder,
    target: tf.Tensor,
    initial_state: State,
    encoded: EncoderOutput,
    drop: Callable[[str, int, tf.Tensor], tf.Tensor] = lambda place, j, x: x,
) -> DecoderOutput:
    """Decode the target sentences one word at a time.

        x_j = y_{j-1}, c_j or [y_{j-1} ; c_j]         the feeding scheme
        s_j = RNN(s_{j-1}, x_j)

    with the context `c_j`

        h_T                                           without attention
        sum_i alpha_ij h_i, with the query s_{j-1}    "previous_state"
        sum_i alpha_ij h_i, with the query s_j        "current_state", where x_j has a_{j-1} for c_j

    and the logits

        a_j = f(W [s_j ; c_j] + b)                    or s_j without a readout
        logits_j = W_o a_j + b_o

    Args:
        decoder: a built decoder.
        target: int `(batch, target_length)`, each sentence shifted to the right by `<sos>`.
        initial_state: for each layer `(h,)` or `(h, c)`, each `(batch, units)`.
        encoded: the source sentences.
        drop: `(place, j, x) -> x`, applied in step `j` wherever a decoder in training applies
            dropout, in this order: to the outputs of its layers ("layer_0", ...) but not to their
            states, and to the readout ("readout").

    Returns:
        The same as `decoder(target, initial_state, encoded)`.

    Raises:
        InputError: if the length of `target` is 0 or unknown.
    """
    _check_length("target", target)
    attention = decoder.attention
    asks_before = attention is not None and decoder.query == "previous_state"
    asks_after = attention is not None and decoder.query == "current_state"
    states = [list(parts) for parts in initial_state]
    embeddings = decoder.words.embedding.embeddings if decoder.tie_embeddings else None
    a = tf.zeros([tf.shape(target)[0], decoder.readout_units]) if asks_after else None
    logits, alignment = [], []

    for j in range(target.shape[1]):
        # The context that is fed: fixed, computed with the query s_{j-1}, or the previous readout.
        if asks_before:
            context, weights = attention(states[-1][0], encoded.outputs, encoded.mask)
        else:
            context = a if asks_after else encoded.context

        # The recurrence, layer by layer.
        word = [decoder.words(target[:, j])] if decoder.feeds.word else []
        x = tf.concat(word + ([context] if decoder.feeds.context else []), axis=-1)
        for i, layer in enumerate(decoder.recurrent_layers):
            x, states[i] = layer.cell(x, states[i])
            x = drop(f"layer_{i}", j, x)
        s = x

        # The readout.
        if asks_after:
            context, weights = attention(s, encoded.outputs, encoded.mask)
        features = s if attention is None else tf.concat([s, context], axis=-1)
        a = decoder.readout.attended(features)
        dropped = drop("readout", j, a) if decoder.readout_units else a
        logits.append(decoder.readout.logits(dropped, embeddings))
        if attention is not None:
            alignment.append(weights)

    cells = tuple(tuple(parts) for parts in states)
    return DecoderOutput(
        tf.stack(logits, axis=1),
        tf.stack(alignment, axis=1) if alignment else (),
        DecoderState(cells, a if asks_after and decoder.feeds.context else ()),
    )
