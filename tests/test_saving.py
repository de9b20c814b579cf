"""Every public class with state survives every way of saving that TensorFlow and Keras have."""

import pickle

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_batch, run_python, small_model
from saving_cases import FUNCTIONAL, LAYERS, MODELS, TOKENIZERS, TRANSLATORS, WAYS, make, outputs

from tf_seq2seq.layers import Attention
from tf_seq2seq.text import SubwordTokenizer, WordTokenizer

OBJECTS = {"checkpoint", "manager", "pickle", "copy"}
GRAPHS = {"saved_model", "module", "export", "archive"}
KINDS = (
    (LAYERS, OBJECTS | {"clone", "module", "archive"}),
    (MODELS, OBJECTS | GRAPHS | {"keras", "weights", "clone"}),
    (FUNCTIONAL, {"keras"}),
    (TOKENIZERS, OBJECTS | {"module"}),
    (TRANSLATORS, OBJECTS | {"saved_model"}),
)
REFUSED = {("export", "language_model")}  # see `test_language_model.py`

# What `make test` leaves to `make test-all`: all graphs but these, most functional models, and most
# other models except for Keras' own files.
GRAPHS_TO_TEST = {
    *(("saved_model", "language_model"), ("saved_model", "text_model")),
    *(("module", "bridge"), ("archive", "bahdanau")),
}
MODELS_TO_TEST = {"additive_previous_gru", "language_model"}
FUNCTIONAL_TO_TEST = {f"functional_{name}" for name in ("context_and_previous", "dot_current")}


def is_slow(way, name):
    if way in GRAPHS:
        return (way, name) not in GRAPHS_TO_TEST
    if name in FUNCTIONAL:
        return name not in FUNCTIONAL_TO_TEST
    return name in MODELS.keys() - MODELS_TO_TEST and way != "keras"


PAIRS = [
    pytest.param(way, name, marks=[pytest.mark.slow] if is_slow(way, name) else [])
    for cases, ways in KINDS
    for name in cases
    for way in WAYS
    if way in ways and (way, name) not in REFUSED
]


@pytest.fixture(scope="module")
def saved(request, tmp_path_factory):
    """Save what the selected tests need, and load all of it in one fresh process."""
    folder = tmp_path_factory.mktemp("saved")
    made, outputs_of, expected = {}, {}, {}
    for item in request.session.items:
        if getattr(item, "originalname", "") != test_the_same_in_a_fresh_process.__name__:
            continue
        way, name = item.callspec.params["way"], item.callspec.params["name"]
        if name not in made:
            made[name] = make(name)
            outputs_of[name] = outputs(name, made[name])
        place = folder / f"{way}-{name}"
        place.mkdir()
        expected[way, name] = outputs_of[name]
        WAYS[way][0](name, made[name], place)
    run_python(
        "import sys; sys.path.insert(0, 'tests')\n"
        "import saving_cases; saving_cases.load_all(sys.argv[1])",
        folder,
    )
    return expected, pickle.loads((folder / "outputs.pickle").read_bytes())


