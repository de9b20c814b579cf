"""Time a training step of the package against the same models in plain Keras layers.

    python benchmarks/train_step.py                       both models, 5 minutes on two cores
    python benchmarks/train_step.py --model translator    one of them

Both sides have the same weights, batch and optimizer; their logits and losses are compared first. A
step is forward pass, backward pass, clipping and update. The sides take turns, so that other load
on the machine affects all of them, and each ratio compares the times of one turn. On a busy machine
the ratio of processor times is more stable.
"""

import dataclasses
import functools
import os
import platform
import time

import keras
import numpy as np
import tensorflow as tf

import tf_seq2seq as s2s
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.models.language_model import LanguageModelOutput


@dataclasses.dataclass(frozen=True)
class Settings:
    """Time a training step: the package against plain Keras layers, in float32 and bfloat16."""

    model: str = setting(
        "all", "the model to time", choices=("all", "translator", "language_model")
    )
    rounds: int = setting(15, "number of turns", least=1)
    steps: int = setting(2, "steps of each side per turn", least=1)


TRANSLATOR = {
    "source_vocabulary": 7882,  # Multi30k, German to English
    "target_vocabulary": 5898,
    "embedding_size": 256,
    "units": 512,
    "attention_units": 512,
    "dropout": 0.5,
    "batch_size": 128,
    "source_length": 16,
    "target_length": 16,
}
"""A bidirectional GRU, and a GRU with additive attention in the form of the book's
AttentionWrapper: the readout tanh(W [s ; c]) gives the logits and goes into the next step."""

LANGUAGE_MODEL = {
    "vocabulary": 10000,  # the Penn Treebank
    "units": 300,
    "num_layers": 2,
    "dropout": 0.1,
    "batch_size": 20,
    "length": 35,
}
"""The book's model of section 9.2.3: two LSTMs, the embedding tied to the softmax."""


# With plain Keras layers


