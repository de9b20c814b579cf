"""Several workers train as one process does, and stop together."""

import contextlib
import json
import signal
import time
import types

import keras
import numpy as np
import pytest
import tensorflow as tf
from distributed_models import MODELS, TINY
from helpers import ROOT
from jobs import LOST, Job

from common.workers import _free_ports
from tf_seq2seq import InputError, training
from tf_seq2seq.training import distribution
from tf_seq2seq.training.checkpoint import Checkpoint, Saved, model_variables
from tf_seq2seq.training.run import Run
from tf_seq2seq.training.workers import SameData, explain_lost_worker


@pytest.fixture
def job(tmp_path, monkeypatch):
    """Start jobs, whose processes are ended with the test."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    with contextlib.ExitStack() as stack:
        yield lambda name, count, **options: stack.enter_context(
            Job(tmp_path / name, count, **options)
        )


def train_alone(name, epochs, directory, resume=False):
    """Train the model of the program in this process; return the history and the weights."""
    keras.utils.set_random_seed(3)
    model, batches = (MODELS | TINY)[name]()
    history = training.fit(
        model, batches, batches, epochs=epochs, directory=directory, resume=resume
    )
    return history, {name: each.numpy() for name, each in model_variables(model).items()}


def check_training(job, name, expected, expected_weights):
    for index in range(len(job.processes)):
        result, weights = job.results(name, index)
        np.testing.assert_allclose(
            result["step_losses"], expected.step_losses, rtol=0, atol=1e-4, err_msg=name
        )
        for metric, values in expected.history.items():
            np.testing.assert_allclose(
                result["history"][metric], values, rtol=1e-4, err_msg=f"{name} {metric}"
            )
        for variable, values in expected_weights.items():
            message = f"{name} {variable}"
            np.testing.assert_allclose(weights[variable], values, atol=1e-4, err_msg=message)


@pytest.mark.parametrize(
    "names, count, epochs, options",
    [
        (["tiny with state"], 2, 2, {}),  # the graphs of the others take most of the time
        pytest.param(list(MODELS), 2, 10, {"shares": True}, marks=pytest.mark.slow),
        pytest.param(list(MODELS), 4, 10, {}, marks=pytest.mark.slow),
    ],
)
def test_workers_give_the_losses_of_one(names, count, epochs, options, job, tmp_path):
    """With global batches, and with batches of each worker's own rows."""
    several = job("several", count, models=",".join(names), epochs=epochs, **options)
    expected = {name: train_alone(name, epochs, tmp_path / name) for name in names}
    several.succeed(seconds=600)
    for name in names:
        check_training(several, name, *expected[name])
    assert Checkpoint(several.output_dir / "worker_0/checkpoint" / names[0]).folders
    assert not (several.output_dir / "worker_1/checkpoint").exists()  # only the chief writes
    assert "/step" in several.log(0) and "/step" not in several.log(1)


@pytest.mark.parametrize(
    "number, worker",
    [
        pytest.param(signal.SIGKILL, 0, id="the chief is killed", marks=pytest.mark.slow),
        pytest.param(signal.SIGKILL, 1, id="the other is killed", marks=pytest.mark.slow),
        pytest.param(signal.SIGSTOP, 1, id="the other hangs", marks=pytest.mark.slow),
        pytest.param(signal.SIGSTOP, 0, id="the chief hangs", marks=pytest.mark.slow),
    ],
)
def test_the_others_stop_with_a_worker_and_one_alone_resumes(number, worker, job, tmp_path):
    """After the first checkpoint, in the middle of an epoch."""
    two, survivor = job("two", 2, epochs=200, pause=0.1), 1 - worker
    two.wait_for(survivor, "batch 3")
    two.processes[worker].send_signal(number)
    started = time.monotonic()
    two.check_lost(survivor)
    assert time.monotonic() - started < 60

    two.kill(worker)
    expected, _ = train_alone("language model", 3, tmp_path / "whole")
    checkpoint = two.output_dir / "worker_0/checkpoint/language model"
    resumed, _ = train_alone("language model", 3, checkpoint, resume=True)
    np.testing.assert_allclose(resumed.step_losses, expected.step_losses, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("worker", [0, 1])
def test_sigterm_of_one_worker_ends_all_and_another_number_resumes(worker, job, tmp_path):
    two = job("two", 2, epochs=200, pause=0.1, checkpoint_every=1000)
    two.wait_for(worker, "batch 2")
    two.processes[worker].terminate()
    assert two.wait(30) == [143, 143]
    for index in (0, 1):
        assert "Training was interrupted by SIGTERM" in two.log(index)
    saved = saved_progress(two)
    assert saved["step"] or saved["epoch"]

    expected = train_alone("language model", 3, tmp_path / "whole")
    four = job("two", 4, epochs=3, resume=True).succeed()
    check_training(four, "language model", *expected)


@pytest.mark.slow
@pytest.mark.parametrize("worker", [0, 1])
def test_the_others_stop_with_a_worker_that_fails(worker, job):
    two = job("two", 2, epochs=200, pause=0.1, fails=worker)
    assert two.wait(120) == [1, 1]
    assert "error: This worker fails." in two.log(worker)
    assert f"error: Worker {1 - worker} {LOST}" in two.log(1 - worker)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["building", "reading"])