@pytest.mark.parametrize(("way", "name"), PAIRS)
def test_the_same_in_a_fresh_process(way, name, saved):
    expected, found = (results[way, name] for results in saved)
    if isinstance(found, Exception):
        raise found
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_training_goes_on_the_same_from_a_checkpoint(tmp_path):
    """Moments of the optimizer and random numbers of dropout included."""

    def compiled():
        model = small_model("initial_state", dropout=0.2)
        model.compile(keras.optimizers.Adam(0.01), run_eagerly=True)
        return model

    def train(model):
        model.fit(*random_batch(), verbose=0, shuffle=False)

    model, trained, new = compiled(), compiled(), compiled()
    train(model)
    train(trained)
    path = tf.train.Checkpoint(model=model, optimizer=model.optimizer).write(str(tmp_path / "c"))
    train(model)
    for other in (trained, new):  # `new` creates the moments only when it trains
        status = tf.train.Checkpoint(model=other, optimizer=other.optimizer).read(path)
        train(other)
        status.assert_consumed()
        for ours, theirs in zip(other.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
        for ours, theirs in zip(other.optimizer.variables, model.optimizer.variables, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_the_paths_in_weight_files_stay_as_they_are(tmp_path):
    """Otherwise existing `.keras` and `.weights.h5` files could not be loaded."""
    small_model("additive_current", num_layers=2, bidirectional=True).save_weights(
        tmp_path / "model.weights.h5"
    )
    paths = set()
    with h5py.File(tmp_path / "model.weights.h5") as file:
        file.visit(
            lambda path: paths.add(path.partition("/vars/")[0]) if "/vars/" in path else None
        )
    assert paths == {
        *("encoder/words/embedding", "decoder/words/embedding"),
        *(f"encoder/{way}_layers/{gru}/cell" for way in ("forward", "backward") for gru in GRUS),
        *(f"decoder/recurrent_layers/{gru}/cell" for gru in GRUS),
        *(f"bridge/projections/container{i}/dense" for i in ("", "_1")),
        *("decoder/attention", "decoder/attention/query_layer"),
        *("decoder/readout/hidden", "decoder/readout/projection"),
    }


GRUS = ("gru", "gru_1")


class ManyHeads(Attention):
    """A layer of a user, with layers in all kinds of containers and random numbers."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._layers_in_list = [[keras.layers.Dense(3)]]
        self.in_tuple = (keras.layers.Dense(3), keras.layers.Dropout(0.1))
        self.in_dict = {"a": keras.layers.Dense(3), 1: 0.5, "1": keras.layers.Dense(3)}
        self.in_dict_a = keras.layers.Dense(3)
        self.generator = keras.random.SeedGenerator(1)
        self.cells = keras.layers.StackedRNNCells([keras.layers.GRUCell(2, dropout=0.1)])

    def build(self, query_shape, memory_shape):
        self.weights_in_list = [self.add_weight(shape=(2,), name="w")]
        in_dict = [self.in_dict["a"], self.in_dict["1"], self.in_dict_a]
        for layer in (self._layers_in_list[0][0], self.in_tuple[0], *in_dict, self.cells):
            layer.build(query_shape)
        self.built = True


def test_layers_of_users_are_tracked_too(tmp_path):
    def built():
        layer = ManyHeads()
        layer.build((None, 2), (None, None, 2))
        return layer

    layer, other = built(), built()
    path = tf.train.Checkpoint(layer).write(str(tmp_path / "checkpoint"))
    for variable in other.variables:
        variable.assign(variable + 1)
    tf.train.Checkpoint(other).read(path).assert_consumed()
    for ours, theirs in zip(other.variables, layer.variables, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


def adapted(cls=WordTokenizer, lines=("a b", "b a"), **options):
    tokenizer = cls(**options)
    tokenizer.adapt(lines, min_count=1)
    return tokenizer


def test_a_tokenizer_without_a_vocabulary_gets_that_of_a_checkpoint(tmp_path):
    for cls in (WordTokenizer, SubwordTokenizer):
        tokenizer, other = adapted(cls, lowercase=True), cls(lowercase=True)
        path = tf.train.Checkpoint(tokenizer).write(str(tmp_path / "checkpoint"))
        tf.train.Checkpoint(other).read(path).assert_consumed()
        assert other.equals(tokenizer)
        assert other.encode(["A ba"]).to_list() == tokenizer.encode(["A ba"]).to_list()
    path = tf.train.Checkpoint(WordTokenizer()).write(str(tmp_path / "checkpoint"))
    tf.train.Checkpoint(adapted()).read(path).assert_consumed()


@pytest.mark.parametrize(
    "other",
    [
        lambda: WordTokenizer(lowercase=True),
        lambda: adapted(lines=["x y"]),
        lambda: adapted(SubwordTokenizer),
    ],
)
def test_the_checkpoint_of_another_tokenizer_is_refused(other, tmp_path):
    path = tf.train.Checkpoint(adapted()).write(str(tmp_path / "checkpoint"))
    with pytest.raises(
        ValueError, match=r"different tokenizer.*into WordTokenizer\(lowercase=False"
    ):
        tf.train.Checkpoint(other()).read(path)


def test_copies_of_a_tokenizer_keep_its_counts():
    vocabulary = pickle.loads(pickle.dumps(adapted(lines=["a b b"]))).vocabulary
    assert vocabulary.counts == {"b": 2, "a": 1}
    with pytest.raises(TypeError):
        vocabulary.counts["b"] = 3
