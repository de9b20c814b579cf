import dataclasses

import numpy as np
import pytest

from tf_seq2seq.translation import Translation


def test_the_length_is_the_number_of_tokens_unless_it_is_given():
    assert Translation("", 0.0).target_length is None
    assert Translation("", 0.0, target_length=0).target_length == 0
    assert Translation("甲", -1.0, (), ("甲", "<eos>")).target_length == 2
    assert Translation("甲", -1.0, target_length=2).target_length == 2


def test_translations_are_compared_without_their_alignments():
    first, second = (Translation("甲", -1.0, alignment=np.zeros([2, n])) for n in (2, 3))
    assert first == second
    assert len({first, second}) == 1
    assert first != Translation("乙", -1.0)
    assert first != Translation("甲", -2.0)


def test_a_translation_does_not_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Translation("甲", -1.0).text = "乙"
