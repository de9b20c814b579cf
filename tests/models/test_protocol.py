import numpy as np
import pytest
import tensorflow as tf
from helpers import small_model

from tf_seq2seq import Ensemble, LanguageModel, search
from tf_seq2seq.models import TextGenerator, TranslationModel


class Echo:
    """A minimal translation model: it copies the source, word for word."""

    source_vocabulary_size = target_vocabulary_size = 9
    aligns = False
    recurrent_layers = ()

    def encode(self, source):
        return tf.zeros([len(source)], tf.int32), tf.constant(source)

    def stepper(self, width=1):
        def step(previous, state, memory):
            ids = tf.gather(search.repeat_rows(memory, width), state, batch_dims=1)
            return tf.math.log(tf.one_hot(ids, 9)), None, state + 1

        return step

    def context(self, source):
        return tf.zeros([len(source), 1])


def test_the_models_follow_the_protocols():
    model = small_model("initial_state")
    assert isinstance(model, TranslationModel)
    assert isinstance(Ensemble([model]), TranslationModel)
    assert isinstance(Echo(), TranslationModel)
    assert isinstance(LanguageModel(12, 6), TextGenerator)
    assert not isinstance(LanguageModel(12, 6), TranslationModel)


def test_a_minimal_model_can_be_searched():
    model, source = Echo(), [[5, 6, 7, 3], [8, 3, 0, 0]]
    state, memory = model.encode(source)
    found = search.greedy(model.stepper(), state, 2, 4, memory=memory)
    np.testing.assert_array_equal(found.ids, source)
    found = search.beam(model.stepper(2), state, 2, 4, memory=memory, width=2)
    np.testing.assert_array_equal(found.ids[:, 0], source)


@pytest.mark.parametrize("missing", ["encode", "stepper", "context"])
def test_a_model_without_a_method_does_not_follow(missing):
    members = {name: value for name, value in vars(Echo).items() if name != missing}
    assert not isinstance(type("Part", (), members)(), TranslationModel)
