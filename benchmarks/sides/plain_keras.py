"""The same models in plain Keras layers, as a user would write them."""

import keras
import tensorflow as tf


class PlainAttentionCell(keras.layers.Layer):
    """A step of the decoder, for `keras.layers.RNN`; `look_at` sets the source sentences."""

    def __init__(self, c):
        super().__init__()
        self.gru = keras.layers.GRUCell(c.units)
        self.key = keras.layers.Dense(c.attention_units, use_bias=False)
        self.query = keras.layers.Dense(c.attention_units)
        self.scorer = keras.layers.Dense(1, use_bias=False)
        self.readout = keras.layers.Dense(c.readout_units, activation="tanh")
        self.dropout = keras.layers.Dropout(c.decoder_dropout)
        self.state_size = [c.units, c.readout_units]
        self.output_size = c.readout_units

    def build(self, inputs_shape):
        units, readout_units = self.state_size
        memory_size = 2 * units
        for layer, width in (
            (self.gru, inputs_shape[-1] + readout_units),
            (self.key, memory_size),
            (self.query, units),
            (self.scorer, self.key.units),
            (self.readout, units + memory_size),
        ):
            if not layer.built:
                layer.build((None, width))

    def look_at(self, memory, mask):
        self.memory, self.mask, self.keys = memory, mask, self.key(memory)

    def call(self, inputs, states, training=False):
        h, attended = states
        s, (h,) = self.gru(keras.ops.concatenate([inputs, attended], axis=-1), [h])
        s = self.dropout(s, training=training)
        hidden = keras.ops.tanh(self.keys + keras.ops.expand_dims(self.query(s), 1))
        scores = keras.ops.squeeze(self.scorer(hidden), -1)
        weights = keras.ops.softmax(keras.ops.where(self.mask, scores, -1e9))
        context = keras.ops.squeeze(keras.ops.matmul(weights[:, None], self.memory), 1)
        attended = self.readout(keras.ops.concatenate([s, context], axis=-1))
        return attended, [h, attended]


class PlainTranslator(keras.Model):
    def __init__(self, c):
        super().__init__()
        gru = keras.layers.GRU(c.units, return_sequences=True, return_state=True)
        self.source_embedding = keras.layers.Embedding(c.source_vocabulary, c.embedding_size)
        self.encoder = keras.layers.Bidirectional(gru)
        self.bridge = keras.layers.Dense(c.units, activation="tanh")
        self.target_embedding = keras.layers.Embedding(c.target_vocabulary, c.embedding_size)
        self.cell = PlainAttentionCell(c)
        self.decoder = keras.layers.RNN(self.cell, return_sequences=True)
        self.projection = keras.layers.Dense(c.target_vocabulary)
        # All rates of the configuration are the same.
        self.dropout = keras.layers.Dropout(c.decoder_dropout)

    def call(self, inputs, training=False):
        mask = inputs["source"] != 0
        embedded = self.dropout(self.source_embedding(inputs["source"]), training=training)
        memory, ahead, behind = self.encoder(embedded, mask=mask)
        memory = self.dropout(memory, training=training)
        state = self.bridge(keras.ops.concatenate([ahead, behind], axis=-1))
        self.cell.look_at(memory, mask)
        embedded = self.dropout(self.target_embedding(inputs["target"]), training=training)
        zeros = keras.ops.zeros((*state.shape[:1], self.cell.output_size), state.dtype)
        attended = self.decoder(embedded, initial_state=[state, zeros], training=training)
        return self.projection(self.dropout(attended, training=training))

    def take_weights(self, model):
        encoder, decoder, attention = model.encoder, model.decoder, model.decoder.attention
        self.source_embedding.set_weights(encoder.words.embedding.get_weights())
        self.encoder.set_weights(
            encoder.forward_layers[0].get_weights() + encoder.backward_layers[0].get_weights()
        )
        self.bridge.set_weights(model.bridge.projections[0][0].get_weights())
        self.target_embedding.set_weights(decoder.words.embedding.get_weights())
        self.cell.gru.set_weights(decoder.recurrent_layers[0].get_weights())
        self.cell.key.set_weights([attention.memory_kernel])
        self.cell.query.set_weights(attention.query_layer.get_weights())
        self.cell.scorer.set_weights([attention.scorer])
        self.cell.readout.set_weights(decoder.readout.hidden.get_weights())
        self.projection.set_weights(decoder.readout.projection.get_weights())


class PlainLanguageModel(keras.Model):
    def __init__(self, c):
        super().__init__()
        self.embedding = keras.layers.Embedding(c.vocabulary, c.units)
        self.lstms = [
            keras.layers.LSTM(c.units, return_sequences=True) for _ in range(c.num_layers)
        ]
        self.bias = self.add_weight(shape=(c.vocabulary,), initializer="zeros", name="bias")
        self.dropout = keras.layers.Dropout(c.dropout)

    def call(self, ids, training=False):
        x = self.dropout(self.embedding(ids), training=training)
        for lstm in self.lstms:
            x = self.dropout(lstm(x), training=training)
        return keras.ops.matmul(x, keras.ops.transpose(self.embedding.embeddings)) + self.bias

    def take_weights(self, model):
        self.embedding.set_weights(model.embedding.get_weights())
        for lstm, layer in zip(self.lstms, model.recurrent_layers, strict=True):
            lstm.set_weights(layer.get_weights())
        self.bias.assign(model.bias)


def build(c, inputs):
    """Return a model for a configuration, built for the inputs."""
    model = PlainTranslator(c) if hasattr(c, "query") else PlainLanguageModel(c)
    model(inputs)
    return model


def copy_of(model, c, inputs):
    """Return a model of plain layers that computes the same as the package's model."""
    plain = build(c, inputs)
    plain.take_weights(model)
    return plain


def training_steps(model, inputs, labels, optimizer, is_language_model):
    """Return a function that trains for n steps with Keras' own loss, on a batch without padding.

    The loss of a translator is averaged over the words, that of a language model over the rows.
    """
    optimizer.build(model.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            logits = tf.cast(model(inputs, training=True), tf.float32)
            each = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
            loss = tf.reduce_mean(each) * (labels.shape[1] if is_language_model else 1)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    def run(steps):
        for _ in range(steps):
            loss = step()
        return float(loss)

    return run
