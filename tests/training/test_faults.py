import contextlib
import dataclasses
import errno
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import keras
import numpy as np
import pytest
import short_training
import tensorflow as tf
from helpers import ROOT, random_batch
from tiny_models import Tiny, TinyWithState

from tf_seq2seq import InputError, data, training
from tf_seq2seq.training import Checkpoint, Interrupted
from tf_seq2seq.training.faults import Termination, check_space, open_checkpoint

TESTS = ROOT / "tests"


def program(script, *arguments, **options):
    """Start a script of the tests as a program."""
    return subprocess.Popen(
        [sys.executable, TESTS / script, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(TESTS)])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def with_state():
    keras.utils.set_random_seed(7)
    model = TinyWithState(units=64)  # a checkpoint of several blocks
    model.compile(keras.optimizers.SGD(0.1, global_clipnorm=1.0))
    ids = np.random.default_rng(0).integers(1, 12, 61)
    return model, data.text_batches(ids, batch_size=2, length=6)


def translation_model():
    keras.utils.set_random_seed(7)
    model = Tiny()
    model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
    return model, tf.data.Dataset.from_tensors(random_batch()).repeat(5)


def fit(directory, epochs=2, **options):
    model, batches = with_state()
    dev = batches.take(2)
    history = training.fit(model, batches, dev, epochs=epochs, directory=directory, **options)
    return model, history


