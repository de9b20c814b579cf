"""Translate many lines in parts, which an interrupted run does not lose."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_seq2seq.checks import check_flag, check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import DAMAGED, first_line, in_chunks, write_atomically
from tf_seq2seq.strings import check_strings
from tf_seq2seq.training.identity import check_settings, compare_settings, fingerprint

LINES_IN_PART = 1024
"""The default number of lines in a part."""

_IDENTITY = "settings.json"


def translate_in_parts(
    translate: Callable[[list[str]], Sequence[Any]],
    lines: Sequence[str],
    directory: str | Path,
    *,
    resume: bool = False,
    settings: Mapping[str, Any] | None = None,
    lines_in_part: int = LINES_IN_PART,
    report: Callable[[str], Any] | None = None,
) -> list[str]:
    """Translate lines, and keep the translations of each part of them in a file.

    The lines are sorted by length, so that there is little padding, and divided into parts. Each
    part's file is written atomically once the part is translated. If the process is killed, the
    same call with `resume=True` translates the parts that are missing.

    Args:
        translate: maps a list of lines to objects with a `text`, such as a `Translator`.
        lines: the lines.
        directory: created if it does not exist; one for each set of lines.
        resume: whether to use the parts that are there; otherwise, they are removed.
        settings: JSON values by name that must be the same when the work is resumed, such as the
            model and the search options. The lines are always compared.
        lines_in_part: number of lines in a part, at least 1.
        report: called with a line of text about each part, for example `print`.

    Returns:
        The translations, in the order of the lines.

    Raises:
        InputError: if an argument is invalid, or `translate` does not return one translation per
            line; or, with `resume`, if the parts are damaged or were written with other lines or
            settings.
        TypeError: if `lines` are not strings.

    Example:

    >>> translate = lambda lines: [s2s.Translation(line.upper(), 0.0) for line in lines]
    >>> translate_in_parts(translate, ["b c", "a"], tmp_path, lines_in_part=1, report=print)
    Part 1 of 2
    Part 2 of 2
    ['B C', 'A']
    >>> sorted(path.name for path in tmp_path.iterdir())
    ['part_00001.json', 'part_00002.json', 'settings.json']
    """
    check_strings("lines", lines)
    resume = check_flag("resume", resume)
    lines_in_part = check_integer("lines_in_part", lines_in_part, minimum=1)
    identity = {
        **(check_settings(settings) or {}),
        "lines": fingerprint(lines),
        "lines_in_part": lines_in_part,
    }
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    if resume:
        _check_identity(directory, identity)
    else:
        for path in directory.glob("part_*.json"):
            path.unlink()
    _write(directory / _IDENTITY, identity)

    order = sorted(range(len(lines)), key=lambda i: (len(lines[i]), i))
    parts = list(in_chunks(order, lines_in_part))
    translations = [""] * len(lines)
    for number, rows in enumerate(parts, 1):
        path = directory / f"part_{number:05}.json"
        if path.exists():
            texts = _read(path, len(rows))
        else:
            if report is not None:
                report(f"Part {number:,} of {len(parts):,}")
            texts = [each.text for each in translate([lines[i] for i in rows])]
            if len(texts) != len(rows):
                raise InputError(
                    f"`translate` returned {len(texts)} translations of {len(rows)} lines."
                )
            _write(path, texts)
        for i, text in zip(rows, texts, strict=True):
            translations[i] = text
    return translations


def _check_identity(directory, identity):
    path = directory / _IDENTITY
    if not path.exists():
        if any(directory.glob("part_*.json")):
            raise InputError(
                f"{directory} has translations, but no {_IDENTITY} that says of what: translate "
                "again without `resume`."
            )
        return
    with _explained(path):
        saved = json.loads(path.read_text(encoding="utf-8"))
        changed = compare_settings(saved, identity)
    if changed:  # settings with which a training may be resumed
        raise InputError(
            f"The translations in {directory} were written with other {' and '.join(changed)}: "
            "translate again without `resume`."
        )


def _read(path, count):
    with _explained(path):
        texts = json.loads(path.read_text(encoding="utf-8"))
        if len(texts) != count:
            raise ValueError(f"it has {len(texts)} translations, not {count}")
        return texts


@contextlib.contextmanager
def _explained(path):
    try:
        yield
    except DAMAGED as error:
        raise InputError(
            f"{path} cannot be used ({first_line(error)}): translate again without `resume`."
        ) from error


def _write(path, content):
    with write_atomically(path) as new:
        new.write_text(json.dumps(content, ensure_ascii=False, indent=0), encoding="utf-8")