class PlainAttentionCell(keras.layers.Layer):
    """A step of the decoder, for `keras.layers.RNN`; `look_at` sets the source sentences."""

    def __init__(self, c):
        super().__init__()
        self.gru = keras.layers.GRUCell(c["units"])
        self.key = keras.layers.Dense(c["attention_units"], use_bias=False)
        self.query = keras.layers.Dense(c["attention_units"])
        self.scorer = keras.layers.Dense(1, use_bias=False)
        self.readout = keras.layers.Dense(c["units"], activation="tanh")
        self.dropout = keras.layers.Dropout(c["dropout"])
        self.state_size = [c["units"], c["units"]]
        self.output_size = c["units"]

    def build(self, inputs_shape):
        units, memory_size = self.state_size[0], 2 * self.state_size[0]
        for layer, width in (
            (self.gru, inputs_shape[-1] + units),
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
        gru = keras.layers.GRU(c["units"], return_sequences=True, return_state=True)
        self.source_embedding = keras.layers.Embedding(c["source_vocabulary"], c["embedding_size"])
        self.encoder = keras.layers.Bidirectional(gru)
        self.bridge = keras.layers.Dense(c["units"], activation="tanh")
        self.target_embedding = keras.layers.Embedding(c["target_vocabulary"], c["embedding_size"])
        self.cell = PlainAttentionCell(c)
        self.decoder = keras.layers.RNN(self.cell, return_sequences=True)
        self.projection = keras.layers.Dense(c["target_vocabulary"])
        self.dropout = keras.layers.Dropout(c["dropout"])

    def call(self, inputs, training=False):
        mask = inputs["source"] != 0
        embedded = self.dropout(self.source_embedding(inputs["source"]), training=training)
        memory, ahead, behind = self.encoder(embedded, mask=mask)
        memory = self.dropout(memory, training=training)
        state = self.bridge(keras.ops.concatenate([ahead, behind], axis=-1))
        self.cell.look_at(memory, mask)
        embedded = self.dropout(self.target_embedding(inputs["target"]), training=training)
        initial_state = [state, keras.ops.zeros_like(state)]
        attended = self.decoder(embedded, initial_state=initial_state, training=training)
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
        self.embedding = keras.layers.Embedding(c["vocabulary"], c["units"])
        self.lstms = [
            keras.layers.LSTM(c["units"], return_sequences=True) for _ in range(c["num_layers"])
        ]
        self.bias = self.add_weight(shape=(c["vocabulary"],), initializer="zeros", name="bias")
        self.dropout = keras.layers.Dropout(c["dropout"])

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


# With the package's layers


def translator(c):
    return s2s.Seq2Seq(
        s2s.Encoder(
            c["source_vocabulary"],
            c["units"],
            embedding_size=c["embedding_size"],
            bidirectional=True,
            dropout=c["dropout"],
        ),
        s2s.Decoder(
            c["target_vocabulary"],
            c["units"],
            embedding_size=c["embedding_size"],
            attention=s2s.BahdanauAttention(c["attention_units"]),
            dropout=c["dropout"],
        ),
    )


def language_model(c):
    return s2s.LanguageModel(
        c["vocabulary"], c["units"], num_layers=c["num_layers"], dropout=c["dropout"]
    )


def plain_loss(labels, logits, average):
    """Compute the cross-entropy by Keras' function; the batches have no padding."""
    each = keras.losses.sparse_categorical_crossentropy(
        labels, tf.cast(logits, tf.float32), from_logits=True
    )
    return tf.reduce_mean(each) if average == "tokens" else tf.reduce_sum(each) / labels.shape[0]


# The comparison


def translator_batch(c):
    rng = np.random.default_rng(1)
    source = rng.integers(4, c["source_vocabulary"], (c["batch_size"], c["source_length"]))
    target = rng.integers(4, c["target_vocabulary"], (2, c["batch_size"], c["target_length"]))
    return {"source": tf.constant(source), "target": tf.constant(target[0])}, target[1]


def language_model_batch(c):
    ids = np.random.default_rng(1).integers(4, c["vocabulary"], (2, c["batch_size"], c["length"]))
    return tf.constant(ids[0]), ids[1]


def training_step(model, batch, loss_of, optimizer):
    """Return a graph without arguments that trains the model on the batch and returns the loss."""
    inputs, labels = batch
    optimizer.build(model.trainable_variables)

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = loss_of(labels, logits_of(model(inputs, training=True)))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return loss

    return step.get_concrete_function()


def logits_of(output):
    return output.logits if isinstance(output, LanguageModelOutput) else output


def race(name, configuration, make, make_plain, batch, average, make_optimizer, settings):
    words = batch[1].size
    losses = {
        "plain Keras": functools.partial(plain_loss, average=average),
        "tf_seq2seq": s2s.SequenceCrossEntropy(average),
    }
    print(f"\n{name}: " + ", ".join(f"{key} {value}" for key, value in configuration.items()))
    sides = {}
    for precision, tolerance in (("float32", 1e-5), ("mixed_bfloat16", 0.05)):
        keras.config.set_dtype_policy(precision)
        ours, plain = make(configuration), make_plain(configuration)
        plain(batch[0])
        plain.take_weights(ours)
        models = {"plain Keras": plain, "tf_seq2seq": ours}
        first, second = (
            tf.cast(logits_of(each(batch[0])), tf.float32).numpy() for each in models.values()
        )
        difference = np.abs(first - second).max() / np.abs(first).max()
        if difference > tolerance:
            raise AssertionError(f"The logits of the sides differ by {difference} in {precision}")
        np.testing.assert_allclose(*(loss(batch[1], first) for loss in losses.values()), rtol=1e-5)
        print(f"maximum difference of the logits, {precision}: {difference:.1e} of the maximum")
        for side, model in models.items():
            step = training_step(model, batch, losses[side], make_optimizer())
            sides[f"{side}, {precision}"] = step
            for _ in range(2):  # to warm up
                step()

    seconds = {side: [] for side in sides}
    processor_seconds = {side: [] for side in sides}
    for _ in range(settings.rounds):
        for side, step in sides.items():
            wall, processor = time.perf_counter(), time.process_time()
            for _ in range(settings.steps):
                step().numpy()
            seconds[side].append((time.perf_counter() - wall) / settings.steps)
            processor_seconds[side].append((time.process_time() - processor) / settings.steps)

    columns = "{:32}{:>24}{:>26}{:>28}".format
    print(
        columns("median (min - max) of", "target words/s", "x the first line", "in processor time")
    )
    reference = next(iter(sides))
    for side in sides:
        speed = words / np.array(seconds[side])
        ratio = np.array(seconds[reference]) / seconds[side]
        processor_ratio = np.array(processor_seconds[reference]) / processor_seconds[side]
        print(columns(side, spread(speed, 0), spread(ratio, 2), spread(processor_ratio, 2)))


def spread(values, digits):
    low, median, high = np.min(values), np.median(values), np.max(values)
    return f"{median:.{digits}f} ({low:.{digits}f} - {high:.{digits}f})"


settings = from_command_line(Settings)
print(
    f"TensorFlow {tf.__version__}, Keras {keras.__version__}, {platform.machine()}, "
    f"{os.cpu_count()} cores, {len(tf.config.list_physical_devices('GPU'))} GPUs, "
    f"load before the start {os.getloadavg()[0]:.1f}; {settings.rounds} rounds of {settings.steps} "
    "steps per side, after 2 to warm up"
)
if settings.model in ("all", "translator"):
    race(
        "Translator",
        TRANSLATOR,
        translator,
        PlainTranslator,
        translator_batch(TRANSLATOR),
        "tokens",
        lambda: keras.optimizers.Adam(1e-3, global_clipnorm=1.0),
        settings,
    )
if settings.model in ("all", "language_model"):
    race(
        "Language model",
        LANGUAGE_MODEL,
        language_model,
        PlainLanguageModel,
        language_model_batch(LANGUAGE_MODEL),
        "sentences",
        lambda: keras.optimizers.SGD(1.0, global_clipnorm=5.0),
        settings,
    )
