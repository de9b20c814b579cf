"""The training loop: one device or several, with checkpoints and exact resume."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import keras
import tensorflow as tf

from tf_seq2seq.checks import check_flag, check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.models import SequenceModel
from tf_seq2seq.models.steps import carries_state, check_replicas
from tf_seq2seq.training.callbacks import check_callbacks, quiet
from tf_seq2seq.training.evaluation import check_dataset, evaluator
from tf_seq2seq.training.faults import Termination, explain_unreadable_data, open_checkpoint
from tf_seq2seq.training.identity import check_settings
from tf_seq2seq.training.run import History, Run
from tf_seq2seq.training.workers import Workers, explain_lost_worker


def fit(
    model: keras.Model,
    train: tf.data.Dataset,
    dev: tf.data.Dataset | None = None,
    *,
    epochs: int,
    directory: str | Path,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
    checkpoint_every: int | Literal["auto"] | None = None,
    keep_checkpoints: int = 2,
    keep_weights: int = 0,
    callbacks: Iterable[keras.callbacks.Callback] = (),
) -> History:
    """Train a compiled model with checkpoints, exact resume and Keras' callbacks.

    Unlike `keras.Model.fit`, it resumes in the middle of an epoch, carries a model's state from
    batch to batch, and trains several replicas as one device would. The gradients of the replicas
    are summed before they are clipped, and `SequenceCrossEntropy` divides by the number of words on
    all replicas, so each word has the same weight on every replica.

    Apart from that, it behaves like `keras.Model.fit`: it calls the same hooks of the callbacks, in
    the same order and with the same logs, and supports loss scaling, gradient accumulation,
    averaged weights (`use_ema`), `stop_training`, `run_eagerly` and `steps_per_execution`. If the
    loss is not finite, or is more than 1,000 nats per word, it raises an error, unless a callback
    such as TerminateOnNaN ends the run; in either case, no further checkpoint is written.

    With `run_eagerly`, the replicas of a host take turns, in threads of Python. This is for
    debugging alone: several replicas are then slower than one.

    A model that carries a state from batch to batch, such as a `LanguageModel` (truncated
    backpropagation through time), has a method `initial_state(batch_size)`, and its call takes
    `(inputs, state)` and returns `(logits, state)`. The state is zero at the start of an epoch;
    row `i` of a batch continues row `i` of the previous batch.

    On a GPU, XLA compiles the training step, which makes it several times as fast. Compiling takes
    half a minute or more for each batch shape, so use few shapes (see `data.batches`) or, for a
    short run, `compile(jit_compile=False)`. XLA's dropout masks differ from TensorFlow's. With
    several replicas, training does not use XLA. With `compile(steps_per_execution=n)`, the host
    fetches the losses and calls the callbacks every n steps, and at each checkpoint.

    Checkpoints are written atomically, with the SHA-256 checksums of their files, and older ones
    are removed only afterwards. A training run that is killed at any moment therefore resumes as if
    it had not been interrupted; on a CPU, its weights are the same to the last bit. If a checkpoint
    is damaged, a warning names it, and the one before it is used. If the next checkpoint will not
    fit on the disk, a warning says how much space is needed and how much is free. With `use_ema`,
    checkpoints contain the weights in training and their averages, which replace them at the end.

    On SIGTERM, which a preemptible machine receives before it is reclaimed, `fit` finishes the
    step, writes a checkpoint and raises `Interrupted`. This works only in the main thread.

    With several workers (`strategy("multi_worker")`), each executes the same program, and calls
    this function with the same data and settings. Only the chief reads and writes checkpoints and
    shows the progress. Callbacks are called on every worker, because they may change the training,
    except Keras' callbacks that only write files or show the progress, which the chief alone calls;
    if one worker receives SIGTERM or ends the training, so do all. If a worker stops or hangs, the
    others raise an error within a minute. A checkpoint can be resumed with any number of workers
    and replicas.

    EarlyStopping, ReduceLROnPlateau, ModelCheckpoint and SwapEMAWeights resume with their state. So
    do other callbacks that have two methods: `get_state()`, which returns JSON values and NumPy
    arrays, nested in lists and in dictionaries with string keys, and `set_state(state)`, which is
    called after `on_train_begin` and, in the middle of an epoch, after `on_epoch_begin`.

    Args:
        model: a model compiled with an optimizer and a loss, inside the scope of the strategy.
        train: batches `(inputs, labels)` of known cardinality, `labels` int
            `(batch, target_length)`. Under a strategy they are the global batches, and each replica
            takes its share of the rows of each; shuffle with a seed, so that all workers have the
            same batches. If the auto-sharding policy of the dataset is OFF, as with
            `data.batches(num_shards=...)`, they are the rows that this worker has of each batch:
            rows w, w + W, w + 2W, ... on worker w of W, also for a model that carries its state.
        dev: batches for evaluation after each epoch, or None.
        epochs: number of passes over `train`, including those of an interrupted run; at least 0.
        directory: the folder for the checkpoints; created if missing. Those of an earlier run are
            removed when the first new one is written, unless it is resumed.
        resume: whether to continue from the checkpoint in `directory`, if there is one, instead
            of starting from the first batch. Weights, optimizer, random seeds, metrics, carried
            state, the callbacks' state, `stop_training` and the position in the data then come from
            the checkpoint. A learning rate comes from it too, but a schedule from the compiled
            model; a warning says so if either has changed.
        settings: values that must not change when the run is resumed, such as hyperparameters and a
            `fingerprint` of the data: JSON values by name. `epochs` and `learning_rate` may change.
            None for no comparison.
        checkpoint_every: number of steps between checkpoints within an epoch, at least 1; "auto" to
            write one every minute, or less often if checkpoints would take more than 3% of the
            time; None to write one only after each epoch.
        keep_checkpoints: number of most recent checkpoints to keep, at least 1. The disk must have
            room for one more.
        keep_weights: number of most recent epochs whose weights are also kept, for
            `Checkpoint(directory).average_weights(model)`.
        callbacks: Keras callbacks, except BackupAndRestore, which `resume` replaces.

    Returns:
        The `History`, including that of an interrupted run.

    Raises:
        InputError: if the model is not compiled or overrides `train_step` or `test_step`, an
            argument is out of range, the batches are not pairs or the cardinality of `train` is
            unknown, the directory cannot be written to or another run uses it, all checkpoints are
            damaged or the last one does not fit the model, the disk is full, the loss or a weight
            is NaN or infinite or the loss has exploded (the previous checkpoint is kept), the
            batches come from an encoded corpus with a damaged record, or the
            optimizer has `gradient_accumulation_steps` or `ema_overwrite_frequency` on several
            replicas, where Keras cannot apply them, or a worker differs from the chief in its
            settings, its number of batches or the first batch, or is lost.
        Interrupted: on SIGTERM, once a checkpoint is written.
    """
    epochs = check_integer("epochs", epochs, minimum=0)
    resume = check_flag("resume", resume)
    if checkpoint_every not in (None, "auto"):
        checkpoint_every = check_integer("checkpoint_every", checkpoint_every, minimum=1)
    keep_checkpoints = check_integer("keep_checkpoints", keep_checkpoints, minimum=1)
    keep_weights = check_integer("keep_weights", keep_weights, minimum=0)
    settings = check_settings(settings)
    callbacks = check_callbacks(callbacks)
    _check_training(model, train, dev)
    termination = Termination()
    workers = Workers(model.distribute_strategy)
    if not workers.is_chief:
        callbacks = quiet(callbacks)
    with (
        open_checkpoint(directory, keep_checkpoints, workers.is_chief) as checkpoint,
        explain_lost_worker(workers, checkpoint.directory),
        explain_unreadable_data(),
    ):
        if workers.count > 1:
            _check_same(workers, model, train, dev, settings, epochs, resume, checkpoint_every)
        hooks = keras.callbacks.CallbackList(
            callbacks,
            add_history=True,
            add_progbar=workers.is_chief,
            model=model,
            verbose=1,
            epochs=epochs,
            steps=int(train.cardinality()),
        )
        run = Run(model, train, hooks, checkpoint, keep_weights, termination, settings)
        if resume:
            run.restore()
        else:
            run.announce_removal()
        run.check_space()
        with termination, run.explain_interrupt():
            run.begin()
            while run.epoch < epochs and (run.step or not run.stopped):
                _train_epoch(run, dev, checkpoint_every)
            if epochs and isinstance(model.optimizer, keras.optimizers.Optimizer):
                model.optimizer.finalize_variable_values(model.trainable_variables)
            hooks.on_train_end(run.epoch_logs)
        return run.history


def _train_epoch(run: Run, dev, checkpoint_every) -> None:
    """Train to the end of the epoch, evaluate and write a checkpoint, with Keras' hooks."""
    model, hooks = run.model, run.hooks
    if not run.step:
        hooks.on_epoch_begin(run.epoch)
    while run.step < run.steps and not (run.step and model.stop_training):
        begin, count = run.step, model.steps_per_execution
        if isinstance(checkpoint_every, int):
            count = min(count, checkpoint_every - begin % checkpoint_every)
        hooks.on_train_batch_begin(begin)
        logs = run.take_steps(min(count, run.steps - begin))
        # Keras numbers the last batches as if `steps_per_execution` of them were left.
        end = run.step if run.step < run.steps else begin + count
        run.same_data.check()
        hooks.on_train_batch_end(end - 1, logs)
        terminated, due = run.agree(checkpoint_every)
        run.check_losses()  # after all have agreed on `stop_training`
        if terminated:
            run.terminate()
        if due:
            run.save()
    logs = run.logs()
    if dev is not None:
        logs |= {f"val_{name}": value for name, value in run.evaluate(dev, hooks).items()}
        if run.agree()[0]:
            run.terminate()  # the evaluation ended early: repeat it after resuming
    run.epoch_logs = logs
    # Before the checkpoint, so that it includes what callbacks have changed.
    hooks.on_epoch_end(run.epoch, logs)
    for name, values in model.history.history.items():  # callbacks may have added some
        run.history.history.setdefault(name, []).append(values[-1])
    terminated, _ = run.agree()
    run.next_epoch()
    run.save()
    if terminated:
        run.terminate()


