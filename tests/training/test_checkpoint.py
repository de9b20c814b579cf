import hashlib
import json
import os
import shutil
import subprocess

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_batch, small_model
from tiny_models import Tiny

from tf_seq2seq import InputError, LanguageModel, training
from tf_seq2seq.training import Checkpoint
from tf_seq2seq.training.checkpoint import (
    ARRAYS,
    CHECKSUMS,
    FORMAT,
    PROGRESS,
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
            (kernel() | kernel(name="model/bias"), "lacks the variable 'model/bias'"),
            (kernel(name="model/bias"), "lacks the variable 'model/bias'"),
            ({}, None),  # another group than that of the weights
            (
                kernel() | kernel(name="optimizer/iterations"),
                "lacks the variable 'optimizer/iterations'",
            ),
        ],
    )
    def test_an_error_names_the_variable_that_differs(self, tmp_path, variables, message):
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, SAVED)
        if message is None:
            assert Checkpoint(tmp_path).load(variables) is not None
            return
        with pytest.raises(InputError, match=f"{tmp_path} cannot be used: .*{message}.*`resume`"):
            Checkpoint(tmp_path).load(variables)

    def test_a_variable_that_the_model_does_not_have(self, tmp_path):
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, SAVED | {"model/bias": np.zeros(3)})
        with pytest.raises(InputError, match=r"'model/bias' that the model doesn't have"):
            Checkpoint(tmp_path).load(kernel())

    def test_only_the_weights_are_read_from_a_training_checkpoint(self, tmp_path):
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, SAVED | {"optimizer/rate": np.ones(3)})
        variables = kernel()
        assign(variables, Checkpoint(tmp_path).load(variables).arrays)
        np.testing.assert_array_equal(variables["model/kernel"], SAVED["model/kernel"])

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ({"progress": {}}, "an older format"),
            ({"format": FORMAT + 1, "progress": {}}, f"format {FORMAT + 1}"),
            ([], "progress.json is damaged"),
            ({"format": FORMAT}, "'progress'"),
            ({"format": FORMAT, "progress": {}}, "has no epoch and no step"),
            ({"format": FORMAT, "progress": {"epoch": 1}}, "has no step"),
        ],
    )
    def test_another_format_is_refused(self, tmp_path, content, message):
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, SAVED)
        rewrite(tmp_path / "epoch-0-step-1", progress=json.dumps(content))
        with pytest.raises(InputError, match=f"cannot be used: .*{message}"):
            Checkpoint(tmp_path).load()

    def test_a_checkpoint_of_format_1_is_refused_and_removed(self, tmp_path):
        (tmp_path / "checkpoint.json").write_text("{}")
        (tmp_path / "epoch-0-step-1.npz").write_bytes(b"")
        with pytest.raises(InputError, match="written in format 1, but this version reads"):
            Checkpoint(tmp_path).load()
        Checkpoint(tmp_path).clear()
        assert not list(tmp_path.iterdir())

    def test_the_files_name_their_format(self, tmp_path):
        """The number of the format changes only together with the format."""
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, SAVED)
        folder = tmp_path / "epoch-0-step-1"
        assert {path.name for path in folder.iterdir()} == {ARRAYS, PROGRESS, CHECKSUMS}
        assert json.loads((folder / PROGRESS).read_text())["format"] == 4
        assert np.load(folder / ARRAYS)["format"] == 4

    def test_arrays_of_another_format_are_refused(self, tmp_path):
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, SAVED)
        folder = tmp_path / "epoch-0-step-1"
        np.savez(folder / ARRAYS, np.zeros(3))
        rewrite(folder)
        with pytest.raises(InputError, match="an older format"):
            Checkpoint(tmp_path).load()

    def test_the_checksums_are_those_of_a_common_tool(self, tmp_path):
        Checkpoint(tmp_path).save({"epoch": 0, "step": 1}, SAVED)
        if shutil.which("sha256sum") is None:
            pytest.skip("sha256sum is not installed")
        command = ["sha256sum", "--check", "--strict", "--quiet", CHECKSUMS]
        subprocess.run(command, cwd=tmp_path / "epoch-0-step-1", check=True)

    def test_other_files_of_the_folder_stay(self, tmp_path):
        np.savez(tmp_path / "mine.npz", 1)
        (tmp_path / "epoch-1-step-two").mkdir()
        checkpoint = Checkpoint(tmp_path, keep=1)
        for step in (1, 2):
            checkpoint.save({"epoch": 0, "step": step}, SAVED)
        mine = {"mine.npz", "epoch-1-step-two"}
        assert names(tmp_path) == {*mine, "epoch-0-step-2"}
        checkpoint.clear()
        assert names(tmp_path) == mine

    def test_what_a_killed_process_left_is_removed(self, tmp_path):
        """No unfinished file is taken for a checkpoint."""
        for name in (".epoch-0-step-3-abc", ".epoch-0-step-2-def"):
            (tmp_path / name).mkdir()
            (tmp_path / name / ARRAYS).write_bytes(b"half of it")
        for name in (".epoch-0-step-3.npz-abc", ".weights-of-epoch-00002.npz-abc", ".trial-abc"):
            (tmp_path / name).write_bytes(b"half of it")
        (tmp_path / ".mine").touch()
        checkpoint = Checkpoint(tmp_path)
        assert checkpoint.load() is None
        assert checkpoint.size() == 0
        checkpoint.remove_unfinished()
        assert names(tmp_path) == {".mine"}

    @pytest.mark.parametrize(
        ("keep", "kept"), [(1, [(2, 0)]), (2, [(1, 10), (2, 0)]), (3, [(1, 9), (1, 10), (2, 0)])]
    )
    def test_the_most_recent_checkpoints_are_kept(self, tmp_path, keep, kept):
        checkpoint = Checkpoint(tmp_path, np.int64(keep))
        for epoch, step in [(0, 9), (1, 0), (1, 9), (1, 10), (2, 0)]:
            checkpoint.save({"epoch": epoch, "step": step}, SAVED)
        expected = [tmp_path / f"epoch-{epoch}-step-{step}" for epoch, step in kept]
        assert checkpoint.folders == expected
        assert checkpoint.size() == sum(file.stat().st_size for file in expected[-1].iterdir())

    def test_a_checkpoint_is_replaced_by_one_of_the_same_step(self, tmp_path):
        checkpoint = Checkpoint(tmp_path)
        for value in (1, 2):
            checkpoint.save({"epoch": 0, "step": 1}, {"state/0": np.array(value)})
        assert checkpoint.load().arrays["state/0"] == 2
        assert names(tmp_path) == {"epoch-0-step-1"}

    def test_no_checkpoint_is_not_kept(self, tmp_path):
        with pytest.raises(InputError, match="`keep` must be an integer of at least 1, got 0"):
            Checkpoint(tmp_path, keep=0)

    @pytest.mark.parametrize("part", ["arrays", "progress", "folder"])
    def test_a_write_that_fails_leaves_the_previous_checkpoint(self, tmp_path, monkeypatch, part):
        checkpoint = Checkpoint(tmp_path)
        checkpoint.save({"epoch": 0, "step": 1}, SAVED)

        def full_disk(*arguments, **named):
            raise OSError(28, "No space left on device")

        patched = {"arrays": (np, "savez"), "progress": (json, "dumps"), "folder": (os, "fsync")}
        with monkeypatch.context() as patch:
            patch.setattr(*patched[part], full_disk)
            with pytest.raises(OSError, match=r"No space left.*epoch-0-step-2'$"):
                checkpoint.save({"epoch": 0, "step": 2}, {"model/kernel": np.zeros((2, 3))})
        assert names(tmp_path) == {"epoch-0-step-1"}
        saved = checkpoint.load(kernel())
        assert saved.progress["step"] == 1
        np.testing.assert_array_equal(saved.arrays["model/kernel"], SAVED["model/kernel"])


