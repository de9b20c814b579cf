"""The columns of a tab-separated file: which two of them are the text to train on."""

from __future__ import annotations

import re
import warnings
from collections.abc import Sequence
from typing import NamedTuple

from tf_seq2seq.errors import InputError

Row = Sequence[str]

ROWS = 1000  # the number of rows that show what a column contains

_ID = re.compile(r"[\w.:/#-]*\d[\w.:/#-]*", re.ASCII)
# A URL, a host or the path of a document: no spaces, and punctuation within.
_ADDRESS = re.compile(r"\S+://\S+|[!-~]*\w[/.:@_]\w[!-~]*", re.ASCII)
_CODE = re.compile(r"([a-z]{2,3})([-_][a-z0-9]+)*", re.IGNORECASE)
_NAME = re.compile(r"[a-z][\w -]*", re.IGNORECASE | re.ASCII)

# ISO 639-1, and the three-letter codes of languages with many sentence pairs.
_CODES = """
    aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da
    de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz
    ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln
    lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi
    pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti
    tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
    ara ben bul cat ces cmn cze dan deu dut ell eng epo est eus fas fin fra fre ger gle glg gre heb
    hin hrv hun hye ind isl ita jpn kat kaz khm kor lat lav lit lvs mar msa nld nob nor pes pol por
    ron rum rus slk slv spa sqi srp swe swh tam tel tgl tha tur ukr urd uzb vie yue zho
"""
_NOUNS = """
    arabic chinese czech danish dutch english finnish french german greek hebrew hindi hungarian
    indonesian italian japanese korean mandarin norwegian persian polish portuguese romanian russian
    spanish swedish thai turkish ukrainian vietnamese
    answer input lang language original output phrase phrases question ref reference response sent
    sentence sentences source src summary target text texts tgt translated translation translations
    trg utterance word words
    中文 汉语 英文 英语 原文 译文 源语言 目标语言
"""
_LANGUAGES, _HEADINGS = frozenset(_CODES.split()), frozenset(_NOUNS.split())


class Choice(NamedTuple):
    """The columns to read.

    Attributes:
        source, target: their positions from 0.
        has_header: whether the first row names the columns.
    """

    source: int
    target: int
    has_header: bool


def choose_columns(
    path: object, rows: Sequence[Row], columns: Sequence[int | str] | None
) -> Choice:
    """Choose the columns of source and target.

    Args:
        path: the file, for messages.
        rows: its first rows, at least one.
        columns: the user's choice, as two numbers from 1 or two names of the first row; None to
            look for the columns with text.

    Raises:
        InputError: if the choice is invalid, or if there is none and the file has neither text in
            its first two columns (any others, such as an attribution, are not read), nor exactly
            two columns with text, nor only two columns of the same kind.

    Warns:
        UserWarning: if the first row is skipped because it looks like a header.
    """
    # The first row may be a header, but a column may also be blank in all others.
    kinds = [
        _kind(_column(rows[1:], place)) or _kind(_column(rows, place))
        for place in range(max(map(len, rows)))
    ]
    if columns is None:
        source, target = _with_text(path, rows, kinds)
    else:
        named = [str(column).strip() for column in columns]
        if isinstance(columns, str) or len(named) != 2:
            raise InputError(f"`columns` must be two columns, source and target, got {columns!r}.")
        if not all(name.isdecimal() and int(name) > 0 for name in named):
            source, target = (_place(path, rows[0], name) for name in named)
            return Choice(source, target, has_header=True)
        source, target = (int(name) - 1 for name in named)
    has_header = _is_header(rows, kinds, source, target)
    if has_header:
        warnings.warn(
            f"{path}: the first line, {_shown(rows[0])}, is skipped because it looks like a "
            "header; if it is a sentence pair, put a header above it.",
            stacklevel=3,
        )
    return Choice(source, target, has_header)


def _with_text(path, rows: Sequence[Row], kinds: Sequence[str | None]) -> tuple[int, int]:
    if len(kinds) == 2 and kinds[0] == kinds[1] is not None:
        return 0, 1  # such as numbers to sort: neither column is a label of the other
    text = [place for place, kind in enumerate(kinds) if kind == "text"]
    if len(text) == 2 or text[:2] == [0, 1]:
        return text[0], text[1]
    found = ", ".join(f"{kind or 'nothing'} in column {n}" for n, kind in enumerate(kinds, 1))
    example = text[:2] if len(text) > 2 else range(len(kinds))[-2:]
    raise InputError(
        f"{path} must have two columns of text, but has {found} (the first line is "
        f"{_shown(rows[0])}); choose the source and the target with `columns`, such as "
        f"{','.join(str(place + 1) for place in example)}."
    )


def _place(path, header: Row, name: str) -> int:
    if name not in header:
        raise InputError(
            f"`columns` must be two numbers from 1 or two names of the first line, got {name!r}; "
            f"the first line of {path} is {_shown(header)}."
        )
    return header.index(name)


def _column(rows: Sequence[Row], place: int) -> list[str]:
    return [row[place] for row in rows if len(row) > place and row[place]]


def _kind(cells: Sequence[str]) -> str | None:
    """Return the kind of content in nonblank cells, such as text or numbers; None for no cells."""
    if not cells:
        return None
    if 10 * sum(_is_number(cell) for cell in cells) >= 9 * len(cells):
        return "numbers"
    if 10 * sum(_ADDRESS.fullmatch(cell) is not None for cell in cells) >= 9 * len(cells):
        return "addresses"
    if all(map(_is_language, cells)) or 10 * len(set(cells)) <= len(cells):
        return "labels"
    return "text"


def _is_number(cell: str) -> bool:
    """Return whether a cell is a number, a date or an identifier, such as 12, 2-3 or sent_12."""
    return _ID.fullmatch(cell) is not None or not any(map(str.isalpha, cell))


def _is_language(cell: str) -> bool:
    code = _CODE.fullmatch(cell)
    return code is not None and code[1].lower() in _LANGUAGES


def _is_header(rows: Sequence[Row], kinds: Sequence[str | None], source: int, target: int) -> bool:
    first = rows[0]
    if len(rows) == 1 or len(first) <= max(source, target):
        return False
    for cell, kind in zip(first, kinds, strict=False):
        if kind == "numbers" and _NAME.fullmatch(cell) and not _is_number(cell):
            return True
    return _are_headings([first[source], first[target]])


def _are_headings(cells: Sequence[str]) -> bool:
    """Return whether cells are different names, such as source and target, or en and zh."""
    return len(set(cells)) > 1 and all(
        all(part.rstrip("0123456789") in _HEADINGS or _is_language(part) for part in _parts(cell))
        for cell in cells
    )


def _parts(heading: str) -> list[str]:
    return [part for part in re.split(r"[\s_/()]+", heading.lower()) if part] or [heading]


def _shown(row: Row, length: int = 80) -> str:
    line = "\t".join(row)
    return repr(line if len(line) <= length else f"{line[: length - 1]}…")