def test_the_others_stop_with_a_worker_that_is_lost_before_the_training(stage, job):
    two = job("two", 2, lost=stage)
    two.check_lost(0)


@pytest.mark.slow
def test_workers_with_different_data_stop(job):
    """Of the same length, so that they do not wait for each other."""
    two = job("two", 2, models="attention after", other_data=True)
    assert two.wait(120) == [1, 1]
    message = "error: Worker 1 has other training data than the chief: start all workers with the"
    assert message in two.log(1)
    assert "error: Another worker has different settings, which its own" in two.log(0)
    assert not list((two.output_dir / "worker_0/checkpoint/attention after").iterdir())


@pytest.mark.slow
def test_the_number_of_workers_changes_from_one_restart_to_the_next(job, tmp_path):
    """1, 2, 4 and 1, each stopped by SIGTERM in the middle of an epoch."""
    expected = train_alone("language model", 4, tmp_path / "whole")
    options = {"epochs": 4, "checkpoint_every": 1000, "resume": True}
    steps = []
    for count in (1, 2, 4):
        several = job("run", count, pause=0.3, **options)
        several.wait_for(0, "batch", seconds=180)
        several.processes[0].terminate()
        assert several.wait(60) == [143] * count
        steps.append(len(saved_progress(several)["step_losses"]))
    last = job("run", 1, **options).succeed()
    check_training(last, "language model", *expected)
    assert 0 < steps[0] < steps[1] < steps[2] < len(expected[0].step_losses)


def saved_progress(job):
    return Checkpoint(job.output_dir / "worker_0/checkpoint/language model").load().progress


KERAS_FIT = """
import keras, tensorflow as tf, tf_seq2seq as s2s
with s2s.training.strategy("multi_worker").scope():
    if {ours}:
        model = s2s.Seq2Seq(s2s.Encoder(9, 4), s2s.Decoder(9, 4))
        model.compile()
    else:
        model = keras.Sequential([keras.layers.Embedding(9, 4), keras.layers.Dense(9)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss)
ids = tf.ones([4, 3], tf.int32)
inputs = dict(source=ids, target=ids) if {ours} else ids
batches = tf.data.Dataset.from_tensors((inputs, ids)).repeat(4)
model.fit(batches, steps_per_epoch=2, verbose=0)
print("trained")
"""


@pytest.mark.slow
@pytest.mark.parametrize("ours", [True, False])
def test_keras_own_fit_is_refused_because_it_fails(ours, job):
    """If it trains, Keras has mended its errors (keras-team/keras#20585): lift the refusal."""
    two = job("two", 2, program=("-c", KERAS_FIT.format(ours=ours)))
    assert 0 not in two.wait(120)
    logs = two.log(0) + two.log(1)
    assert "trained" not in logs
    assert ("Keras' own `fit` and `evaluate` do not work with several workers" in logs) == ours


