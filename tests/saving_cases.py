"""Objects of every public class with state, and ways to save them; see `test_saving.py`.

A fresh process imports this module to load what the test saved.
"""

import copy
import pickle
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from helpers import SYSTEMS, random_batch, small_model, small_translator

from tf_seq2seq import Bridge, Decoder, Encoder, Ensemble, LanguageModel, TextModel
from tf_seq2seq.layers import BahdanauAttention, DotAttention, EncoderOutput, Readout, Words
from tf_seq2seq.layers.cells import CELLS
from tf_seq2seq.text import CharacterTokenizer, ChineseTokenizer, SubwordTokenizer, WordTokenizer

LINES = ["the old books are the best books", "The best book, 我的书", "我的 book"] * 2
IDS = {side: tf.constant(ids, tf.int32) for side, ids in random_batch()[0].items()}
SOURCE = IDS["source"]
QUERY, MEMORY = tf.ones([2, 3]), tf.reshape(tf.range(30.0) / 30, [2, 5, 3])
STATE = ((tf.fill([3, 8], 0.1), tf.fill([3, 8], 0.2)),) * 2
ENCODED = EncoderOutput(
    tf.reshape(tf.range(144.0) / 144, [3, 6, 8]), STATE, tf.not_equal(SOURCE, 0)
)


def adapted(cls, **options):
    tokenizer = cls(**options)
    tokenizer.adapt(LINES, min_count=1)
    return tokenizer


def text_model():
    tokenizer = adapted(WordTokenizer)
    return TextModel(LanguageModel(tokenizer.vocabulary_size, 4), tokenizer)


LAYERS = {
    "encoder": (
        lambda: Encoder(20, 4, cell="lstm", num_layers=2, bidirectional=True, dropout=0.1),
        lambda layer: layer(SOURCE),
    ),
    "encoder_backwards": (
        lambda: Encoder(20, 4, num_layers=2, go_backwards=True),
        lambda layer: layer(SOURCE),
    ),
    "bridge": (
        lambda: Bridge("dense", cell="lstm", units=5, num_layers=2),
        lambda layer: layer(STATE),
    ),
    "decoder": (
        lambda: Decoder(15, 8, cell="lstm", num_layers=2, attention=DotAttention("general")),
        lambda layer: layer(IDS["target"], STATE, ENCODED).logits,
    ),
    "bahdanau": (lambda: BahdanauAttention(4), lambda layer: layer(QUERY, MEMORY)),
    "general": (lambda: DotAttention("general"), lambda layer: layer(QUERY, MEMORY)),
    "readout": (lambda: Readout(9, 4), lambda layer: layer(QUERY)),
    "tied": (lambda: Readout(9, 3, tied=True), lambda layer: layer(QUERY, tf.ones([9, 3]))),
    "words": (lambda: Words(20, 4, dropout=0.1), lambda layer: layer(SOURCE)),
}


def system(name, cell):
    bidirectional = list(SYSTEMS).index(name) % 2 == 0
    return lambda: small_model(name, cell, num_layers=2, bidirectional=bidirectional)


def functional_model(system):
    """The layers in other Keras code."""
    source, target = (keras.Input((None,), dtype="int32") for _ in range(2))
    encoded = Encoder(20, 4, cell="lstm", bidirectional=True)(source)
    state = Bridge("dense", cell="gru", units=8)(encoded.state)
    output = Decoder(15, 8, **SYSTEMS[system]())(target, state, encoded)
    return keras.Model([source, target], output.logits)


FUNCTIONAL = {
    f"functional_{name}": (
        lambda name=name: functional_model(name),
        lambda model: model([SOURCE, IDS["target"]]),
    )
    for name in SYSTEMS
}
MODELS = {
    **{
        f"{name}_{cell}": (system(name, cell), lambda model: model(IDS))
        for i, name in enumerate(SYSTEMS)
        for cell in [list(CELLS)[i % len(CELLS)]]
    },
    "language_model": (
        lambda: LanguageModel(20, 6, num_layers=3, dropout=0.1),
        lambda model: model(SOURCE).logits,
    ),
    "ensemble": (
        lambda: Ensemble([small_model("initial_state", num_layers=2), small_model("dot_previous")]),
        lambda model: model(IDS),
    ),
}
TOKENIZERS = {
    cls.__name__: (
        lambda cls=cls: adapted(cls, lowercase=True),
        lambda tokenizer: tokenizer.encode(["The best BOOK 的 x"]).values,
    )
    for cls in (WordTokenizer, SubwordTokenizer, ChineseTokenizer, CharacterTokenizer)
}
TRANSLATORS = {
    "translator": (
        lambda: small_translator("additive_current", max_target_length=3),
        lambda translator: translator.graph(tf.constant(["a b", "", "c"]))["score"],
    ),
    "text_model": (
        text_model,
        lambda model: model.score_graph(tf.constant(["the book", ""]))["log_probability"],
    ),
}
CASES = LAYERS | MODELS | FUNCTIONAL | TOKENIZERS | TRANSLATORS


