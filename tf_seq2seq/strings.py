"""Helpers for strings and bytes, and messages about them, without TensorFlow."""

from __future__ import annotations

import math
import unicodedata
import warnings
from collections.abc import Iterable, Sequence

from tf_seq2seq.errors import InputError

Texts = str | bytes | Iterable[str | bytes]
"""One sentence, or an iterable of sentences; bytes are UTF-8."""

_INVISIBLE = frozenset(["Zs", "Zl", "Zp", "Cc", "Cf"])


def listed(sentences: Texts) -> list[str | bytes]:
    """Return one sentence, or an iterable of sentences, as a list.

    Args:
        sentences: a string or bytes, or an iterable of them.

    Example:

    >>> listed("one sentence")
    ['one sentence']
    """
    return [sentences] if isinstance(sentences, str | bytes) else list(sentences)


def check_not_one_string(name: str, texts: object) -> None:
    """Refuse one string where a list of strings belongs; it would be read letter by letter.

    Args:
        name: the argument's name, for the message.
        texts: the argument.

    Raises:
        TypeError: if it is a string or bytes.

    Example:

    >>> check_not_one_string("lines", "the book")
    Traceback (most recent call last):
    TypeError: `lines` must be a list of strings, got the string 'the book': put it in a list.
    """
    if isinstance(texts, str | bytes):
        raise TypeError(
            f"`{name}` must be a list of strings, got the string {excerpt(texts)}: put it in a "
            "list."
        )


def check_strings(name: str, texts: Iterable[object]) -> None:
    """Refuse anything but a list of strings.

    Args:
        name: the argument's name, for the message.
        texts: the argument.

    Raises:
        TypeError: if it is one string, or has an element that is not a string.

    Example:

    >>> check_strings("references", [["the book"], ["the film"]])
    Traceback (most recent call last):
    TypeError: `references` must hold one string for each sentence, got ['the book'] at position 0.
    """
    check_not_one_string(name, texts)
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise TypeError(
                f"`{name}` must hold one string for each sentence, got {repr(text)[:50]} at "
                f"position {position}."
            )


def is_blank(text: str) -> bool:
    """Return whether a text shows nothing: white space, control and zero-width characters only.

    Example:

    >>> is_blank(" \u200b"), is_blank(" 。")
    (True, False)
    """
    return all(unicodedata.category(letter) in _INVISIBLE for letter in text)


def utf8(sentence: str | bytes, position: int = 0) -> bytes:
    r"""Encode a sentence as UTF-8.

    Args:
        sentence: a string, or bytes, which are returned unchanged.
        position: the sentence's position in a list, for the message.

    Raises:
        TypeError: if `sentence` is neither.

    Example:

    >>> utf8("书")
    b'\xe4\xb9\xa6'
    """
    if isinstance(sentence, bytes):
        return sentence
    if not isinstance(sentence, str):
        raise TypeError(
            f"Expected sentences as strings, got {type(sentence).__name__} {sentence!r} "
            f"at position {position}."
        )
    try:
        # Python represents invalid UTF-8 on the command line as surrogates.
        return sentence.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # other surrogates, which never occur in valid text
        return sentence.encode("utf-8", "surrogatepass")


def check_pairs(
    sentences: Sequence[object],
    texts: Sequence[object],
    noun: str = "translation",
    verb: str = "score",
) -> None:
    """Check that there is a translation, or another text, for each sentence.

    Args:
        sentences: the sentences.
        texts: a text for each of them.
        noun, verb: what the texts are, and what is to be done with them, for the message.

    Raises:
        InputError: if the numbers differ.
    """
    if len(sentences) != len(texts):
        plural = f"{noun}es" if noun.endswith("x") else f"{noun}s"
        raise InputError(
            f"There are {len(sentences)} sentences and {len(texts)} {plural} to {verb}: pass one "
            f"{noun} for each sentence."
        )


def excerpt(text: str | bytes) -> str:
    """Return the beginning of a text in quotes, for a message.

    Example:

    >>> excerpt("She bought a new book because the old one was lost.")
    "'She bought a new book because '"
    """
    return repr((text.decode(errors="replace") if isinstance(text, bytes) else text)[:30])


def check_score(kind: str, position: int, text: str | bytes, score: float) -> float:
    """Return `score` if it is finite.

    Args:
        kind: a noun for the message, such as "sentence".
        position: the position of the text in a list.
        text: the text that has the score.
        score: its log probability.

    Raises:
        InputError: if it is not finite.
    """
    if not math.isfinite(score):
        raise InputError(
            f"The score of {kind} {position} ({excerpt(text)}) is {score}: the weights contain NaN "
            "or inf. Retrain with a lower learning rate."
        )
    return float(score)


def warn_of_cut_off(
    kind: str, position: int, text: str | bytes, limit: str, stacklevel: int
) -> None:
    """Warn that a text was cut off.

    Args:
        kind: a noun for the message, such as "Sentence".
        position: the position of the text in a list.
        text: the text.
        limit: the limit and its value, such as "max_length=200".
        stacklevel: the number of frames to the user's code, as for `warnings.warn`.
    """
    warnings.warn(
        f"{kind} {position} ({excerpt(text)}...) was cut off after {limit} tokens; "
        "split it into sentences.",
        stacklevel=stacklevel + 1,
    )
