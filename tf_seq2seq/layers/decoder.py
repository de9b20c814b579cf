"""The decoder: an RNN that writes the target sentence, by both feeding schemes, with attention."""

from __future__ import annotations

from typing import NamedTuple

import keras
import tensorflow as tf
from keras import ops

from tf_seq2seq.checks import check_integer
from tf_seq2seq.layers.attention import Attention, masked_softmax, weighted_sum
from tf_seq2seq.layers.cells import check_cell
from tf_seq2seq.layers.encoder import EncoderOutput
from tf_seq2seq.layers.linear import Linear
from tf_seq2seq.layers.loop import unfold
from tf_seq2seq.layers.recurrent import Recurrence, State, build_once, recurrent_layer, run_layer

FEEDINGS = ("initial_state", "context", "context_and_previous")
QUERIES = ("current_state", "previous_state")


class DecoderMemory(NamedTuple):
    """What stays the same through all steps of a sentence.

    Attributes:
        context: float32 `(batch, n * units)`, what a fixed context `c = h_T` gives to the first
            layer; None with attention, or where no step is fed the context.
        values: `(batch, source_length, value_size)`, what the attention weights sum up: the
            encoder outputs, or their share of the readout; None without attention.
        keys: `(batch, source_length, key_size)`, what a query is compared with; None without
            attention.
        mask: bool `(batch, source_length)`; None without attention.
    """

    context: tf.Tensor | None
    values: tf.Tensor | None
    keys: tf.Tensor | None
    mask: tf.Tensor | None


class DecoderState(NamedTuple):
    """What a step hands to the next.

    Attributes:
        cells: for each layer `(h,)` or `(h, c)`, each float32 `(batch, units)`.
        attended: float32 `(batch, readout_units)`, the readout if it is fed into the next step,
            else an empty tuple.
    """

    cells: State
    attended: tf.Tensor | tuple[()]


class DecoderOutput(NamedTuple):
    """The result over whole target sentences.

    Attributes:
        logits: `(batch, target_length, vocabulary_size)`.
        alignment: attention weights `(batch, target_length, source_length)`; an empty tuple
            without attention.
        state: the `DecoderState` after the last step.
    """

    logits: tf.Tensor
    alignment: tf.Tensor | tuple[()]
    state: DecoderState


