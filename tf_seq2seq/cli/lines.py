"""Lines of text in commands: typed at a prompt, or translated from a file."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tf_seq2seq.files import in_chunks, write_in_parts

LINES_AT_ONCE = 1024  # A chunk is written as soon as it is translated, and has a progress bar.


def typed_lines(prompt: str) -> Iterator[str]:
    """Yield the lines that the user types, until the end of input (Ctrl-D) or an interrupt.

    Bytes that are not UTF-8 are read as U+FFFD.

    Args:
        prompt: the text to print before each line.
    """
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")
    while True:
        try:
            yield input(prompt)
        except (EOFError, KeyboardInterrupt):
            print()
            return


def translate_lines(
    translate: Callable[..., list], lines: Sequence[str], output: Path | None, batch_size: int = 64
) -> list[str]:
    """Translate lines in chunks, with a progress bar, and write each chunk once it is translated.

    An empty line has an empty translation, so the output has as many lines as the input.

    Args:
        translate: a `Translator` or a `SavedTranslator`.
        lines: the lines to translate.
        output: the file to write to, one translation per line; None for no file.
        batch_size: number of lines to translate at a time.

    Returns:
        The translations, one for each line.
    """
    translations: list[str] = []
    with contextlib.ExitStack() as stack:
        if output is not None:
            write = stack.enter_context(write_in_parts(output))
        for chunk in in_chunks(lines, LINES_AT_ONCE):
            first = len(translations) + 1
            last = len(translations) + len(chunk)
            print(f"Lines {first:,} to {last:,} of {len(lines):,}")
            texts = [each.text for each in translate(chunk, batch_size, verbose=1)]
            translations += texts
            if output is not None:
                write(f"{text}\n" for text in texts)
    return translations
