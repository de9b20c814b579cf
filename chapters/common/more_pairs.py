"""Sentence pairs from two files, which are added to a corpus."""

from __future__ import annotations

import re
from typing import Any

from tf_seq2seq import data

# An apostrophe before a letter may also open a quotation ('he said') or be a part of the next word
# ('cause, '90s), so that only known clitics are joined.
_SPACE = re.compile(
    r"""
    [ ](?=[.,?!]+(?![.,?!\w]))                        # end .    but not: it costs .5
    | [ ](?=['’](?:s|m|re|ll|ve|d)(?![\w'’-]))        # that 's  but not: the 'd-day'
    | (?<=n)[ ](?=['’]t(?![\w'’-])) | [ ](?=n['’]t\b) # don 't, do n't
    | (?<=\bo)[ ](?=['’]\w) | (?<=\bma)[ ](?=['’]am\b) # o 'clock, ma 'am
    | (?<=\by)[ ](?=['’]all\b) | (?<=\bc)[ ](?=['’]mon\b) # y 'all, c 'mon
    """,
    re.VERBOSE | re.IGNORECASE,
)


def read_more_pairs(settings: Any) -> data.Pairs:
    """Read the pairs of `--more-source` and `--more-target`.

    Some corpora have spaces before punctuation and clitics, which are removed: "that 's it ."
    Quotation marks and brackets keep their spaces, and the translations are not changed.

    Args:
        settings: a chapter's settings, with `more_source` and `more_target`.

    Returns:
        The pairs; none without these files.

    Raises:
        InputError: if a file cannot be read, or if they differ in their number of lines.
    """
    if settings.more_source is None:
        return data.Pairs((), ())
    more = data.read_parallel(settings.more_source, settings.more_target)
    source = (_SPACE.sub("", line) for line in more.source)
    return data.Pairs(tuple(source), tuple(more.target))
