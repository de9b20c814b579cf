import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import SYSTEMS, pad_columns, random_batch, small_model, spread

from tf_seq2seq import Decoder, Encoder, Seq2Seq, SequenceCrossEntropy


def padded(inputs, labels, columns):
    return {k: pad_columns(v, columns) for k, v in inputs.items()}, pad_columns(labels, columns)


@pytest.mark.parametrize(("system", "cell"), spread(7, SYSTEMS, ["gru", "lstm"]))
def test_padding_changes_neither_loss_nor_logits(system, cell):
    model = small_model(system, cell, num_layers=2, bidirectional=True)
    inputs, labels = random_batch()
    logits = np.array(model(inputs))
    loss = SequenceCrossEntropy()
    more_inputs, more_labels = padded(inputs, labels, 20)
    more_logits = np.array(model(more_inputs))
    np.testing.assert_allclose(more_logits[:, : logits.shape[1]], logits, atol=1e-5)
    np.testing.assert_allclose(loss(more_labels, more_logits), loss(labels, logits), rtol=1e-5)

    for row, (source_length, target_length) in enumerate(((6, 5), (4, 3), (1, 5))):
        alone = model(
            {
                "source": inputs["source"][row : row + 1, :source_length],
                "target": inputs["target"][row : row + 1, :target_length],
            }
        )
        np.testing.assert_allclose(alone[0], logits[row, :target_length], atol=1e-5)


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_fit_and_evaluate_in_both_graph_modes(run_eagerly):
    model = small_model("additive_current", dropout=0.1)
    inputs, labels = random_batch()
    model.compile(keras.optimizers.Adam(0.03), run_eagerly=run_eagerly)
    before = model.evaluate(inputs, labels, verbose=0, return_dict=True)
    assert set(before) == {"loss", "perplexity", "token_accuracy"}
    np.testing.assert_allclose(before["perplexity"], np.exp(before["loss"]), rtol=1e-4)
    model.fit(inputs, labels, epochs=5, verbose=0)
    assert model.evaluate(inputs, labels, verbose=0, return_dict=True)["loss"] < before["loss"]


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_weight_is_trained(system):
    model = small_model(system, "lstm", num_layers=2, bidirectional=True)
    inputs, labels = random_batch()
    with tf.GradientTape() as tape:
        loss = SequenceCrossEntropy()(labels, model(inputs, training=True))
    for weight, gradient in zip(
        model.trainable_weights, tape.gradient(loss, model.trainable_weights), strict=True
    ):
        assert gradient is not None, weight.path
        gradient = tf.convert_to_tensor(gradient)
        assert np.isfinite(gradient).all(), weight.path
        assert np.any(gradient), weight.path


def test_loaded_model_takes_the_same_next_step(tmp_path):
    """The optimizer's state is saved too."""
    model = small_model("additive_current")
    inputs, labels = random_batch()
    model.compile(keras.optimizers.Adam(0.01))
    model.fit(inputs, labels, verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, again):
        each.fit(inputs, labels, verbose=0)
    np.testing.assert_allclose(again(inputs), model(inputs), atol=1e-6)


def test_a_frozen_encoder_stays_frozen_when_the_model_is_loaded(tmp_path):
    model = small_model("initial_state")
    model.encoder.trainable = False
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, again, Seq2Seq.from_config(model.get_config())):
        assert len(each.weights) - len(each.trainable_weights) == len(model.encoder.weights) == 4


@pytest.mark.parametrize("system", ["initial_state", "additive_current", "dot_previous"])
def test_a_half_precision_model_keeps_its_dtypes_when_loaded(system, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    model = small_model(system, "lstm", bidirectional=True)
    inputs, _ = random_batch()
    expected = model(inputs)
    assert expected.dtype == "bfloat16"
    model.save(tmp_path / "model.keras")
    keras.config.set_dtype_policy("float32")
    again = keras.saving.load_model(tmp_path / "model.keras")
    found = again(inputs)
    assert found.dtype == "bfloat16"
    np.testing.assert_array_equal(*(tf.cast(each, "float32") for each in (found, expected)))


def test_sample_weights_are_refused():
    model = small_model("initial_state")
    inputs, labels = random_batch()
    model.compile()
    with pytest.raises(ValueError, match="leave `sample_weight` and `class_weight` out"):
        model.fit(inputs, labels, sample_weight=np.ones(3), verbose=0)


def test_config_round_trip():
    model = small_model("additive_previous", bridge="zeros")
    again = type(model).from_config(model.get_config())
    assert again.bridge.kind == "zeros"
    assert again.decoder.get_config() == model.decoder.get_config()


@pytest.mark.parametrize(
    ("wrong", "got"),
    [
        (lambda source, target: [source, target], r"a tensor of shape \(3, 6\), a tensor"),
        (lambda source, target: source, r"a tensor of shape \(3, 6\)"),
        (lambda source, target: {"source": source}, r"\['source'\]"),
    ],
)
def test_inputs_that_are_no_dict_of_source_and_target(wrong, got):
    model, (inputs, labels) = small_model("initial_state"), random_batch()
    wrong = wrong(inputs["source"], inputs["target"])
    message = rf'^The inputs must be a dict, {{"source": .*got .*{got}'
    with pytest.raises(ValueError, match=message):
        model(wrong)
    model.compile()
    with pytest.raises(ValueError, match="The inputs must be a dict"):
        model.fit(wrong, labels, verbose=0)


def test_parts_of_the_wrong_kind():
    with pytest.raises(ValueError, match="`encoder` must be an Encoder layer"):
        Seq2Seq(Decoder(9, 4), Decoder(9, 4))
    with pytest.raises(ValueError, match="`decoder` must be a Decoder"):
        Seq2Seq(Encoder(9, 4), None)
    with pytest.raises(ValueError, match="`kind` must be 'dense', 'copy' or 'zeros', got 'wide'"):
        Seq2Seq(Encoder(9, 4), Decoder(9, 4), "wide")