def test_what_the_environment_must_describe(monkeypatch):
    for name in ("TF_CONFIG", "SLURM_STEP_NODELIST"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=r"no description of the workers: set .* TF_CONFIG, or"):
        training.strategy("multi_worker")
    worker = {"type": "worker", "index": 1}
    for config in (
        "{",
        json.dumps({"cluster": {"worker": ["a:1"]}, "task": worker}),
        json.dumps({"cluster": {"worker": ["a:1"]}, "task": worker | {"index": -1}}),
        json.dumps({"cluster": {"worker": ["a:1", "b:1"], "ps": ["c:1"]}, "task": worker}),
    ):
        monkeypatch.setenv("TF_CONFIG", config)
        with pytest.raises(InputError, match=r"TF_CONFIG=.* does not describe the workers"):
            training.strategy("multi_worker")


def test_workers_that_slurm_has_started(monkeypatch):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    for name, value in {
        "PROCID": "2",
        "STEP_NODELIST": "node[9-11]",
        "STEP_TASKS_PER_NODE": "1,2,1",
    }.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    resolver = distribution._cluster()
    assert (resolver.task_type, resolver.task_id) == ("worker", 2)
    assert resolver.cluster_spec().as_dict() == {
        "worker": ["node9:8888", "node10:8888", "node10:8889", "node11:8888"]
    }
    gpus = tf.config.list_physical_devices("GPU")
    assert resolver.num_accelerators() == {"GPU": len(gpus)}  # all of them, or the CPU
    monkeypatch.setenv("SLURM_PROCID", "4")
    with pytest.raises(InputError, match=r"Slurm's variables do not describe the workers"):
        distribution._cluster()


