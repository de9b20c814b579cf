import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import random_batch, small_model

from tf_seq2seq import Decoder, Encoder, Ensemble, Seq2Seq, search


def three():
    return [
        small_model("additive_current", "lstm"),
        small_model("dot_previous", "gru", num_layers=2),
        small_model("context_alone"),
    ]


def test_probabilities_are_the_mean_of_the_members():
    members, (inputs, _) = three(), random_batch()
    together = tf.exp(Ensemble(members)(inputs))
    each = [tf.nn.softmax(member(inputs)) for member in members]
    np.testing.assert_allclose(together, sum(each) / 3, rtol=1e-5)


def test_steps_equal_the_whole_target_at_once():
    ensemble, (inputs, _) = Ensemble(three()), random_batch()
    state, memory = ensemble.encode(inputs["source"])
    found = search.forced(
        lambda ids, state: ensemble.step(ids, state, memory),
        state,
        np.roll(inputs["target"], -1, axis=1)[:, :-1],
        start=inputs["target"][:, 0].astype("int32"),
    )
    log_p = ensemble(inputs)[:, :-1]
    expected = tf.gather(log_p, found.ids, batch_dims=2) * tf.cast(found.ids != 0, tf.float32)
    np.testing.assert_allclose(found.scores, tf.reduce_sum(expected, axis=1), atol=1e-5)


def test_weights_are_the_mean_of_those_with_attention():
    members, (inputs, _) = three(), random_batch()
    ids = tf.fill([3], 2)

    def weights(model):
        state, memory = model.encode(inputs["source"])
        return model.step(ids, state, memory)[1]

    np.testing.assert_allclose(
        weights(Ensemble(members)), (weights(members[0]) + weights(members[1])) / 2, rtol=1e-5
    )
    assert Ensemble(members).aligns
    assert not Ensemble(members[2:]).aligns
    assert weights(Ensemble(members[2:])) is None


@pytest.mark.parametrize("width", [1, 4])
def test_the_same_model_twice_writes_what_it_writes_alone(width):
    model, source = small_model("additive_previous"), random_batch()[0]["source"]

    def write(model):
        state, memory = model.encode(source)
        memory = search.repeat_rows(memory, width)
        return search.beam(
            lambda ids, state: model.step(ids, state, memory),
            state,
            3,
            8,
            width=width,
            aligned=True,
        )

    for ours, theirs in zip(write(Ensemble([model, model])), write(model), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_save_and_load(tmp_path):
    ensemble, (inputs, _) = Ensemble(three()), random_batch()
    ensemble.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded(inputs), ensemble(inputs))


def test_members_must_share_their_vocabularies():
    other = Seq2Seq(Encoder(20, 8), Decoder(16, 8))
    with pytest.raises(ValueError, match=r"\(20, 15\), \(20, 16\)"):
        Ensemble([small_model("initial_state"), other])
    with pytest.raises(ValueError, match="must be models such as Seq2Seq, got 'model'"):
        Ensemble(["model"])
    with pytest.raises(ValueError, match="at least one"):
        Ensemble([])


def test_an_ensemble_cannot_be_trained():
    with pytest.raises(ValueError, match="cannot be trained; train its members"):
        Ensemble(three())(random_batch()[0], training=True)


def test_inputs_that_are_no_dict_of_source_and_target():
    with pytest.raises(ValueError, match=r"^The inputs must be a dict"):
        Ensemble(three())(list(random_batch()[0].values()))


def test_candidates_of_an_ensemble_are_masked_in_each_member():
    ensemble, candidates = Ensemble(three()), [0, 1, 2, 3, 7, 11]
    assert ensemble.takes_candidates
    mask = np.zeros([3, 6], "float32")
    mask[1, 4] = -np.inf
    inputs, _ = random_batch()
    state, memory = ensemble.encode(inputs["source"])
    places = tf.constant([4, 2, 5])
    step = ensemble.stepper(candidates=tf.constant(candidates))
    log_p = step(places, state, (memory, tf.constant(mask)))[0]
    np.testing.assert_allclose(np.exp(log_p).sum(axis=1), 1.0, rtol=1e-5)
    probabilities = [
        tf.nn.softmax(
            tf.gather(member.step(tf.gather(candidates, places), *parts)[0], candidates, axis=1)
            + mask
        )
        for member, *parts in zip(ensemble.members, state, memory, strict=True)
    ]
    np.testing.assert_allclose(np.exp(log_p), np.mean(probabilities, axis=0), atol=1e-6)


def test_a_member_that_does_not_take_candidates():
    class Older(Seq2Seq):
        def stepper(self, width=1):
            return super().stepper(width)

    older = Older(Encoder(20, 8), Decoder(15, 8))
    assert not older.takes_candidates
    assert not Ensemble([small_model("initial_state"), older]).takes_candidates