@keras.saving.register_keras_serializable(package="tf_seq2seq")
class Decoder(keras.layers.Layer):
    """Unfolds a context into the target sentence, `s_j = RNN(s_{j-1}, x_j)`.

    The input `x_j` of step `j` is the **feeding** scheme, with `y_{j-1}` the embedding of the
    previous output and `c_j` the context of the step:

        "initial_state":         x_j = y_{j-1}             S3 of the notes (Sutskever et al. 2014)
        "context":               x_j = c_j                 S4, as the notes' figure has it
        "context_and_previous":  x_j = [y_{j-1} ; c_j]     S4, as usual (Cho et al. 2014)

    Without **attention** every step has the same context `c_j = c = h_T`, and `s_j` gives the
    logits. With it `c_j` is the weighted sum of the encoder outputs, and the readout
    `a_j = tanh(W [s_j ; c_j])` gives the logits. What asks for the weights is the **query**:

        "current_state":   s_j asks. The readout a_j goes into the next step in c_{j+1}'s place
                           (S8 of the notes; input feeding, Luong et al. 2015, section 3.3; the
                           book's `AttentionWrapper`, section 9.3.3, with a linear readout)
        "previous_state":  s_{j-1} asks, and c_j goes into step j (Bahdanau et al. 2015, section 3)

    The same weights serve two paths with the same numbers: the call takes whole target sentences
    (teacher forcing), `step` takes one id of each sentence and the state of the step before.

    Args:
        vocabulary_size: number of target ids.
        units: width of each RNN.
        embedding_size: width of the word embeddings; `units` if None.
        cell: `"simple_rnn"`, `"gru"` or `"lstm"`.
        num_layers: how many layers are stacked.
        feeding: a feeding scheme; None means `"context_and_previous"` with attention and
            `"initial_state"` without.
        attention: an `Attention` layer, or None.
        query: which state asks, see above; of no effect without attention.
        readout_units: width of the readout `a_j`; None means `embedding_size` if tied, else
            `units`. Without attention a readout `tanh(W s_j)` is made only if this is given.
        readout_activation: activation of the readout, or None for a linear one.
        tie_embeddings: whether the embeddings of the target words are the weights of the logits
            too (Press and Wolf 2017), as in the book. They want a linear readout: `tanh` keeps
            their logits small, and a small model learns next to nothing.
        dropout: rate of dropout on the embeddings, on each layer's outputs and on the readout.
        embedding_dropout: another rate on the embeddings; None for `dropout`.
        word_dropout: share of the words fed back whose whole embedding is dropped.

    Call arguments:
        target: int `(batch, target_length)`, each sentence shifted to the right by `<sos>`.
        initial_state: for each layer `(h,)` or `(h, c)`, each `(batch, units)`; see `Bridge`.
        encoded: the `EncoderOutput` of the source sentences.

    Returns:
        A `DecoderOutput`.

    Raises:
        ValueError: if an argument is out of its range, or the arguments do not fit each other.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int,
        *,
        embedding_size: int | None = None,
        cell: str = "gru",
        num_layers: int = 1,
        feeding: str | None = None,
        attention: Attention | None = None,
        query: str = "current_state",
        readout_units: int | None = None,
        readout_activation: str | None = "tanh",
        tie_embeddings: bool = False,
        dropout: float = 0.0,
        embedding_dropout: float | None = None,
        word_dropout: float = 0.0,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if feeding is None:
            feeding = "initial_state" if attention is None else "context_and_previous"
        for name, value, known in (("feeding", feeding, FEEDINGS), ("query", query, QUERIES)):
            if value not in known:
                raise ValueError(
                    f"Received an unknown `{name}`: expected one of {known}, got {value!r}."
                )
        if attention is not None and not isinstance(attention, Attention):
            raise ValueError(
                "Received an invalid `attention`: expected a layer such as BahdanauAttention(256) "
                f"or None, got {attention!r}."
            )
        if attention is not None and attention.compute_dtype != self.compute_dtype:
            raise ValueError(
                f"The attention computes in {attention.compute_dtype} and the decoder in "
                f"{self.compute_dtype}; give both the same `dtype`."
            )
        self.vocabulary_size = check_integer("vocabulary_size", vocabulary_size, minimum=1)
        self.units = check_integer("units", units, minimum=1)
        embedding_size = units if embedding_size is None else embedding_size
        self.embedding_size = check_integer("embedding_size", embedding_size, minimum=1)
        self.cell = check_cell(cell)
        self.num_layers = check_integer("num_layers", num_layers, minimum=1)
        self.feeding = feeding
        self.attention = attention
        self.query = query
        if readout_units is None and attention is not None:
            readout_units = self.embedding_size if tie_embeddings else units
        if readout_units is not None:
            check_integer("readout_units", readout_units, minimum=1)
        self.readout_units = readout_units
        self.readout_activation = readout_activation
        self.tie_embeddings = tie_embeddings
        self.dropout = dropout
        self.embedding_dropout = dropout if embedding_dropout is None else embedding_dropout
        self.word_dropout = word_dropout

        logits_from = readout_units or units
        if tie_embeddings and logits_from != self.embedding_size:
            raise ValueError(
                "Tied embeddings need logits computed from a vector as wide as the embeddings, "
                f"got {logits_from} and embedding_size={self.embedding_size}; pass "
                f"readout_units={self.embedding_size}."
            )

        policy = self.dtype_policy
        self.embedding = None
        if feeding != "context" or tie_embeddings:
            self.embedding = keras.layers.Embedding(
                vocabulary_size, self.embedding_size, name="embedding", dtype=policy
            )
        self.recurrent_layers = [
            recurrent_layer(cell, units, f"layer_{i}", policy) for i in range(num_layers)
        ]
        self.readout = None
        if readout_units is not None:
            self.readout = keras.layers.Dense(
                readout_units, activation=readout_activation, name="readout", dtype=policy
            )
        self.projection = None
        if not tie_embeddings:
            self.projection = keras.layers.Dense(vocabulary_size, name="projection", dtype=policy)
        self.embedding_dropout_layer = keras.layers.Dropout(
            self.embedding_dropout, name="embedding_dropout", dtype=policy
        )
        self.word_dropout_layer = keras.layers.Dropout(
            word_dropout, noise_shape=(None, None, 1), name="word_dropout", dtype=policy
        )
        self.dropout_layer = keras.layers.Dropout(dropout, name="dropout", dtype=policy)

    @property
    def _feeds_previous(self) -> bool:
        return self.feeding != "context"

    @property
    def _feeds_context(self) -> bool:
        return self.feeding != "initial_state"

    @property
    def _asks_before(self) -> bool:
        """Whether the context of a step is known before the step's recurrence."""
        return self.attention is None or self.query == "previous_state"

    @property
    def _feeds_readout(self) -> bool:
        return self._feeds_context and not self._asks_before

    def build(self, target_shape, initial_state_shape, encoded_shape):
        memory_size = encoded_shape[0][-1]
        fed_context_size = memory_size if self._asks_before else self.readout_units
        width = self._feeds_previous * self.embedding_size + self._feeds_context * fed_context_size
        for layer in self.recurrent_layers:
            build_once(layer, (None, None, width))
            width = self.units
        if self.embedding is not None:
            build_once(self.embedding, (None, None))
        if self.attention is not None:
            memory_shape = (None, None, memory_size)
            build_once(self.attention, (None, self.units), memory_shape)
            width += memory_size
        if self.readout is not None:
            build_once(self.readout, (None, width))
            width = self.readout_units
        if self.tie_embeddings:
            self.bias = self.add_weight(
                shape=(self.vocabulary_size,), initializer="zeros", name="projection_bias"
            )
        else:
            build_once(self.projection, (None, width))
        self.built = True

    def call(self, target, initial_state, encoded, training=None) -> DecoderOutput:
        encoded, state = EncoderOutput(*encoded), self.start(initial_state)
        embedded = self._embed(target, training)
        if self.attention is None:
            context = encoded.context if self._feeds_context else None
            features, state = self._run_layers(embedded, state, context, training)
            alignment = ()
        else:
            memory = self.remember(encoded)
            features, alignment, state = self._unfold(embedded, state, memory, training)
        return DecoderOutput(self._logits(features, training), alignment, state)

    def remember(self, encoded: EncoderOutput) -> DecoderMemory:
        """Prepare what all steps of the sentences share; attention keys are projected here, once.

        Args:
            encoded: the source sentences, as the encoder returns them.

        Returns:
            A `DecoderMemory`, for `step`.
        """
        if self.attention is None:
            _, from_context = self._first_layer()
            context = from_context(encoded.context) if self._feeds_context else None
            return DecoderMemory(context, None, None, None)
        keys = self.attention.project_memory(encoded.outputs)
        values = encoded.outputs
        if not self._asks_before:
            # W [s_j ; c_j] = W_s s_j + sum_i alpha_ij (W_c h_i), and W_c h_i waits for no step.
            _, readout_of_memory = Linear.of(self.readout).split(self.units)
            values = ops.cast(readout_of_memory(values), self.compute_dtype)
        return DecoderMemory(None, values, keys, encoded.mask)

    def start(self, initial_state: State) -> DecoderState:
        """The state before the first step, for `step`.

        Args:
            initial_state: for each layer `(h,)` or `(h, c)`, each `(batch, units)`.
        """
        cells = tuple(tuple(tf.cast(part, tf.float32) for part in parts) for parts in initial_state)
        if not self._feeds_readout:
            return DecoderState(cells, ())
        return DecoderState(cells, tf.zeros([tf.shape(cells[-1][0])[0], self.readout_units]))

    def step(self, previous, state: DecoderState, memory: DecoderMemory):
        """Write one symbol of each sentence.

        Args:
            previous: int `(batch,)`, the ids written by the step before, `<sos>` at first.
            state: from `start` or the step before.
            memory: from `remember`.

        Returns:
            `(logits, weights, state)`: `(batch, vocabulary_size)`, the attention weights
            `(batch, source_length)` (None without attention), and the state for the next step.
        """
        advance = _Step(self, memory)
        from_word = advance.from_word(self._embed(previous, training=False))
        features, alignment, state = advance(from_word, state)
        return self._logits(self._join(features), training=False), alignment, state

    def _embed(self, ids, training):
        """`y_{j-1}`, `(..., embedding_size)`, or of width 0 where no word is fed back."""
        if not self._feeds_previous:
            return ops.zeros((*ops.shape(ids), 0), dtype=self.compute_dtype)
        embedded = self.word_dropout_layer(self.embedding(ids), training=training)
        return self.embedding_dropout_layer(embedded, training=training)

    def _first_layer(self):
        """`W x_j + b` of the first layer as two `Linear` maps: of `y_{j-1}` and of the context."""
        width = self.embedding_size if self._feeds_previous else 0
        return Recurrence(self.recurrent_layers[0]).from_input.split(width)

    def _run_layers(self, embedded, state, context, training):
        """All steps of a layer at once; only without attention, where no step waits for another."""
        x, cells = embedded, []
        for layer, cell_state in zip(self.recurrent_layers, state.cells, strict=True):
            x, cell_state = run_layer(layer, x, cell_state, context=context)
            x = self.dropout_layer(x, training=training)
            cells.append(cell_state)
            context = None
        return x, DecoderState(tuple(cells), ())

    def _unfold(self, embedded, state, memory, training):
        """Step after step, with attention; what waits for no step is done here, before the loop."""
        advance = _Step(self, memory)
        from_words = advance.from_word(tf.transpose(embedded, [1, 0, 2]))
        length, batch_size = tf.shape(from_words)[0], tf.shape(from_words)[1]
        inputs = [from_words]
        if training and self.dropout:
            ones = tf.ones([length, batch_size, self.units])
            inputs += [self.dropout_layer(ones, training=True) for _ in self.recurrent_layers]
        inputs = [tf.cast(each, tf.float32) for each in inputs]
        # The way back through an array costs a step's share; through a slice, all of the tensor.
        inputs = [tf.TensorArray(tf.float32, length).unstack(each) for each in inputs]

        def step(j, state):
            from_word, *dropped = (each.read(j) for each in inputs)
            features, alignment, state = advance(from_word, state, dropped)
            return (*features, alignment), state

        num_outputs = 3 if self._asks_before else 2
        outputs, state = unfold(step, length, state, num_outputs)
        *features, alignment = (tf.transpose(output, [1, 0, 2]) for output in outputs)
        return self._join(features), alignment, state

    def _join(self, features):
        """The features of a step in one, of the layer's dtype."""
        return tf.concat([tf.cast(part, self.compute_dtype) for part in features], axis=-1)

    def _logits(self, features, training):
        """From a step's features, `(..., features)`, to its logits."""
        if self.readout is not None and self._asks_before:
            features = self.readout(features)
        if self.readout is not None:
            features = self.dropout_layer(features, training=training)
        if self.tie_embeddings:
            return ops.matmul(features, ops.transpose(self.embedding.embeddings)) + self.bias
        return self.projection(features)

    def get_config(self):
        return {
            **super().get_config(),
            "vocabulary_size": self.vocabulary_size,
            "units": self.units,
            "embedding_size": self.embedding_size,
            "cell": self.cell,
            "num_layers": self.num_layers,
            "feeding": self.feeding,
            "attention": keras.saving.serialize_keras_object(self.attention),
            "query": self.query,
            "readout_units": self.readout_units,
            "readout_activation": self.readout_activation,
            "tie_embeddings": self.tie_embeddings,
            "dropout": self.dropout,
            "embedding_dropout": self.embedding_dropout,
            "word_dropout": self.word_dropout,
        }

    @classmethod
    def from_config(cls, config):
        attention = keras.saving.deserialize_keras_object(config["attention"])
        return cls(**{**config, "attention": attention})


