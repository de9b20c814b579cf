"""The options of a search in commands."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tf_seq2seq.cli.settings import setting
from tf_seq2seq.errors import InputError

if TYPE_CHECKING:
    from tf_seq2seq.data import Pairs
    from tf_seq2seq.search import SearchOptions
    from tf_seq2seq.translator import Translator


@dataclasses.dataclass(frozen=True)
class SearchSettings:
    """Settings of the commands that search for translations; each command adds its own."""

    beam_width: int | None = setting(
        None, "hypotheses to follow (default: 1, greedy search)", least=1
    )
    length_penalty: str | None = setting(
        None, "alpha of the length normalization of a beam, or average (default: 1.0)"
    )
    coverage_penalty: float | None = setting(
        None, "beta of a beam, for models with attention (default: 0)", least=0
    )
    no_repeat_ngram: int | None = setting(
        None, "length of n-grams that may not occur twice (default: 0, all may)", least=0
    )
    min_length: int | None = setting(
        None, "minimum number of tokens of a translation (default: 0)", least=0
    )
    forbid_unknown: bool = setting(False, "never write <unk>")
    replace_unknown: bool = setting(
        False, "replace <unk> with the source word with the largest attention weight"
    )

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        """Yield reasons, each with the options that have no effect because of it."""
        if self.beam_width in (None, 1):
            yield "without a --beam-width of at least 2", ("length_penalty", "coverage_penalty")

    def given(self) -> dict[str, Any]:
        """Return the options that differ from the defaults of `SearchOptions`, by name."""
        names = [field.name for field in dataclasses.fields(SearchSettings)]
        values = {name: getattr(self, name) for name in names}
        given = {name: value for name, value in values.items() if value not in (None, False)}
        if "length_penalty" in given and given["length_penalty"] != "average":
            given["length_penalty"] = _number(given["length_penalty"])
        return given

    def options(self) -> SearchOptions:
        """Return the options of the search.

        Raises:
            InputError: if a value is invalid.
        """
        from tf_seq2seq.search import SearchOptions

        return SearchOptions().replace(**self.given())


@dataclasses.dataclass(frozen=True)
class TranslatorSettings(SearchSettings):
    """Settings of the commands that search with a saved translator."""

    precision: str | None = setting(
        None,
        "precision of matrix products (default: as in training)",
        choices=("float32", "bfloat16"),
    )
    shortlist: str | None = setting(
        None,
        "SOURCE,TARGET: two files, line by line, such as the training data, from which a "
        "shortlist of probable words is learned; none: the whole vocabulary (default: as saved "
        "with the translator)",
    )
    per_word: int | None = setting(
        None, "translations of each source word in the shortlist (default: 50)", least=1
    )
    most_frequent: int | None = setting(
        None, "frequent target words in the shortlist (default: 200)", least=0
    )

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        yield from super().without_effect()
        if self.shortlist in (None, "none"):
            yield "without the files of a --shortlist", ("per_word", "most_frequent")

    def load(self, folder: Path) -> Translator:
        """Read a saved translator, and apply these settings.

        Args:
            folder: the folder that `Translator.save` wrote.

        Raises:
            InputError: if the translator or the pairs for the shortlist cannot be read.
        """
        from tf_seq2seq.search import Shortlist
        from tf_seq2seq.translator import Translator

        pairs = self._pairs()  # before the model, which takes long to load
        translator = Translator.load(folder)
        if self.precision is not None:
            translator = translator.in_precision(self.precision)
        if self.shortlist == "none":
            return translator.with_shortlist(None)
        if pairs is None:
            return translator
        sizes = {"per_word": self.per_word, "most_frequent": self.most_frequent}
        given: dict[str, Any] = {name: value for name, value in sizes.items() if value is not None}
        return translator.with_shortlist(Shortlist.learn(pairs, *translator.tokenizers, **given))

    def _pairs(self) -> Pairs | None:
        """Return the sentence pairs from which to learn a shortlist, if there are any."""
        from tf_seq2seq.data import read_parallel

        if self.shortlist in (None, "none"):
            return None
        source, _, target = self.shortlist.partition(",")
        if not (source and target) or "," in target:
            raise InputError(
                "--shortlist takes two files separated by a comma, or none, got "
                f"{self.shortlist!r}."
            )
        return read_parallel(source, target)


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # `SearchOptions` refuses it
