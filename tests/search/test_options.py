import dataclasses
import typing

import numpy as np
import pytest
from helpers import defaults

from tf_seq2seq import InputError, SearchOptions
from tf_seq2seq.search import GREEDY, Constraints, MinLength
from tf_seq2seq.search.constraints import NO_CONSTRAINTS
from tf_seq2seq.search.options import SearchKeywords


@pytest.mark.parametrize("cls", [SearchOptions, Constraints])
def test_options_are_keywords(cls):
    with pytest.raises(TypeError, match="positional"):
        cls(5)


def test_numpy_scalars_become_plain_numbers():
    options = SearchOptions(
        beam_width=np.int64(4),
        n_best=np.int32(2),
        length_penalty=np.float32(0.5),
        coverage_penalty=np.float64(0.25),
        replace_unknown=np.True_,
        constraints=Constraints(min_length=np.int8(1), forbid_unknown=np.False_),
    )
    assert options == SearchOptions(
        beam_width=4,
        n_best=2,
        length_penalty=0.5,
        coverage_penalty=0.25,
        replace_unknown=True,
        constraints=Constraints(min_length=1),
    )
    for value in (*dataclasses.astuple(options)[:-1], *vars(options.constraints).values()):
        assert type(value) in (int, float, bool, tuple)


@pytest.mark.parametrize(
    "options",
    [
        {"beam_width": 0},
        {"beam_width": "3"},
        {"beam_width": 3.0},
        {"beam_width": True},
        {"n_best": 0},
        {"n_best": 2},
        {"length_penalty": -1},
        {"length_penalty": "bogus"},
        {"length_penalty": [1]},
        {"length_penalty": float("nan")},
        {"coverage_penalty": -3},
        {"coverage_penalty": float("inf")},
        {"replace_unknown": 1},
        {"constraints": 3},
        {"constraints": None},
    ],
    ids=str,
)
def test_values_out_of_range(options):
    ((name, value),) = options.items()
    with pytest.raises(
        InputError, match=rf"^`{name}` must be .*, got .*{value!s}".replace("[", ".")
    ):
        SearchOptions(**options)


def test_replacing_fields_and_fields_of_the_constraints():
    options = SearchOptions(beam_width=3, constraints=Constraints(min_length=2))
    replaced = options.replace(n_best=2, no_repeat_ngram=3)
    assert replaced == SearchOptions(
        beam_width=3, n_best=2, constraints=Constraints(min_length=2, no_repeat_ngram=3)
    )
    assert options.replace() == options
    other = Constraints(forbid_unknown=True, others=[MinLength(1)])
    assert options.replace(constraints=other).constraints == other
    assert GREEDY == SearchOptions() == SearchOptions().replace(beam_width=1)


def test_an_unknown_option_is_named_with_those_that_exist():
    with pytest.raises(TypeError, match=r"no search option 'beams'.* beam_width, .* others"):
        GREEDY.replace(beams=4)


def test_the_keywords_are_the_fields():
    fields = {
        field.name for cls in (SearchOptions, Constraints) for field in dataclasses.fields(cls)
    }
    assert set(typing.get_type_hints(SearchKeywords)) == fields


def test_the_defaults():
    assert defaults(SearchOptions) == {
        "beam_width": 1,
        "n_best": 1,
        "length_penalty": 1.0,
        "coverage_penalty": 0.0,
        "replace_unknown": False,
        "constraints": NO_CONSTRAINTS,
    }
    assert SearchOptions() == GREEDY
