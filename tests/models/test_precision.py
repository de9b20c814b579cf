import numpy as np
import pytest
from helpers import random_batch, small_model

from tf_seq2seq import Ensemble, InputError
from tf_seq2seq.models.precision import in_precision


def test_all_layers_of_all_members_compute_in_the_precision():
    members = [small_model("additive_current"), small_model("initial_state", "lstm")]
    copy = in_precision(Ensemble(members), "bfloat16")
    for member, original in zip(copy.members, members, strict=True):
        layers = [layer for layer in member._flatten_layers() if layer.weights]
        assert {layer.compute_dtype for layer in layers} == {"bfloat16"}
        for ours, theirs in zip(member.get_weights(), original.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_there_and_back_again():
    model, (inputs, _) = small_model("dot_previous"), random_batch()
    again = in_precision(in_precision(model, "bfloat16"), "float32")
    np.testing.assert_array_equal(again(inputs), model(inputs))


def test_what_is_refused():
    with pytest.raises(InputError, match="`precision` must be 'float32' or 'bfloat16', got 'half'"):
        in_precision(small_model("initial_state"), "half")
    with pytest.raises(InputError, match="Only a Keras model can be copied in another precision"):
        in_precision(object(), "float32")
