"""The package's side: a worker process with TensorFlow."""

import os
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import plain_keras
import tensorflow as tf
from configurations import (
    EOS_BIAS,
    EOS_ID,
    PAD_ID,
    SOS_ID,
    LanguageModelConfiguration,
    configuration,
    greedy_batch,
    training_batch,
)
from worker import PRODUCTS, Stopwatch, best_seconds, peak_memory, serve
from workload import read_pairs, words

import tf_seq2seq as s2s
from tf_seq2seq.training.steps import train_step

assert (s2s.text.PAD_ID, s2s.text.SOS_ID, s2s.text.EOS_ID) == (PAD_ID, SOS_ID, EOS_ID)
POLICIES = {"float32": "float32", "bfloat16": "mixed_bfloat16"}


def training_steps(model, dataset):
    """Return a function that trains for n steps and returns the last loss.

    This is all that depends on the internals of the training loop.
    """
    model.optimizer.build(model.trainable_variables)
    iterator, step = iter(dataset), train_step(model)
    carries_state = hasattr(model, "initial_state")
    state = model.initial_state(dataset.element_spec[1].shape[0]) if carries_state else ()

    def run(steps):
        nonlocal state
        for _ in range(steps):
            loss, _, state = step(iterator, state)
        return float(loss)

    return run


def greedy_search(model, steps):
    """Return a function from source ids to the ids of translations, as one graph."""

    @tf.function(autograph=False, jit_compile=bool(tf.config.list_physical_devices("GPU")))
    def translate(source):
        state, memory = model.encode(source)
        rows = tf.shape(source)[0]
        return s2s.search.greedy(model.stepper(), state, rows, steps, memory=memory).ids

    return translate


def build(c):
    if isinstance(c, LanguageModelConfiguration):
        return s2s.LanguageModel(c.vocabulary, c.units, num_layers=c.num_layers, dropout=c.dropout)
    shared = {
        "embedding_size": c.embedding_size,
        "cell": c.cell,
        "num_layers": c.num_layers,
        "embedding_dropout": c.embedding_dropout,
        "word_dropout": c.word_dropout,
    }
    return s2s.Seq2Seq(
        s2s.Encoder(
            c.source_vocabulary,
            c.units,
            bidirectional=c.bidirectional,
            dropout=c.encoder_dropout,
            **shared,
        ),
        s2s.Decoder(
            c.target_vocabulary,
            c.units,
            attention=s2s.BahdanauAttention(c.attention_units),
            query=c.query,
            readout_units=c.readout_units,
            readout_activation=c.readout_activation,
            tie_embeddings=c.tied,
            dropout=c.decoder_dropout,
            **shared,
        ),
    )


def variables(model):
    """Return the model's variables by the names that the PyTorch side reads."""
    if isinstance(model, s2s.LanguageModel):
        named = {"embedding": model.embedding.embeddings, "softmax_bias": model.bias}
        for i, layer in enumerate(model.recurrent_layers):
            for part in ("kernel", "recurrent_kernel", "bias"):
                named[f"{part}_{i}"] = getattr(layer.cell, part)
        return named
    encoder, decoder = model.encoder, model.decoder
    named = {
        "source_words": encoder.words.embedding.embeddings,
        "target_words": decoder.words.embedding.embeddings,
        "memory_kernel": decoder.attention.memory_kernel,
        "query_kernel": decoder.attention.query_layer.kernel,
        "query_bias": decoder.attention.query_layer.bias,
        "scorer": decoder.attention.scorer,
        "readout_kernel": decoder.readout.hidden.kernel,
        "readout_bias": decoder.readout.hidden.bias,
    }
    if decoder.tie_embeddings:
        named["projection_bias"] = decoder.readout.bias
    else:
        named["projection_kernel"] = decoder.readout.projection.kernel
        named["projection_bias"] = decoder.readout.projection.bias
    stacks = {
        "forward": encoder.forward_layers,
        "backward": encoder.backward_layers,
        "decoder": decoder.recurrent_layers,
    }
    for stack, layers in stacks.items():
        for i, layer in enumerate(layers):
            for part in ("kernel", "recurrent_kernel", "bias"):
                named[f"{stack}_{i}_{part}"] = getattr(layer.cell, part)
    bridges = [part for layer in model.bridge.projections for part in layer]
    for i, projection in enumerate(bridges):
        named[f"bridge_{i}_kernel"] = projection.kernel
        named[f"bridge_{i}_bias"] = projection.bias
    missing = {id(v) for v in model.trainable_variables} ^ {id(v) for v in named.values()}
    assert not missing, f"{len(missing)} variables have no name"
    return named


def tokenizer_of(size):
    """Return a tokenizer for the words of `workload.sentences`."""
    tokenizer = s2s.text.WordTokenizer(split_punctuation=False)
    tokenizer.set_vocabulary(s2s.text.Vocabulary(words(size)))
    return tokenizer