class _Step:
    """One step of a decoder; made before a loop, where it reads and casts the weights.

    Attributes:
        from_word: the `Linear` map from `y_{j-1}` to its share of the first layer's `W x_j + b`.
    """

    def __init__(self, decoder: Decoder, memory: DecoderMemory):
        self._decoder = decoder
        self._memory = memory
        self._cells = [Recurrence(layer) for layer in decoder.recurrent_layers]
        self.from_word, self._from_context = decoder._first_layer()
        if decoder.attention is not None:
            self._project_query = decoder.attention.query_projection()
            self._readout_of_state, _ = Linear.of(decoder.readout).split(decoder.units)

    def __call__(self, from_word, state: DecoderState, dropout=()):
        """From what the word before gives to what the logits are computed from.

        Args:
            from_word: float32 `(batch, n * units)`, see above.
            state: the state after the step before.
            dropout: a factor for each layer's output, float32 `(batch, units)`; empty for none.

        Returns:
            `(features, alignment, state)`. The features are `(s_j,)` without attention, `(a_j,)`,
            or `(s_j, c_j)` where the readout waits for no step and is left for after the loop.
        """
        decoder = self._decoder
        x, alignment = from_word, None  # x becomes W x_j + b of the first layer
        if decoder.attention is None:
            if decoder._feeds_context:
                x += self._memory.context
        elif decoder._asks_before:
            context, alignment = self._attend(state.cells[-1][0])
            if decoder._feeds_context:
                x += self._from_context(context)
        elif decoder._feeds_context:
            x += self._from_context(state.attended)

        cells = []
        for i, (cell, cell_state) in enumerate(zip(self._cells, state.cells, strict=True)):
            cell_state = cell(x if i == 0 else cell.from_input(x), cell_state)
            x = cell_state[0] * dropout[i] if dropout else cell_state[0]
            cells.append(cell_state)
        state = state._replace(cells=tuple(cells))

        if decoder.attention is None:
            return (x,), None, state
        if decoder._asks_before:
            return (x, context), alignment, state
        readout_of_context, alignment = self._attend(x)
        attended = decoder.readout.activation(self._readout_of_state(x) + readout_of_context)
        if decoder._feeds_readout:
            state = state._replace(attended=attended)
        return (attended,), alignment, state

    def _attend(self, query):
        memory = self._memory
        scores = self._decoder.attention.score(self._project_query(query), memory.keys)
        alignment = masked_softmax(scores, memory.mask)
        return tf.cast(weighted_sum(alignment, memory.values), tf.float32), alignment
