import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import small_model

from tf_seq2seq import training
from tf_seq2seq.training import FusedAdam
from tf_seq2seq.training.checkpoint import training_variables

Adam = keras.optimizers.Adam
OPTIONS = {
    "defaults": {},
    "other constants": {"beta_1": 0.8, "beta_2": 0.98, "epsilon": 1e-3},
    "clipnorm": {"clipnorm": 0.1},
    "clipvalue": {"clipvalue": 0.1},
    "global_clipnorm": {"global_clipnorm": 0.1},
    "weight decay": {"weight_decay": 0.1},
    "averages": {"use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    "accumulation": {"gradient_accumulation_steps": 2},
    "a scale": {"loss_scale_factor": 64.0},
    "amsgrad": {"amsgrad": True},
    "a schedule": {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.01, 2, 0.5)},
}


def after_steps(kind, options, sparse=False, wrap=lambda optimizer: optimizer):
    """Return the weights and the optimizer's variables after four steps."""
    rng = np.random.default_rng(1)
    weights = [keras.Variable(rng.normal(size=shape), dtype="float32") for shape in [(5, 3), (4,)]]
    optimizer = wrap(kind(**{"learning_rate": 0.01, **options}))
    optimizer.build(weights)
    for _ in range(4):
        gradients = [tf.constant(rng.normal(size=w.shape), tf.float32) for w in weights]
        if sparse:  # as for the embeddings of the words 3, 0 and 3
            gradients[0] = tf.IndexedSlices(gradients[0][:3], tf.constant([3, 0, 3]), [5, 3])
        optimizer.apply_gradients(zip(gradients, weights, strict=True))
    return [w.numpy() for w in weights], [v.numpy() for v in optimizer.variables]


def compare(options, **more):
    (expected, *others), (found, *ours) = (
        after_steps(kind, options, **more) for kind in (Adam, FusedAdam)
    )
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-6)
    for a, b in zip(*ours, *others, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", OPTIONS)
def test_same_numbers_as_keras(name):
    compare(OPTIONS[name])


def test_sparse_gradients():
    compare({}, sparse=True)


def test_loss_scaling():
    compare({}, wrap=keras.optimizers.LossScaleOptimizer)


def test_half_precision_variables():
    weight = keras.Variable(np.ones(3), dtype="bfloat16")
    optimizer = FusedAdam(0.5, beta_2=0.9)
    optimizer.build([weight])
    optimizer.apply_gradients([(tf.ones(3), weight)])
    np.testing.assert_allclose(tf.cast(weight.value, "float32"), 0.5, atol=0.02)


def test_replicas():
    """Each replica has its own copy of the variables."""
    strategy = training.strategy("mirrored")
    results = []
    for kind in (Adam, FusedAdam):
        with strategy.scope():
            weight = keras.Variable(np.ones([3], "float32"))
            optimizer = kind(0.1, global_clipnorm=1.0)
            optimizer.build([weight])

        @tf.function(autograph=False)
        def step(optimizer=optimizer, weight=weight):
            index = tf.distribute.get_replica_context().replica_id_in_sync_group
            gradient = tf.constant([1.0, 2.0, 3.0]) * tf.cast(index + 1, tf.float32)
            optimizer.apply_gradients([(gradient, weight)])

        for _ in range(2):
            strategy.run(step)
        results.append([part.numpy() for part in weight.value.values])
    np.testing.assert_allclose(results[1], results[0], rtol=1e-4)
    np.testing.assert_array_equal(*results[1])


def test_saved_model_goes_on(tmp_path):
    def one_more(model):
        model.optimizer.apply_gradients(
            [(tf.ones(weight.shape), weight) for weight in model.trainable_variables]
        )
        return model.get_weights()

    model = small_model("initial_state")
    model.compile(FusedAdam(0.1, beta_1=0.5, global_clipnorm=1.0))
    one_more(model)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.optimizer) is FusedAdam
    assert again.optimizer.get_config() == model.optimizer.get_config()
    for a, b in zip(one_more(again), one_more(model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_checkpoint_of_keras_can_be_resumed():
    names = []
    for optimizer in (Adam(), FusedAdam()):
        model = small_model("initial_state")
        model.compile(optimizer)
        optimizer.build(model.trainable_variables)
        names.append(list(training_variables(model)))
    assert names[0] == names[1]