def count_words(named, c):
    """Make an untrained translator end its translations at about the length of their sources.

    The first unit of the encoder's GRU counts words, since it goes towards 1 by 1% of the distance
    at each. The decoder's begins as far below 0, and as it passes 0, `<eos>` becomes likely.

    Args:
        named: of `variables`.
        c: the configuration, with GRUs of one layer.
    """
    arrays = {name: variable.numpy() for name, variable in named.items()}
    for stack in ("forward_0", "decoder_0"):
        for gate in range(3):
            for part in ("kernel", "recurrent_kernel", "bias"):
                arrays[f"{stack}_{part}"][:, gate * c.units] = 0.0
        arrays[f"{stack}_bias"][0, 0] = np.log(99)
        arrays[f"{stack}_bias"][0, 2 * c.units] = 10.0
    arrays["bridge_0_kernel"][:, 0] = 0.0
    arrays["bridge_0_kernel"][0, 0] = -1.15
    arrays["readout_kernel"][:, 0] = 0.0
    arrays["readout_kernel"][0, 0] = 1.0
    out = arrays["target_words"].T if c.tied else arrays["projection_kernel"]
    out[0], out[:, EOS_ID] = 0.0, 0.0
    out[0, EOS_ID] = 160.0
    for name, array in arrays.items():
        named[name].assign(array)


class Turns(keras.callbacks.Callback):
    """Lets `fit` wait after each epoch until the parent asks for the next."""

    def __init__(self, channel):
        super().__init__()
        self._channel = channel

    def on_epoch_begin(self, epoch, logs=None):
        self._watch = Stopwatch()

    def on_epoch_end(self, epoch, logs=None):
        answer = {**self._watch.read(), "loss": float(logs["loss"]), "peak_memory": peak_memory()}
        self._channel.answer(answer)
        request = self._channel.request()
        if request is None or request["do"] == "end_fit":
            self.model.stop_training = True


