import pytest

from tf_seq2seq.data import Pairs
from tf_seq2seq.errors import InputError


def test_pairs_are_tuples_that_can_be_iterated_and_sliced():
    pairs = Pairs(["a", "b", "c"], (side for side in "ABC"))
    assert (pairs.source, pairs.target) == (("a", "b", "c"), ("A", "B", "C"))
    assert list(pairs) == [("a", "A"), ("b", "B"), ("c", "C")]
    assert pairs[1:] == Pairs(["b", "c"], ["B", "C"])
    assert len(pairs[:0]) == 0


def test_sides_of_different_lengths_are_refused():
    with pytest.raises(TypeError, match="got the string 'ab'"):  # not two sentences
        Pairs("ab", ["a", "b"])
    with pytest.raises(InputError, match="got 2 source and 1 target sentences"):
        Pairs(["a", "b"], ["A"])


@pytest.mark.parametrize("sides", [(["a", None], ["A", "B"]), (["a", "b"], ["A", float("nan")])])
def test_empty_cells_of_a_table_are_refused(sides):
    with pytest.raises(TypeError, match=r"must hold one string .*, got (None|nan) at position 1"):
        Pairs(*sides)