def test_this_process_can_no_longer_join(monkeypatch):
    port, task = _free_ports(1)[0], {"type": "worker", "index": 0}
    cluster = {"worker": [f"localhost:{port}"]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": task}))
    tf.constant(1)
    with pytest.raises(InputError, match=r"call strategy.* before the first tensor is created"):
        training.strategy("multi_worker")


@pytest.mark.parametrize("replicas", [2, 3, 6])
def test_rows_are_gathered_in_the_order_of_the_batch(replicas):
    """For two workers with one replica each, one with three, and two with three each."""
    for count in {1, 2}:
        if replicas % count:
            continue
        workers = training.Workers()
        workers.count, workers.replicas = count, replicas
        order = workers._row_order(12)
        shares = order.reshape(replicas, -1)
        local = replicas // count
        for replica, rows in enumerate(shares):
            first = replica // local + count * (replica % local)
            assert rows.tolist() == list(range(first, 12, replicas))
        assert sorted(order) == list(range(12))


@pytest.fixture
def two_replicas_each():
    """This worker of two; the other one sends zeros."""
    workers = training.Workers(training.strategy("mirrored"))
    workers.count, workers.replicas = 2, 4
    return workers


@pytest.mark.parametrize("size", [0, 1, 4, 1023])
def test_any_bytes_are_broadcast_by_a_worker_with_several_replicas(size, two_replicas_each):
    content = np.random.default_rng(0).bytes(size)
    assert two_replicas_each.broadcast(content) == content
    assert two_replicas_each.broadcast(b"\xff" * size) == b"\xff" * size


def test_flags_and_sizes_count_once_per_worker(two_replicas_each):
    assert two_replicas_each.any(True, False) == [True, False]
    size = tf.constant([2**31 + 5], tf.int64)  # that of a checkpoint of more than 2 GiB
    assert two_replicas_each._sum(size) == [2**31 + 5]


def test_a_lost_worker_is_explained_where_values_are_exchanged(tmp_path):
    """While a model is built, in `Workers` and in `fit`, which adds the directory."""
    workers = training.Workers()
    workers.count, workers.index = 2, 1
    gone = tf.errors.UnavailableError(None, None, "Socket closed")

    def fail(values):
        raise gone

    workers._add = fail
    for exchange in (lambda: workers.any(True), lambda: workers.broadcast(b"")):
        with pytest.raises(InputError, match=f"^Worker 1 {LOST}: .* last checkpoint\\.$") as error:
            exchange()
        assert error.value.__cause__ is gone
    workers.index = 0
    with (
        pytest.raises(InputError, match=f"^Worker 0 {LOST}: .* last checkpoint in {tmp_path}\\.$"),
        explain_lost_worker(workers, tmp_path),
    ):
        workers.any(True)


def test_a_worker_that_is_lost_while_a_model_is_built_is_explained(monkeypatch):
    workers = types.SimpleNamespace(count=2, index=1)
    monkeypatch.setattr(distribution, "Workers", lambda strategy: workers)
    parent = tf.distribute.MultiWorkerMirroredStrategy
    monkeypatch.setattr(parent, "scope", lambda self: contextlib.nullcontext())
    strategy = object.__new__(distribution._MultiWorkerStrategy)
    with pytest.raises(InputError, match=f"^Worker 1 {LOST}: start all"), strategy.scope():
        raise tf.errors.UnavailableError(None, None, "Socket closed")


def first_batch(dataset, index):
    """Return what identifies the first batch for one of two workers."""
    workers = training.Workers(training.strategy("mirrored"))
    workers.count, workers.replicas, workers.index = 2, 4, index
    same = SameData(workers, "training data")
    list(zip(range(4), workers.distribute(dataset, same.note), strict=False))
    return same._first


def test_the_first_batch_tells_other_data_of_the_same_length():
    numbers = tf.data.Dataset.range(24).batch(8)
    shuffled = tf.data.Dataset.range(24).shuffle(24).batch(8)
    assert first_batch(numbers, 0) == first_batch(numbers, 1)
    assert first_batch(numbers, 0) != first_batch(numbers.map(lambda x: x + 1), 1)
    assert first_batch(shuffled, 0) != first_batch(shuffled, 1)
    # Of the rows of each worker, only the widths are the same.
    options = tf.data.Options()
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    shares = [numbers.map(lambda x, i=i: x[i::2]).with_options(options) for i in (0, 1)]
    assert first_batch(shares[0], 0) == first_batch(shares[1], 1)
    wider = shares[1].map(lambda x: tf.stack([x, x], axis=1)).with_options(options)
    assert first_batch(shares[0], 0) != first_batch(wider, 1)


def test_the_first_batches_are_compared_once():
    workers = training.Workers()
    workers.count, compared = 2, []
    workers.check_same = compared.append
    same = SameData(workers, "training data")
    for identity in ("sha256:1", "sha256:2"):
        same.note(identity)
        same.check()
    assert compared == [{"training data": "sha256:1"}]


def test_workers_with_different_arguments_are_refused(two_replicas_each):
    """Because each would wait for the other in different steps."""
    chief = two_replicas_each
    chief.check_same({"epochs": 3, "lengths": (1, 2)})
    other = training.Workers()
    other.count, other.index = 2, 1
    other.broadcast = lambda content: b'{"epochs": 3, "resume": true}'
    other.any = lambda *flags: list(flags)
    other.check_same({"epochs": 3, "resume": True})
    for values, names in (
        ({"epochs": 4, "resume": True}, "epochs=4, but the chief has 3"),
        ({"epochs": 3}, "resume=None, but the chief has True"),
        ({"epochs": 3, "resume": True, "units": 5}, "units=5, but the chief has None"),
        ({"epochs": 3, "resume": True, "data": "sha256:1"}, "other data than the chief"),
    ):
        with pytest.raises(InputError, match=f"Worker 1 has {names}: start all workers with"):
            other.check_same(values)
    other.any = lambda *flags: [True]
    with pytest.raises(InputError, match="Another worker has different settings"):
        other.check_same({"epochs": 3, "resume": True})


def test_the_chief_alone_decides_when_to_write_a_checkpoint():
    """The others cannot know how long it takes."""
    for is_chief in (True, False):
        workers = types.SimpleNamespace(is_chief=is_chief)
        run = types.SimpleNamespace(step=4, steps=10, workers=workers)
        assert Run._is_due(run, 2) == is_chief


def test_only_the_chief_names_the_directory(tmp_path):
    workers = training.Workers()
    assert workers.name(tmp_path) == str(tmp_path)
    workers.index = 1
    assert workers.name(tmp_path) == "the chief's directory"


def test_a_checkpoint_travels_as_bytes():
    saved = Saved({"epoch": 1}, {"a": np.arange(3, dtype="float32"), "b/c": np.zeros((0, 2))})
    progress, arrays = Saved.from_bytes(saved.to_bytes())
    assert progress == saved.progress
    assert arrays.keys() == saved.arrays.keys()
    for name, array in saved.arrays.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype
