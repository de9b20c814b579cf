import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_batch, small_model

from tf_seq2seq import InputError, LanguageModel, training
from tf_seq2seq.training import Checkpoint
from tf_seq2seq.training.checkpoint import (
    FORMAT,
    assign,
    compiled_metrics,
    model_variables,
    training_variables,
)

SAVED = {"model/kernel": np.arange(6.0, dtype="float32").reshape(2, 3)}


def kernel(shape=(2, 3), dtype="float32", name="model/kernel"):
    return {name: keras.Variable(np.zeros(shape), dtype=dtype)}


def values(variables):
    return {name: variable.numpy() for name, variable in variables.items()}


class Weights(keras.layers.Layer):
    """A layer with two weights of the same name, neither of which is an attribute."""

    def __init__(self, names):
        super().__init__()
        self.widths = [self.add_weight(shape=(2,), name=name).shape[0] for name in names]


class TestNames:
    def test_lead_to_the_variables_whatever_was_built_before(self):
        models = [small_model("additive_current", dropout=0.1) for _ in range(2)]
        first, second = map(model_variables, models)
        assert list(first) == list(second)
        assert (
            first["model/encoder/words/embedding/embeddings"]
            is models[0].encoder.words.embedding.embeddings
        )
        assert second["model/decoder/attention/scorer"] is models[1].decoder.attention.scorer
        assert [id(variable) for variable in first.values()] == list(map(id, models[0].variables))
        assert any(name.endswith("seed_generator/state") for name in first)

    def test_are_the_same_once_the_model_is_compiled(self):
        model = small_model("context_alone")
        before = list(model_variables(model))
        model.compile("adam")
        model.optimizer.build(model.trainable_variables)
        assert list(model_variables(model)) == before
        after = training_variables(model)
        assert list(after)[: len(before)] == before
        momentum = after["optimizer/momentums/encoder/words/embedding/embeddings"]
        index = [id(v) for v in model.trainable_variables].index(
            id(model.encoder.words.embedding.embeddings)
        )
        assert momentum is model.optimizer._momentums[index]
        assert after["optimizer/iterations"] is model.optimizer.iterations
        assert after["optimizer/learning_rate"] is model.optimizer._learning_rate

    def test_those_of_metrics(self):
        model = LanguageModel(5, 3, num_layers=1)
        model.compile("sgd", metrics=[keras.metrics.SparseCategoricalAccuracy("right")])
        ids = np.ones((1, 2), int)
        model.compute_metrics(ids, ids, model(ids).logits)
        names = [name for name in training_variables(model) if name.startswith("metrics/")]
        assert names[-2:] == ["metrics/right/total", "metrics/right/count"]
        assert "right" in [metric.name for metric in compiled_metrics(model)]

    def test_two_layers_of_one_name(self):
        layers = [keras.layers.Dense(1, name="dense") for _ in range(2)]
        for layer in layers:
            layer.build((None, 1))
        assert layers[0].kernel.path == layers[1].kernel.path
        names = ["left/kernel", "left/bias", "right/kernel", "right/bias"]
        assert list(model_variables(Both(*layers))) == [f"model/{name}" for name in names]

    def test_those_of_a_sequential_model_do_not_depend_on_the_numbers_of_its_layers(self):
        for _ in range(2):
            model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
            assert list(model_variables(model)) == ["model/layers/1/kernel", "model/layers/1/bias"]

    def test_a_weight_without_an_attribute_has_its_own_name(self):
        assert list(model_variables(Both(Weights(["a", "b"]), keras.layers.Identity()))) == [
            "model/left/a",
            "model/left/b",
        ]

    def test_names_that_collide_are_refused(self):
        with pytest.raises(InputError, match=r"'model/left/a'.*different names"):
            model_variables(Both(Weights(["a", "a"]), keras.layers.Identity()))


class Both(keras.Model):
    def __init__(self, left, right):
        super().__init__()
        self.left, self.right = left, right