class PackageSide:
    def __init__(self, channel):
        self.channel, self.searches = channel, {}

    def hello(self):
        gpus = tf.config.list_physical_devices("GPU")
        name = None
        if gpus:
            name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "a GPU")
        return {
            "gpu": name,
            "versions": f"tf_seq2seq {s2s.__version__}, TensorFlow {tf.__version__}, "
            f"Keras {keras.__version__}",
        }

    def prepare(self, model, precision, weights, padded=False, plain=False, ends=False, **changes):
        """Build the model, write its weights, and compute the loss and the norm of its gradient.

        Args:
            model, **changes: for `configuration`.
            precision: a key of `POLICIES`.
            weights: the file to write the weights to.
            padded: for `training_batch`.
            ends: whether translations end at about the length of their sources, instead of never.
            plain: whether to use plain Keras layers with the same weights.
        """
        self._start(model, precision, padded, changes)
        self.plain, c, (inputs, labels) = plain, self.c, self.batch
        self.model = build(c)
        self._prepare_weights(weights, ends)
        if plain:
            self.model = plain_keras.copy_of(self.model, c, inputs)
        self._compile()

        @tf.function(autograph=False)
        def loss_and_norm():
            with tf.GradientTape() as tape:
                logits = self.model(inputs, training=False)
                logits = getattr(logits, "logits", logits)
                loss = self.model.compute_loss(x=inputs, y=labels, y_pred=logits, training=False)
            gradients = tape.gradient(loss, self.model.trainable_variables)
            return loss, tf.linalg.global_norm([tf.convert_to_tensor(g) for g in gradients])

        loss, norm = loss_and_norm()
        parameters = self.model.count_params()
        return {"loss": float(loss), "gradient_norm": float(norm), "parameters": parameters}

    def measure_memory(self, model, precision, plain, **changes):
        """Train for some steps, and return how much memory that took at most."""
        before = peak_memory()
        self._start(model, precision, False, changes)
        self.plain, c = plain, self.c
        self.model = plain_keras.build(c, self.batch[0]) if plain else build(c)
        self._compile()
        self.prepare_train()
        self.run(5)
        return {"mebibytes": peak_memory() - before}

    def time_products(self, shapes, precision):
        """Return the GFLOP/s of products `(m, k, n)`."""

        def timed(m, k, n):
            *lefts, right = (
                tf.cast(tf.random.normal(shape), precision)
                for shape in (*[(m, k)] * PRODUCTS, (k, n))
            )

            # One after another, as in a loop. A single one takes less time than its call.
            @tf.function(autograph=False)
            def multiply():
                found = []
                for left in lefts:
                    with tf.control_dependencies(found[-1:]):
                        found.append(tf.matmul(left, right))
                return found

            return 2e-9 * m * k * n * PRODUCTS / best_seconds(multiply)

        return {"gflops": [timed(*shape) for shape in shapes]}

    def _start(self, model, precision, padded, changes):
        keras.backend.clear_session()
        keras.utils.set_random_seed(1)
        keras.config.set_dtype_policy(POLICIES[precision])
        self.c, self.precision = configuration(model, **changes), precision
        *inputs, labels = (tf.constant(ids, tf.int32) for ids in training_batch(self.c, padded))
        inputs = dict(zip(("source", "target"), inputs, strict=True)) if inputs[1:] else inputs[0]
        self.batch = inputs, labels

    def _compile(self):
        c = self.c
        if isinstance(c, LanguageModelConfiguration):
            self.optimizer = keras.optimizers.SGD(c.learning_rate, global_clipnorm=c.clip)
            self.loss = s2s.SequenceCrossEntropy("sentences")
        else:
            self.optimizer = s2s.training.FusedAdam(
                c.learning_rate, beta_2=c.beta_2, global_clipnorm=c.clip
            )
            self.loss = s2s.SequenceCrossEntropy(label_smoothing=c.label_smoothing)
        self.model.compile(self.optimizer, self.loss, metrics=[])

    def _prepare_weights(self, file, ends):
        named = variables(self.model)
        if "source_words" in named:
            # Keras' initial embeddings are so small that the logits of all words are about equal.
            for side in ("source_words", "target_words"):
                named[side].assign(named[side] * 10.0)
            if ends:
                count_words(named, self.c)
            else:
                bias = named["projection_bias"].numpy()
                bias[EOS_ID] = EOS_BIAS
                named["projection_bias"].assign(bias)
        np.savez(file, **{name: variable.numpy() for name, variable in named.items()})

    def prepare_greedy(self, rows):
        self.source = tf.constant(greedy_batch(self.c, rows), tf.int32)
        self.translate = greedy_search(self.model, self.c.greedy_steps)
        ids = self.translate(self.source).numpy()
        self.greedy(2)
        return {"ids": ids.tolist()}

    def greedy(self, steps):
        watch = Stopwatch()
        for _ in range(steps):
            ids = self.translate(self.source)
        ids.numpy()
        return watch.read()

    def prepare_search(self, sentences, width, length_penalty, batch_size, shortlist=False):
        """Translate sentences; `width` 1 is greedy search."""
        translator = s2s.Translator(self.model, *self._tokenizers())
        translator = translator.in_precision(self.precision)
        answer = {}
        if shortlist:
            translator = translator.with_shortlist(self.shortlist)
            source = translator.source_tokenizer.encode(sentences[:batch_size]).to_tensor()
            ids, mask, _ = self.shortlist.candidates(source)
            own = float(tf.math.count_nonzero(mask == 0)) / len(source)
            answer["candidates"] = own, int(tf.size(ids))
        options = {"beam_width": width, "length_penalty": length_penalty} if width > 1 else {}
        self.searches[shortlist] = lambda: translator(sentences, batch_size, **options)
        translations = [each.text for each in self.searches[shortlist]()]
        self.searches[shortlist]()
        return {"translations": translations, **answer}

    def prepare_shortlist(self, pairs, per_word, most_frequent):
        """Learn a shortlist from the pairs of a file."""
        sizes = {"per_word": per_word, "most_frequent": most_frequent}
        corpus = s2s.data.Pairs(*read_pairs(pairs))
        self.shortlist = s2s.search.Shortlist.learn(corpus, *self._tokenizers(), **sizes)
        return {}

    def search(self, steps, shortlist=False):
        watch = Stopwatch()
        for _ in range(steps):
            self.searches[shortlist]()
        return watch.read()

    def _tokenizers(self):
        return [tokenizer_of(size) for size in (self.c.source_vocabulary, self.c.target_vocabulary)]

    def prepare_train(self):
        if self.plain:
            is_language_model = isinstance(self.c, LanguageModelConfiguration)
            self.run = plain_keras.training_steps(
                self.model, *self.batch, self.optimizer, is_language_model
            )
        else:
            dataset = tf.data.Dataset.from_tensors(self.batch).repeat()
            self.run = training_steps(self.model, dataset)
        self.run(3)
        return {}

    def train(self, steps):
        watch = Stopwatch()
        loss = self.run(steps)
        return {**watch.read(), "loss": loss, "peak_memory": peak_memory()}

    def prepare_fit(self, pairs, batches):
        """Train on pairs of sentences for an epoch, and write the batches; see `Turns`."""
        dataset = s2s.data.batches(
            s2s.data.Pairs(*read_pairs(pairs)),
            *self._tokenizers(),
            batch_size=self.c.batch_size,
            shuffle_seed=1,
        )
        arrays = {}
        for i, (inputs, labels) in enumerate(dataset):
            for part, ids in enumerate((inputs["source"], inputs["target"], labels)):
                arrays[f"{i}_{part}"] = ids.numpy().astype(np.int64)
        np.savez(batches, **arrays)
        self.model.compile(self.optimizer, self.loss)
        with tempfile.TemporaryDirectory() as directory:
            turns = Turns(self.channel)
            s2s.training.fit(
                self.model, dataset, epochs=1_000_000, directory=directory, callbacks=[turns]
            )
        return {}


def start(channel):
    for gpu in tf.config.list_physical_devices("GPU"):
        # The other side needs memory too.
        tf.config.experimental.set_memory_growth(gpu, True)
    return PackageSide(channel)


if __name__ == "__main__":
    serve(start)
