"""Helpers for strings and bytes that do not need TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable

Texts = str | bytes | Iterable[str | bytes]
"""One sentence, or an iterable of sentences; bytes are UTF-8."""

CONTINUATION = "##"
"""The prefix of a token that continues a word."""

JOINER = "￭"
"""The marker for a missing space, on the side of the token where the space is missing (the
convention of the OpenNMT Tokenizer): `book.` is `book ￭.`, `(ok)` is `(￭ ok ￭)`."""


def listed(sentences: Texts) -> list[str | bytes]:
    """Return one sentence, or an iterable of sentences, as a list.

    Args:
        sentences: a string or bytes, or an iterable of them.

    Example:

    >>> listed("one sentence")
    ['one sentence']
    """
    return [sentences] if isinstance(sentences, str | bytes) else list(sentences)


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