def evaluate(model: keras.Model, dataset: tf.data.Dataset) -> dict[str, float]:
    """Compute the loss and the compiled metrics of a model over a dataset.

    A model that carries its state runs on one device, since its batches may have a single row. Its
    metrics get one word per row, `(batch * length, 1)`, so that their values do not depend on the
    length of the batches. With several workers, all of them must call this function.

    Args:
        model: a compiled model, see `fit`. Its metrics keep their state.
        dataset: batches `(inputs, labels)`, at least one.

    Returns:
        Values by name: the compiled metrics, and `loss`, the mean loss of the batches, which Keras
        weights by their numbers of rows. For a model that carries its state, `loss` is the mean
        cross-entropy per word in nats.

    Raises:
        InputError: if the model is not compiled or overrides `test_step`, or if the dataset is
            empty or does not have pairs.
    """
    if not model.compiled:
        raise InputError("The model has no loss and no metrics to evaluate: call `compile` first.")
    _check_steps(model, "test_step")
    _check_pairs("dataset", dataset)
    with explain_lost_worker(Workers(model.distribute_strategy)), explain_unreadable_data():
        return evaluator(model)(dataset)


def gradient_norm(model: keras.Model, inputs: dict[str, tf.Tensor], labels: tf.Tensor) -> float:
    """Compute the norm of the gradient of the loss over all weights, in training mode.

    Args:
        model: a compiled model that does not carry a state.
        inputs, labels: a batch, see `fit`.
    """
    with tf.GradientTape() as tape:
        logits = model(inputs, training=True)
        loss = model.compute_loss(x=inputs, y=labels, y_pred=logits, training=True)
    gradients = tape.gradient(loss, model.trainable_variables)
    return float(tf.linalg.global_norm([tf.convert_to_tensor(g) for g in gradients]))