class TestSaveAndLoad:
    def test_by_name_and_not_by_position(self, tmp_path):
        trained, another = (small_model("additive_current") for _ in range(2))
        arrays = values(model_variables(trained))
        progress = {"epoch": 1, "step": 2, "losses": [0.5]}
        Checkpoint(tmp_path).save(progress, dict(reversed(arrays.items())))
        assert Checkpoint(tmp_path).restore_weights(another) == progress
        for expected, weight in zip(trained.get_weights(), another.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, expected)

    def test_any_type_and_shape(self, tmp_path):
        arrays = {
            "model/half": np.asarray(tf.constant([[1.5, -2.0]], tf.bfloat16)),
            "model/scalar": np.float32(3.0),
            "model/seed": np.array([1, 2], "int64"),
            "state/0": np.array(True),
        }
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, arrays)
        found = Checkpoint(tmp_path).load().arrays
        assert found.keys() == arrays.keys()
        for name, array in arrays.items():
            assert found[name].dtype == array.dtype
            np.testing.assert_array_equal(found[name], array)

    def test_without_a_checkpoint(self, tmp_path):
        assert Checkpoint(tmp_path / "new" / "folder").load() is None
        with pytest.raises(InputError, match=r"There is no checkpoint in .*: train first"):
            Checkpoint(tmp_path).restore_weights(small_model("context_alone"))

    @pytest.mark.parametrize(
        ("variables", "message"),
        [
            (kernel((3, 2)), r"'model/kernel' has the shape \(2, 3\).* has the shape \(3, 2\)"),
            (kernel(dtype="float16"), "'model/kernel' has .* type float32.* type float16"),
            (kernel() | kernel(name="model/bias"), "no variable 'model/bias'"),
            (kernel(name="model/bias"), "no variable 'model/bias'"),
            ({}, None),  # another group than that of the weights
            (kernel() | kernel(name="optimizer/iterations"), "no variable 'optimizer/iterations'"),
        ],
    )
    def test_an_error_names_the_variable_that_differs(self, tmp_path, variables, message):
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, SAVED)
        if message is None:
            assert Checkpoint(tmp_path).load(variables) is not None
            return
        with pytest.raises(InputError, match=f"{tmp_path} cannot be used: .*{message}.* --resume"):
            Checkpoint(tmp_path).load(variables)

    def test_a_variable_that_the_model_does_not_have(self, tmp_path):
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, SAVED | {"model/bias": np.zeros(3)})
        with pytest.raises(InputError, match=r"'model/bias', which the model doesn't have"):
            Checkpoint(tmp_path).load(kernel())

    def test_only_the_weights_are_read_from_a_training_checkpoint(self, tmp_path):
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, SAVED | {"optimizer/rate": np.ones(3)})
        variables = kernel()
        assign(variables, Checkpoint(tmp_path).load(variables).arrays)
        np.testing.assert_array_equal(variables["model/kernel"], SAVED["model/kernel"])

    @pytest.mark.parametrize(
        ("index", "message"),
        [
            ({"arrays": "x.npz", "progress": {}}, "an older format"),
            ({"format": FORMAT + 1, "arrays": "x.npz", "progress": {}}, f"format {FORMAT + 1}"),
            ([], "checkpoint.json is damaged"),
            ({"format": FORMAT}, "'progress'"),
            ({"format": FORMAT, "arrays": "x.npz", "progress": {}}, "has no epoch and no step"),
            ({"format": FORMAT, "arrays": "x.npz", "progress": {"epoch": 1}}, "has no step"),
            (
                {"format": FORMAT, "arrays": "nowhere.npz", "progress": {"epoch": 1, "step": 0}},
                "nowhere.npz",
            ),
        ],
    )
    def test_another_format_is_refused(self, tmp_path, index, message):
        (tmp_path / "checkpoint.json").write_text(json.dumps(index))
        with pytest.raises(InputError, match=f"cannot be used: .*{message}"):
            Checkpoint(tmp_path).load()

    def test_the_files_name_their_format(self, tmp_path):
        """The number of the format changes only together with the format."""
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, SAVED)
        assert json.loads((tmp_path / "checkpoint.json").read_text())["format"] == 1
        assert np.load(tmp_path / "epoch-0-step-1.npz")["format"] == 1

    def test_arrays_of_another_format_are_refused(self, tmp_path):
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, SAVED)
        np.savez(tmp_path / "epoch-0-step-1.npz", np.zeros(3))
        with pytest.raises(InputError, match="an older format"):
            Checkpoint(tmp_path).load()

    def test_other_files_of_the_folder_stay(self, tmp_path):
        np.savez(tmp_path / "mine.npz", 1)
        # A process that was killed while writing leaves a hidden file.
        (tmp_path / ".epoch-0-step-3.npz-abc").write_bytes(b"half of it")
        checkpoint = Checkpoint(tmp_path)
        for step in (1, 2):
            checkpoint.save({"epoch": 0, "step": step}, SAVED)
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {"mine.npz", "checkpoint.json", "epoch-0-step-2.npz"}
        checkpoint.clear()
        assert [path.name for path in tmp_path.iterdir()] == ["mine.npz"]

    @pytest.mark.parametrize("part", ["arrays", "index"])
    def test_a_write_that_fails_leaves_the_previous_checkpoint(self, tmp_path, monkeypatch, part):
        checkpoint = Checkpoint(tmp_path)
        checkpoint.save({"epoch": 0, "step": 1}, SAVED)

        def full_disk(*arguments, **named):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(*((np, "savez") if part == "arrays" else (json, "dumps")), full_disk)
            where = r".*epoch-0-step-2\.npz" if part == "arrays" else ""
            with pytest.raises(OSError, match=f"No space left{where}"):
                checkpoint.save({"epoch": 0, "step": 2}, {"model/kernel": np.zeros((2, 3))})
        saved = checkpoint.load(kernel())
        assert saved.progress["step"] == 1
        np.testing.assert_array_equal(saved.arrays["model/kernel"], SAVED["model/kernel"])


