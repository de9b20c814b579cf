"""The choice of sacrebleu's tokenizer, and of the unit of a sentence's length, for a language."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sacrebleu.metrics import BLEU

from tf_seq2seq.checks import check_choice, check_flag
from tf_seq2seq.errors import InputError
from tf_seq2seq.strings import check_not_one_string
from tf_seq2seq.writing_systems import WITHOUT_SPACES, writing_system

BOUNDS = (5, 10, 15, 20, 25)
"""The maximum length of each group of sentences, except the last."""


class BleuTokenizer(NamedTuple):
    """A tokenizer of sacrebleu, and why it was chosen.

    Attributes:
        name: its name.
        reason: the reason, for a reader of the score.
    """

    name: str
    reason: str


# The package that a tokenizer needs, as pip names it.
_PACKAGES = {"Japanese": ("ja-mecab", "sacrebleu[ja]"), "Korean": ("ko-mecab", "sacrebleu[ko]")}


def bleu_tokenizer(references: Iterable[str]) -> BleuTokenizer:
    """Choose the tokenizer that BLEU needs for the writing system of the references.

    BLEU counts sequences of tokens. A tokenizer that splits only at spaces and punctuation treats
    a Thai sentence as one token, and the score is 0. The choice is therefore

    - `zh` for Chinese;
    - `ja-mecab` for Japanese and `ko-mecab` for Korean, if their packages are installed;
    - `char` for other writing systems without spaces between words, and for Japanese without that
      package;
    - `13a` for the rest.

    Args:
        references: the reference translations.

    Returns:
        The tokenizer and the reason for it.

    Raises:
        TypeError: if `references` is a single string.

    Example:

    >>> bleu_tokenizer(["ฉันอ่านหนังสือ"])
    BleuTokenizer(name='char', reason='Thai text has no spaces between words')
    """
    check_not_one_string("references", references)
    system = writing_system(references)
    if system == "Chinese":
        return BleuTokenizer("zh", "the references are Chinese")
    without_spaces = f"{system} text has no spaces between words"
    if system in _PACKAGES:
        name, package = _PACKAGES[system]
        if _is_installed(name):
            return BleuTokenizer(name, f"the references are {system}")
        missing = f"{name} is not installed (pip install '{package}')"
        if system in WITHOUT_SPACES:
            return BleuTokenizer("char", f"{without_spaces}, and {missing}")
        return BleuTokenizer("13a", missing)
    if system in WITHOUT_SPACES:
        return BleuTokenizer("char", without_spaces)
    if system == "mixed":
        return BleuTokenizer("13a", "the references have no prevailing writing system")
    return BleuTokenizer("13a", "the references have spaces between words")


def tokenize_for(references: Iterable[str]) -> str:
    """Return the name of the tokenizer that `bleu_tokenizer` chooses.

    Example:

    >>> tokenize_for(["我看书。"])
    'zh'
    """
    return bleu_tokenizer(references).name


def bleu_metric(tokenize: str, lowercase: bool = False) -> BLEU:
    """Return sacrebleu's metric.

    Raises:
        InputError: if an argument is out of range, or a package that the tokenizer needs is not
            installed.
    """
    tokenize = check_choice("tokenize", tokenize, sorted(BLEU.TOKENIZERS))
    lowercase = check_flag("lowercase", lowercase)
    try:
        return BLEU(tokenize=tokenize, lowercase=lowercase)
    except (RuntimeError, ImportError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"sacrebleu cannot load its tokenizer {tokenize!r}: {reason}") from error


def _is_installed(tokenize: str) -> bool:
    try:
        bleu_metric(tokenize)
    except InputError:
        return False
    return True


class Lengths(NamedTuple):
    """The lengths of sentences, and groups for them.

    Attributes:
        unit: "words" or "characters".
        lengths: the length of each sentence, at least 1.
        bounds: the maximum length of each group, except the last.
    """

    unit: str
    lengths: list[int]
    bounds: tuple[int, ...]


def measure_lengths(sentences: Sequence[str]) -> Lengths:
    """Measure sentences in words, or in characters for languages written without spaces.

    The groups are those of `bleu_by_length`. They are five times as wide for alphabets without
    spaces, such as Thai, where a word has about five letters.

    Args:
        sentences: the sentences.

    Example:

    >>> measure_lengths(["I read a book."])
    Lengths(unit='words', lengths=[4], bounds=(5, 10, 15, 20, 25))
    """
    system = writing_system(sentences)
    unit = "characters" if system in WITHOUT_SPACES else "words"
    cut = list if unit == "characters" else str.split
    is_alphabet = unit == "characters" and system not in ("Chinese", "Japanese")
    bounds = tuple(bound * (5 if is_alphabet else 1) for bound in BOUNDS)
    return Lengths(unit, [max(len(cut(sentence)), 1) for sentence in sentences], bounds)