def _check_training(model, train, dev) -> None:
    """Refuse a model or data that cannot be trained with."""
    if not model.compiled:
        raise InputError(
            "The model has no loss and no optimizer to train with: call `compile` first."
        )
    _check_steps(model, "train_step", "test_step")
    check_replicas(model)
    if int(train.cardinality()) < 1:
        raise InputError(
            "`train` must have a known, finite number of batches, at least one; set it with "
            "`tf.data.experimental.assert_cardinality`."
        )
    _check_pairs("train", train)
    _check_pairs("dev", dev)
    check_dataset("dev", dev, model)


def _check_same(workers, model, train, dev, settings, epochs, resume, checkpoint_every) -> None:
    """Refuse what would make the workers take different steps, and wait for each other."""
    batches = {"train": train, "dev": dev}
    workers.check_same(
        {
            **(settings or {}),
            "epochs": epochs,
            "resume": resume,
            "checkpoint_every": checkpoint_every,
            "steps_per_execution": model.steps_per_execution,
            "rows per batch": train.element_spec[1].shape[0] if carries_state(model) else None,
            **{
                f"len({name})": None if dataset is None else int(dataset.cardinality())
                for name, dataset in batches.items()
            },
        }
    )


def _check_steps(model, *names) -> None:
    for name in names:
        known = getattr(keras.Model, name), getattr(SequenceModel, name)
        if getattr(type(model), name) not in known:
            raise InputError(
                f"{type(model).__name__} defines its own `{name}`, which only Keras' `fit` and "
                "`evaluate` call: override `compute_loss` or `compute_metrics` instead."
            )


def _check_pairs(name, dataset) -> None:
    spec = getattr(dataset, "element_spec", None)
    if isinstance(spec, tuple) and len(spec) != 2:
        raise InputError(
            f"The batches of `{name}` must be pairs `(inputs, labels)`, got {len(spec)} parts: "
            "leave sample weights out, or use Keras' `fit` and `evaluate`."
        )