@pytest.mark.parametrize("strategy", ["default", "mirrored"])
def test_another_model_gets_the_weights_of_the_one_in_training(strategy, tmp_path):
    with training.strategy(strategy).scope():
        trained = small_model("initial_state", dropout=0.1)
        trained.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
    # Two rows, one for each replica.
    batches = tf.data.Dataset.from_tensors(random_batch([(4, 3), (4, 3)])).repeat(3)
    training.fit(trained, batches, epochs=2, directory=tmp_path)

    another = small_model("initial_state", dropout=0.1)
    progress = Checkpoint(tmp_path).restore_weights(another)
    assert (progress["epoch"], progress["step"], len(progress["step_losses"])) == (2, 0, 6)
    for expected, weight in zip(trained.get_weights(), another.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, expected)


class TestAverage:
    def test_the_mean_of_the_weights_of_the_last_epochs(self, tmp_path):
        model = LanguageModel(5, 3, num_layers=1)
        checkpoint, kept = Checkpoint(tmp_path), []
        for epoch in range(1, 6):
            rng = np.random.default_rng(epoch)
            model.set_weights([rng.uniform(1, 2, w.shape) for w in model.get_weights()])
            kept.append(model.get_weights())
            checkpoint.keep_weights(model, epoch, np.int64(3))

        another = LanguageModel(5, 3, num_layers=1)
        assert checkpoint.average_weights(another) == 3
        for *weights, mean in zip(*kept[2:], another.get_weights(), strict=True):
            np.testing.assert_allclose(mean, np.mean(weights, axis=0), rtol=1e-6, atol=1e-8)
        checkpoint.clear()
        with pytest.raises(InputError, match="no weights to average"):
            checkpoint.average_weights(another)

    def test_seeds_are_those_of_the_last_epoch(self, tmp_path):
        model = LanguageModel(5, 3, num_layers=1, dropout=0.1)
        checkpoint = Checkpoint(tmp_path)
        seed = model.dropout_layer.seed_generator.state
        for epoch in (1, 2):
            seed.assign([7, 10**epoch])
            checkpoint.keep_weights(model, epoch, 2)
        seed.assign([0, 0])
        checkpoint.average_weights(model)
        np.testing.assert_array_equal(seed, [7, 100])

    def test_of_a_training_that_was_resumed(self, tmp_path):
        trained = LanguageModel(5, 3, num_layers=1)
        trained.compile(keras.optimizers.SGD(0.5))
        ids = np.array([[1, 2, 3]])
        batches = tf.data.Dataset.from_tensors((ids, ids))
        after = []
        watch = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: after.append(trained.get_weights())
        )
        options = {"directory": tmp_path, "keep_weights": 3, "callbacks": [watch]}
        training.fit(trained, batches, epochs=3, **options)
        training.fit(trained, batches, epochs=5, resume=True, **options)

        another = LanguageModel(5, 3, num_layers=1)
        assert Checkpoint(tmp_path).average_weights(another) == 3
        for *weights, mean in zip(*after[2:], another.get_weights(), strict=True):
            np.testing.assert_allclose(mean, np.mean(weights, axis=0), rtol=1e-6, atol=1e-8)
        # A new training run does not average what an earlier one has left.
        training.fit(trained, batches, epochs=1, directory=tmp_path)
        with pytest.raises(InputError, match="no weights to average"):
            Checkpoint(tmp_path).average_weights(another)

    def test_weights_that_cannot_be_averaged(self, tmp_path):
        model, other = LanguageModel(5, 3, num_layers=1), LanguageModel(5, 4, num_layers=1)
        file = tmp_path / "weights-of-epoch-00001.npz"
        Checkpoint(tmp_path).keep_weights(other, 1, 2)
        with pytest.raises(InputError, match=rf"{file} cannot be averaged: .*'model/embedding/"):
            Checkpoint(tmp_path).average_weights(model)
        np.savez(file, *model.get_weights())
        with pytest.raises(InputError, match=r"cannot be averaged: .* an older format"):
            Checkpoint(tmp_path).average_weights(model)
        for damaged in (b"PK", b""):
            file.write_bytes(damaged)
            with pytest.raises(InputError, match="cannot be averaged"):
                Checkpoint(tmp_path).average_weights(model)

    @pytest.mark.parametrize(("epoch", "most", "name"), [(0, 1, "epoch"), (1, 0, "most")])
    def test_out_of_range(self, tmp_path, epoch, most, name):
        with pytest.raises(InputError, match=f"`{name}` must be an integer of at least 1"):
            Checkpoint(tmp_path).keep_weights(LanguageModel(5, 3), epoch, most)