def names(directory):
    return {path.name for path in directory.iterdir()}


def rewrite(folder, progress=None):
    """Replace the progress of a checkpoint, and compute its checksums again."""
    if progress is not None:
        (folder / PROGRESS).write_text(progress)
    lines = [
        f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n"
        for name in (ARRAYS, PROGRESS)
    ]
    (folder / CHECKSUMS).write_text("".join(lines))


def truncate(file):
    file.write_bytes(file.read_bytes()[:-1])


def empty(file):
    file.write_bytes(b"")


def flip_a_bit(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def remove(file):
    file.unlink()


class TestDamage:
    @pytest.mark.parametrize("damage", [truncate, empty, flip_a_bit, remove])
    @pytest.mark.parametrize("name", [ARRAYS, PROGRESS, CHECKSUMS])
    def test_the_checkpoint_before_a_damaged_one_is_used(self, tmp_path, name, damage):
        checkpoint = Checkpoint(tmp_path)
        for step in (1, 2):
            checkpoint.save({"epoch": 0, "step": step}, SAVED)
        damage(tmp_path / "epoch-0-step-2" / name)
        if damage is truncate and name == CHECKSUMS:
            assert checkpoint.load().progress["step"] == 2  # it lacks only the end of its line
            return
        with pytest.warns(UserWarning) as warned:
            assert checkpoint.load(kernel()).progress["step"] == 1
        (warning,) = warned
        found = str(warning.message)
        assert found.startswith(f"In {tmp_path}, epoch-0-step-2 is damaged (")
        assert found.endswith("): the previous checkpoint, epoch-0-step-1, is used instead.")
        assert (name if name != CHECKSUMS else "checksum") in found or damage is remove

    def test_the_checkpoint_before_a_deleted_one_is_used(self, tmp_path):
        checkpoint = Checkpoint(tmp_path)
        for step in (1, 2):
            checkpoint.save({"epoch": 0, "step": step}, SAVED)
        shutil.rmtree(tmp_path / "epoch-0-step-2")
        assert checkpoint.load().progress["step"] == 1
        shutil.rmtree(tmp_path / "epoch-0-step-1")
        assert checkpoint.load() is None

    def test_when_none_is_left(self, tmp_path):
        checkpoint = Checkpoint(tmp_path)
        for step in (1, 2):
            checkpoint.save({"epoch": 0, "step": step}, SAVED)
            flip_a_bit(tmp_path / f"epoch-0-step-{step}" / ARRAYS)
        with pytest.raises(InputError) as error:
            checkpoint.load()
        damage = "is damaged (arrays.npz does not match its checksum)"
        assert str(error.value) == (
            f"The checkpoint in {tmp_path} cannot be used: epoch-0-step-2 {damage} and "
            f"epoch-0-step-1 {damage}. Start again without `resume`, or resume "
            "with the settings and the version of the package that wrote it."
        )

    def test_a_model_that_does_not_fit_is_no_damage(self, tmp_path):
        checkpoint = Checkpoint(tmp_path)
        for step in (1, 2):
            checkpoint.save({"epoch": 0, "step": step}, SAVED)
        with pytest.raises(InputError, match="'model/bias'"):
            checkpoint.load(kernel(name="model/bias"))

    def test_a_damaged_checkpoint_is_replaced(self, tmp_path):
        checkpoint = Checkpoint(tmp_path)
        for epoch, step in [(0, 2), (1, 0), (1, 2)]:
            checkpoint.save({"epoch": epoch, "step": step}, SAVED)
        flip_a_bit(tmp_path / "epoch-1-step-2" / ARRAYS)
        checkpoint.save({"epoch": 1, "step": 1}, SAVED)
        assert names(tmp_path) == {"epoch-1-step-0", "epoch-1-step-1"}


@pytest.mark.parametrize("strategy", ["default", "mirrored"])
def test_another_model_gets_the_weights_of_the_one_in_training(strategy, tmp_path):
    with training.strategy(strategy).scope():
        trained = Tiny()
        trained.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
    # Two rows, one for each replica.
    batches = tf.data.Dataset.from_tensors(random_batch([(4, 3), (4, 3)])).repeat(3)
    training.fit(trained, batches, epochs=2, directory=tmp_path)

    another = Tiny()
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

    def test_later_epochs_that_are_repeated_do_not_count(self, tmp_path):
        """Training continued from an earlier checkpoint, since the last one was damaged."""
        model, checkpoint = LanguageModel(5, 3, num_layers=1), Checkpoint(tmp_path)
        for epoch in (1, 4, 2):
            checkpoint.keep_weights(model, epoch, 2)
        assert names(tmp_path) == {f"weights-of-epoch-0000{epoch}.npz" for epoch in (1, 2)}

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
