"""Sentence pairs from two files, which are added to a corpus."""

from __future__ import annotations

import re
from typing import Any

from tf_seq2seq import data


def read_more_pairs(settings: Any) -> data.Pairs:
    """Read the pairs of `--more-source` and `--more-target`.

    Some corpora have spaces before punctuation and clitics, which are removed: "that 's it ."

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
    source = (re.sub(r" (?=[.,?!]|'\w)", "", line) for line in more.source)
    return data.Pairs(tuple(source), tuple(more.target))