def make(name):
    """A new object with weights that no other object has."""
    made = CASES[name][0]()
    outputs(name, made)  # creates the weights
    module = made if hasattr(made, "weights") else getattr(made, "model", None)
    for weight in module.weights if module else ():
        weight.assign(np.random.default_rng().normal(0, 0.5, weight.shape))
    return made


def outputs(name, item):
    return [np.asarray(part) for part in tf.nest.flatten(CASES[name][1](item))]


# Ways to save. Each has a function that saves an object in a folder, and one that loads it there
# and returns its outputs.


def save_checkpoint(name, item, folder):
    tf.train.Checkpoint(item=item).write(str(folder / "checkpoint"))


def load_checkpoint(name, folder):
    item = make(name)
    tf.train.Checkpoint(item=item).read(str(folder / "checkpoint")).assert_consumed()
    return outputs(name, item)


def save_with_manager(name, item, folder):
    checkpoint = tf.train.Checkpoint(item)
    tf.train.CheckpointManager(checkpoint, str(folder), max_to_keep=1).save()


def load_from_manager(name, folder):
    """Into an object whose weights may not exist yet."""
    item = CASES[name][0]()
    status = tf.train.Checkpoint(item).restore(tf.train.latest_checkpoint(str(folder)))
    found = outputs(name, item)
    status.assert_consumed()
    return found


def save_keras(name, item, folder):
    item.save(folder / "model.keras")


def load_keras(name, folder):
    return outputs(name, keras.saving.load_model(folder / "model.keras"))


def save_weights(name, item, folder):
    item.save_weights(folder / "model.weights.h5")


def load_weights(name, folder):
    item = make(name)
    item.load_weights(folder / "model.weights.h5")
    return outputs(name, item)


def save_pickle(name, item, folder):
    (folder / "item.pickle").write_bytes(pickle.dumps(item))


def load_pickle(name, folder):
    return outputs(name, pickle.loads((folder / "item.pickle").read_bytes()))


def save_copy(name, item, folder):
    save_pickle(name, copy.deepcopy(item), folder)


def save_clone(name, item, folder):
    clone = keras.models.clone_model(item)
    outputs(name, clone)
    clone.set_weights(item.get_weights())
    save_pickle(name, clone, folder)


def save_module(name, item, folder):
    """As an attribute of a module whose function uses it."""
    module = tf.Module()
    module.item = item
    module.function = tf.function(lambda: tf.nest.flatten(CASES[name][1](item)), input_signature=[])
    tf.saved_model.save(module, str(folder))


def load_module(name, folder):
    module = tf.saved_model.load(str(folder))
    return [part.numpy() for part in module.function()]


def save_by_itself(name, item, folder):
    tf.saved_model.save(item, str(folder))


def load_signature(name, folder):
    loaded = tf.saved_model.load(str(folder))
    if name in TRANSLATORS:
        text, output = {
            "translator": (["a b", "", "c"], "score"),
            "text_model": (["the book", ""], "log_probability"),
        }[name]
        return [loaded.signatures["serving_default"](text=tf.constant(text))[output].numpy()]
    inputs = {"ids": SOURCE} if name == "language_model" else IDS
    return [loaded.signatures["serving_default"](**inputs)["logits"].numpy()]


def save_export(name, item, folder):
    item.export(str(folder), verbose=False)


def load_export(name, folder):
    loaded = tf.saved_model.load(str(folder))
    return [loaded.serve(IDS).numpy()]


def save_archive(name, item, folder):
    archive = keras.export.ExportArchive()
    archive.add_endpoint(
        "serve", lambda unused: tf.nest.flatten(CASES[name][1](item)), [tf.TensorSpec([])]
    )
    archive.write_out(str(folder), verbose=False)


def load_archive(name, folder):
    archive = tf.saved_model.load(str(folder))
    return [part.numpy() for part in archive.serve(tf.constant(0.0))]


WAYS = {
    "checkpoint": (save_checkpoint, load_checkpoint),
    "manager": (save_with_manager, load_from_manager),
    "keras": (save_keras, load_keras),
    "weights": (save_weights, load_weights),
    "pickle": (save_pickle, load_pickle),
    "copy": (save_copy, load_pickle),
    "clone": (save_clone, load_pickle),
    "saved_model": (save_by_itself, load_signature),
    "module": (save_module, load_module),
    "export": (save_export, load_export),
    "archive": (save_archive, load_archive),
}


def load_all(folder):
    """Load what is in the folders `way-name`, and write the outputs to `outputs.pickle`."""
    folder, found = Path(folder), {}
    for path in sorted(folder.iterdir()):
        way, _, name = path.name.partition("-")
        try:
            found[way, name] = WAYS[way][1](name, path)
        except Exception as error:  # for the test to report
            found[way, name] = error
    (folder / "outputs.pickle").write_bytes(pickle.dumps(found))