def assert_equal(run, expected):
    (model, history), (expected_model, expected_history) = run, expected
    assert history.step_losses == expected_history.step_losses
    assert history.history == expected_history.history
    for a, b in zip(model.get_weights(), expected_model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def terminate(*_, **__):
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was not interrupted."""
    return fit(tmp_path_factory.mktemp("whole"))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes can be forked here")
@pytest.mark.parametrize("runs", [1, pytest.param(100, marks=pytest.mark.slow)])
def test_a_killed_run_ends_as_if_it_had_not_been_killed(tmp_path, runs):
    process = program("killed_training.py", tmp_path, runs, 1)
    printed, errors = process.communicate()
    assert process.returncode == 0, errors[-3000:]
    last = printed.splitlines()[-1]
    assert re.match(rf"{runs} equal ends after [1-9]\d* kills \(.*[1-9]\d* in the export; ", last)


class TestTermination:
    def test_a_program_ends_within_10_seconds_and_resumes(self, tmp_path):
        options = ("--model", "language_model", "--output-dir", tmp_path / "parts")
        arguments = ("short_training.py", *options)
        process = program(*arguments, "--pause", 0.1)
        while process.poll() is None and not Checkpoint(tmp_path / "parts/checkpoint").folders:
            time.sleep(0.05)
        process.terminate()
        signaled = time.monotonic()
        _, errors = process.communicate()
        assert time.monotonic() - signaled < 10
        assert process.returncode == 143
        (latest,) = Checkpoint(tmp_path / "parts/checkpoint").folders[-1:]
        epoch, step = re.findall(r"\d+", latest.name)
        assert errors.endswith(
            f"\nTraining was interrupted by SIGTERM after batch {step} of epoch {int(epoch) + 1}, "
            f"and a checkpoint was written to {latest.parent}: train again with --resume to "
            "continue.\n"
        )
        assert "Traceback" not in errors

        settings = short_training.Settings(model="language_model", output_dir=tmp_path)
        short_training.train(settings)
        # The test of the kills resumes in other processes.
        short_training.train(
            dataclasses.replace(settings, output_dir=tmp_path / "parts", resume=True)
        )
        assert short_training.end(tmp_path / "parts") == short_training.end(tmp_path)

    @pytest.mark.parametrize("together", [1, 5])
    def test_within_an_epoch(self, tmp_path, whole, together):
        """The current step is finished, and no other, however many are taken per call."""
        handler = signal.getsignal(signal.SIGTERM)
        model, batches = with_state()
        model.steps_per_execution = together
        calls = []
        hooks = keras.callbacks.LambdaCallback(
            on_train_batch_begin=lambda batch, logs: terminate() if batch == 0 else None,
            on_train_batch_end=lambda batch, logs: calls.append(batch),
        )
        with pytest.raises(Interrupted) as error:
            training.fit(model, batches, epochs=2, directory=tmp_path, callbacks=[hooks])
        assert str(error.value) == (
            "Training was interrupted by SIGTERM after batch 1 of epoch 1, and a checkpoint was "
            f"written to {tmp_path}: train again with `resume` to continue."
        )
        assert calls == [0]
        assert not isinstance(error.value, Exception)
        assert signal.getsignal(signal.SIGTERM) is handler
        assert_equal(fit(tmp_path, resume=True), whole)

    @pytest.mark.parametrize("make", [with_state, translation_model])
    def test_during_an_evaluation(self, tmp_path, make):
        """The evaluation ends early, and is repeated."""
        seen = []

        def watched(batch):
            if not seen:
                terminate()
            seen.append(1)
            time.sleep(0.1)  # or else all batches are read before the first is evaluated
            return batch

        def slowly(batch):
            spec = tf.nest.flatten(batches.element_spec)[0]
            first, *rest = tf.nest.flatten(batch)
            first = tf.ensure_shape(tf.numpy_function(watched, [first], spec.dtype), first.shape)
            return tf.nest.pack_sequence_as(batch, [first, *rest])

        model, batches = make()
        dev = batches.take(2).repeat(50).map(lambda *batch: slowly(batch))
        with pytest.raises(Interrupted, match="after batch 5 of epoch 1,"):
            training.fit(model, batches, dev, epochs=2, directory=tmp_path)
        assert len(seen) < 50
        ends = []
        for directory in (tmp_path, tmp_path / "whole"):
            model, batches = make()
            dev = batches.take(2)
            history = training.fit(model, batches, dev, epochs=2, directory=directory, resume=True)
            ends.append((model, history))
        assert_equal(*ends)

    def test_at_the_end_of_an_epoch(self, tmp_path, whole):
        hooks = keras.callbacks.LambdaCallback(on_epoch_end=terminate)
        with pytest.raises(Interrupted, match="by SIGTERM after epoch 1,"):
            fit(tmp_path, callbacks=[hooks])
        with pytest.raises(Interrupted, match="by SIGTERM after epoch 2,"):
            fit(tmp_path, callbacks=[hooks], resume=True)
        assert_equal(fit(tmp_path, resume=True), whole)

    def test_a_signal_that_comes_too_late_is_passed_on(self):
        received = []
        handler = signal.signal(signal.SIGTERM, lambda *_: received.append(1))
        try:
            with Termination() as termination:
                terminate()
                assert termination
                assert not received
            assert received == [1]
            # An error ends the process anyway.
            with pytest.raises(InputError), Termination():
                terminate()
                raise InputError
            assert received == [1]
        finally:
            signal.signal(signal.SIGTERM, handler)

    def test_in_another_thread_nothing_changes(self):
        found = []

        def enter():
            with Termination() as termination:
                found.append((signal.getsignal(signal.SIGTERM), bool(termination)))

        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
        assert found == [(signal.getsignal(signal.SIGTERM), False)]


@contextlib.contextmanager
def as_another_user():
    """Root may write to any folder."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


class TestDisk:
    @pytest.mark.skipif(not hasattr(os, "seteuid"), reason="no other user can be taken on here")
    def test_a_folder_that_is_read_only(self, tmp_path):
        folder = tmp_path / "read-only"
        folder.mkdir()
        folder.chmod(0o555)
        with (
            as_another_user(),
            pytest.raises(InputError) as error,
            open_checkpoint(folder / "new", keep=2),
        ):
            pass
        assert str(error.value) == (
            f"{folder / 'new'} cannot be written to (Permission denied), and checkpoints go there: "
            "make room, change its permissions or choose another directory."
        )

    def test_a_folder_that_cannot_be_created(self, tmp_path):
        (tmp_path / "file").touch()
        message = r"file/x cannot be written to \(Not a directory\)"
        with (
            pytest.raises(InputError, match=message),
            open_checkpoint(tmp_path / "file" / "x", keep=2),
        ):
            pass

    @pytest.mark.parametrize("fault", [errno.EROFS, errno.ENOSPC])
    def test_the_trial_comes_before_the_first_step(self, tmp_path, monkeypatch, fault):
        def trial(*arguments, **options):
            raise OSError(fault, os.strerror(fault))

        steps = []
        hooks = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: steps.append(1))
        monkeypatch.setattr(tempfile, "NamedTemporaryFile", trial)
        message = f"{tmp_path} cannot be written to ({os.strerror(fault)}), and checkpoints go"
        with pytest.raises(InputError, match=re.escape(message)):
            fit(tmp_path, callbacks=[hooks])
        assert not steps

    def test_the_trial_leaves_nothing(self, tmp_path):
        (tmp_path / ".epoch-0-step-1-abc").mkdir()
        with open_checkpoint(tmp_path, keep=2):
            assert not list(tmp_path.iterdir())

    def test_two_runs_at_once(self, tmp_path):
        with open_checkpoint(tmp_path, keep=2):
            (tmp_path / ".epoch-0-step-1-abc").mkdir()
            with pytest.raises(InputError) as error:
                fit(tmp_path)
            assert str(error.value) == (
                f"Another run writes its checkpoints to {tmp_path}, and each would remove those of "
                "the other: wait for its end, or choose another directory."
            )
            assert list(tmp_path.iterdir())
        with open_checkpoint(tmp_path, keep=2):
            assert not list(tmp_path.iterdir())

    @pytest.mark.parametrize("fault", [errno.ENOLCK, errno.ENOTSUP])
    def test_a_file_system_without_locks(self, tmp_path, monkeypatch, fault):
        def flock(*arguments):
            raise OSError(fault, os.strerror(fault))

        monkeypatch.setattr(fcntl, "flock", flock)
        with open_checkpoint(tmp_path, keep=2) as checkpoint:
            assert checkpoint.directory == tmp_path

    def test_a_disk_that_is_full_while_writing(self, tmp_path, monkeypatch):
        def full(*arguments, **options):
            raise OSError(errno.ENOSPC, "No space left on device")

        fill = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: epoch and monkeypatch.setattr(np, "savez", full)
        )
        with pytest.raises(InputError) as error:
            fit(tmp_path, callbacks=[fill])
        assert re.fullmatch(
            rf"The checkpoint after epoch 2 could not be written to {tmp_path} \(No space left on "
            r"device\), where [0-9,.]+ MiB are free; epoch-1-step-0 is kept: make room and "
            r"continue with `resume`\.",
            str(error.value),
        )
        with pytest.raises(InputError, match=r"checkpoint after epoch 1 .* free: make room and"):
            fit(tmp_path / "new", keep_weights=1)
        assert {path.name for path in tmp_path.iterdir()} == {"epoch-1-step-0", "new"}

    def test_a_warning_when_the_next_checkpoint_does_not_fit(self, tmp_path, monkeypatch):
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=3 * 2**18))
        assert check_space(tmp_path, 3 * 2**18)
        with pytest.warns(UserWarning) as warned:
            assert not check_space(tmp_path, 5 * 2**21)
        assert str(warned[0].message) == (
            "The next checkpoint needs 10.0 MiB, but only 0.8 MiB are free in "
            f"{tmp_path}: make room before it is written."
        )
        assert not check_space(tmp_path, 5 * 2**21, warn=False)

    def test_the_warning_comes_once_and_before_the_first_step(self, tmp_path, monkeypatch):
        usage = shutil.disk_usage(tmp_path)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**10))
        begun = []
        hooks = keras.callbacks.LambdaCallback(on_train_begin=lambda logs: begun.append(1))
        with pytest.warns(UserWarning, match="The next checkpoint needs") as warned:
            fit(tmp_path, callbacks=[hooks])
        assert len(warned) == 1

    def test_a_small_disk(self, tmp_path):
        disk = tmp_path / "disk"
        disk.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk]
        if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
            pytest.skip("no file system can be mounted here")

        def fill(room):
            with (disk / "other").open("wb") as file:
                file.write(bytes(shutil.disk_usage(disk).free - room))

        try:
            later = keras.callbacks.LambdaCallback(
                on_epoch_begin=lambda epoch, logs: fill(4096) if epoch == 1 else None
            )
            with pytest.raises(InputError, match=r"No space left .*; epoch-1-step-0 is kept"):
                fit(disk, callbacks=[later])
            assert {path.name for path in disk.iterdir()} == {"epoch-1-step-0", "other"}
            with (
                pytest.warns(UserWarning, match="next checkpoint needs 0.0 MiB, but only 0.0 MiB"),
                pytest.raises(InputError, match=r"after epoch 2 .*No space left"),
            ):
                fit(disk, resume=True)
            fill(0)
            with pytest.raises(InputError, match=r"cannot be written to \(No space left"):
                fit(disk, resume=True)
            (disk / "other").unlink()
            assert len(fit(disk, resume=True)[1].step_losses) == 10
        finally:
            subprocess.run(["umount", disk], check=True)
