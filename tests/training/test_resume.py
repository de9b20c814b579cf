"""What a resumed or a new training run says, refuses and keeps."""

from pathlib import Path

import keras
import numpy as np
import pytest
from tiny_models import TinyWithState

from tf_seq2seq import InputError, data, training
from tf_seq2seq.training import Checkpoint

SETTINGS = {"dropout": 0.2, "epochs": 1, "learning_rate": 0.1}
SETTINGS |= {"training data": "sha256:1", "tokenizers": "sha256:1"}


class Interrupt(keras.callbacks.Callback):
    """Ctrl-C in a batch of the first epoch."""

    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def on_train_batch_begin(self, batch, logs=None):
        if batch == self.batch:
            raise KeyboardInterrupt


def fit(directory, epochs=1, rate=0.1, rows=2, **options):
    keras.utils.set_random_seed(7)
    model = TinyWithState()
    # Around another optimizer, as with mixed_float16: each has a learning rate.
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(rate)))
    ids = np.random.default_rng(0).integers(1, 12, 61)
    batches = data.text_batches(ids, rows, length=6)
    history = training.fit(model, batches, epochs=epochs, directory=directory, **options)
    return model, history


def test_a_new_run_keeps_the_old_checkpoint_until_its_first_own(tmp_path, capsys):
    options = {"checkpoint_every": 2, "keep_weights": 2}
    _, old = fit(tmp_path, epochs=2, **options)
    assert "earlier training run" not in capsys.readouterr().out
    kept = sorted(path.name for path in tmp_path.iterdir())

    with pytest.raises(
        KeyboardInterrupt, match="before its first checkpoint was written, and that"
    ):
        fit(tmp_path, callbacks=[Interrupt(1)], **options)
    assert sorted(path.name for path in tmp_path.iterdir()) == kept
    assert "the checkpoint epoch-2-step-0 of an earlier training run" in capsys.readouterr().out
    _, history = fit(tmp_path, epochs=2, resume=True)
    assert history.step_losses == old.step_losses

    with pytest.raises(
        KeyboardInterrupt, match="the last checkpoint, after batch 2 of epoch 1, is in"
    ):
        fit(tmp_path, callbacks=[Interrupt(3)], **options)
    assert [path.name for path in tmp_path.iterdir()] == ["epoch-0-step-2"]
    fit(tmp_path, epochs=1, **options)
    kept = {"epoch-1-step-0", "epoch-0-step-4", "weights-of-epoch-00001.npz"}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_an_interrupt_before_the_first_checkpoint(tmp_path, capsys):
    message = "before its first checkpoint was written: train again from the start"
    with pytest.raises(KeyboardInterrupt, match=message):
        fit(tmp_path, callbacks=[Interrupt(1)])
    assert Checkpoint(tmp_path).folders == []
    fit(tmp_path, epochs=0, resume=True)
    assert "has no checkpoint: training starts from scratch" in capsys.readouterr().out


def test_other_settings_are_refused_and_some_may_change(tmp_path, capsys):
    fit(tmp_path, epochs=1, settings=SETTINGS)
    for other, message in (
        (
            {"dropout": 0.3},
            "cannot be used: it was written with dropout=0.2, but `dropout` is 0.3 now",
        ),
        ({"training data": "sha256:2"}, "cannot be used: it was written with other training data"),
        ({"tokenizers": "sha256:2"}, "cannot be used: it was written with other tokenizers"),
    ):
        with pytest.raises(InputError, match=message):
            fit(tmp_path, epochs=1, resume=True, settings=SETTINGS | other)

    changed = SETTINGS | {"epochs": 2, "learning_rate": 0.05}
    model, _ = fit(tmp_path, epochs=2, rate=0.05, resume=True, settings=changed)
    assert float(model.optimizer.inner_optimizer.learning_rate) == pytest.approx(0.05)
    printed = capsys.readouterr().out
    assert "Training is resumed with epochs=2 instead of 1." in printed
    assert "Training is resumed with learning_rate=0.05 instead of 0.1." in printed
    assert "Training continues after epoch 1." in printed


def test_settings_that_a_checkpoint_cannot_hold(tmp_path):
    with pytest.raises(InputError, match=r"`settings` must be JSON values by name: .*'a.txt'"):
        fit(tmp_path / "new", settings={"data": Path("a.txt")})
    assert not (tmp_path / "new").exists()


def test_a_state_of_another_batch_size(tmp_path):
    fit(tmp_path, epochs=1)

    with pytest.raises(InputError, match="resume with the batch size"):
        fit(tmp_path, epochs=2, rows=3, resume=True)
