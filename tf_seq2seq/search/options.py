"""The options of a search."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, Literal, Unpack, cast

from tf_seq2seq.checks import check_flag, check_integer, check_number
from tf_seq2seq.errors import InputError
from tf_seq2seq.search.constraints import (
    NO_CONSTRAINTS,
    ConstraintKeywords,
    Constraints,
    check_constraints,
)

LengthPenalty = float | Literal["average"]


class SearchKeywords(ConstraintKeywords, total=False):
    """The type of search options as keywords: those of `SearchOptions` and `Constraints`."""

    beam_width: int
    n_best: int
    length_penalty: LengthPenalty
    coverage_penalty: float
    replace_unknown: bool
    constraints: Constraints


@dataclasses.dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """How to search for a translation: greedily, or with a beam (see `search.beam`).

    Args:
        beam_width: the number of hypotheses to follow; 1 is greedy search.
        n_best: the number of hypotheses to return, at most `beam_width`.
        length_penalty: alpha of the length normalization, 0 for none, or `"average"`. No effect on
            greedy search.
        coverage_penalty: beta, for models with attention. No effect on greedy search.
        replace_unknown: whether to replace `<unk>` in a translation with the source word that has
            the largest attention weight (Luong et al. 2015, "Addressing the Rare Word Problem").
        constraints: what the search must not write (see `Constraints`).

    Raises:
        InputError: if an argument is invalid.

    Example:

    >>> options = SearchOptions(beam_width=5, constraints=Constraints(no_repeat_ngram=3))
    >>> options == SearchOptions().replace(beam_width=5, no_repeat_ngram=3)
    True
    """

    beam_width: int = 1
    n_best: int = 1
    length_penalty: LengthPenalty = 1.0
    coverage_penalty: float = 0.0
    replace_unknown: bool = False
    constraints: Constraints = NO_CONSTRAINTS

    def __post_init__(self):
        beam_width, n_best = check_widths("beam_width", self.beam_width, self.n_best)
        checked = {
            "beam_width": beam_width,
            "n_best": n_best,
            "length_penalty": check_length_penalty(self.length_penalty),
            "coverage_penalty": check_number("coverage_penalty", self.coverage_penalty, minimum=0),
            "replace_unknown": check_flag("replace_unknown", self.replace_unknown),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        check_constraints(self.constraints)

    def replace(self, **keywords: Unpack[SearchKeywords]) -> SearchOptions:
        """Return a copy with some options replaced.

        Args:
            **keywords: arguments of this class, or of `Constraints`, which replace single fields
                of `constraints`.

        Raises:
            InputError: if a value is invalid.
            TypeError: if there is no such option.
        """
        names = [[field.name for field in dataclasses.fields(c)] for c in (type(self), Constraints)]
        for name in keywords:
            if not any(name in each for each in names):
                known = ", ".join(sorted(itertools.chain(*names)))
                raise TypeError(f"There is no search option {name!r}; the options are {known}.")
        given, flat = (
            {name: value for name, value in cast(dict[str, Any], keywords).items() if name in each}
            for each in names
        )
        options = dataclasses.replace(self, **given)
        if flat:
            constraints = dataclasses.replace(options.constraints, **flat)
            options = dataclasses.replace(options, constraints=constraints)
        return options


def check_options(name: str, value: Any) -> SearchOptions:
    """Return the argument `name` if it is `SearchOptions`."""
    if not isinstance(value, SearchOptions):
        raise InputError(f"`{name}` must be SearchOptions, got {value!r}.")
    return value


def check_widths(name: str, width: Any, n_best: Any) -> tuple[int, int]:
    """Return the width of a beam, the argument `name`, and `n_best` as `int`."""
    width = check_integer(name, width, minimum=1)
    n_best = check_integer("n_best", n_best, minimum=1)
    if n_best > width:
        raise InputError(
            f"`n_best` must be at most `{name}`, got n_best={n_best} and {name}={width}."
        )
    return width, n_best


def check_length_penalty(value: Any) -> LengthPenalty:
    """Return `"average"`, or the penalty as a `float`."""
    if isinstance(value, str):
        if value != "average":
            raise InputError(
                f"`length_penalty` must be a number of at least 0 or 'average', got {value!r}."
            )
        return "average"
    return check_number("length_penalty", value, minimum=0)


def check_sampling(
    temperature: Any, top_k: Any, top_p: Any
) -> tuple[float, int | None, float | None]:
    """Return the options of `search.sample` as plain numbers."""
    return (
        check_number("temperature", temperature, above=0),
        None if top_k is None else check_integer("top_k", top_k, minimum=1),
        None if top_p is None else check_number("top_p", top_p, maximum=1, above=0),
    )


GREEDY = SearchOptions()
