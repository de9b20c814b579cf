"""Lines of text files, which may be compressed, in UTF-8 or UTF-16, and have any line ends."""

from __future__ import annotations

import bz2
import codecs
import contextlib
import gzip
import itertools
import lzma
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from tf_seq2seq.errors import InputError
from tf_seq2seq.files import first_line

_OPENERS: dict[bytes, Any] = {
    rb"\x1f\x8b": gzip.open,
    rb"BZh[1-9]1AY&SY": bz2.open,
    rb"\xfd7zXZ\x00": lzma.open,
}
_ARCHIVES = {rb"PK\x03\x04": "zip", rb"7z\xbc\xaf\x27\x1c": "7z", rb"\x28\xb5\x2f\xfd": "zstd"}
_TAR = slice(257, 262)  # where a tar archive has "ustar"

BLOCK = 2**24
"""The number of bytes to hold in memory at a time, of which the first show what a file is."""

# UTF-32 comes first, because its mark begins with that of UTF-16.
_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
    codecs.BOM_UTF8: "utf-8",
}


def read_text_lines(path: str | os.PathLike) -> list[str]:
    r"""Return the lines of a text file without their ends (see `stream_text_lines`).

    Args:
        path: the file.

    Raises:
        InputError: if the file cannot be read or unpacked, or has another encoding; the message
            says how to convert it.

    Example:

    >>> _ = (tmp_path / "a.txt.gz").write_bytes(gzip.compress("书\r\n本\r\n".encode()))
    >>> read_text_lines(tmp_path / "a.txt.gz")
    ['书', '本']
    """
    return list(stream_text_lines(path))


def stream_text_lines(path: str | os.PathLike) -> Iterator[str]:
    """Yield the lines of a text file without their ends, and hold a block of it in memory.

    A file that was compressed by gzip, bzip2 or xz is unpacked. The encoding is UTF-8, or UTF-16 or
    UTF-32 with a byte order mark. LF or CRLF ends a line, or CR in a file without LF; U+0085 and
    U+2028, which occur inside sentences, do not.

    Args:
        path: the file.

    Raises:
        InputError: if the file cannot be read or unpacked, or has another encoding; the message
            says how to convert it.
    """
    blocks = _blocks(path)
    first = next(blocks, b"")
    mark = next((mark for mark in _MARKS if first.startswith(mark)), b"")
    # In UTF-16 without a mark, every second byte of ASCII is NUL, which is valid UTF-8.
    if not mark and 10 * first.count(0) > len(first):
        raise _not_text(path, first)
    encoding = _MARKS.get(mark, "utf-8")
    decoder = codecs.getincrementaldecoder(encoding)()
    end: str | None = None
    number, rest = 1, ""
    for block in itertools.chain([first.removeprefix(mark)], blocks, [b""]):
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise _not_decoded(path, encoding, error, number, end) from None
        rest += text
        if end is None and "\n" in rest:
            end = "\n"
        elif end is None and "\r" in rest[:-1]:  # the last one may be followed by LF
            end = "\r"
        *lines, rest = rest.split(end) if end else [rest]
        number += len(lines)
        for line in lines:
            yield line.rstrip("\r")
    if rest:
        yield rest.rstrip("\r")


def stream_lines(path: str | os.PathLike) -> Iterator[bytes]:
    r"""Yield the lines of a file of any size, as bytes without LF or CRLF at their ends.

    A file that was compressed by gzip, bzip2 or xz is unpacked.

    Args:
        path: the file.

    Raises:
        InputError: if the file cannot be read or unpacked.
    """
    with _opened(path) as file:
        for line in file:
            yield line.rstrip(b"\r\n")


def _blocks(path) -> Iterator[bytes]:
    """Yield the content of a file, unpacked."""
    with _opened(path) as file:
        yield from iter(lambda: file.read(BLOCK), b"")


@contextlib.contextmanager
def _opened(path) -> Iterator[BinaryIO]:
    """Open a plain or compressed file, but refuse an archive."""
    try:
        place = Path(path).expanduser()
        with place.open("rb") as file:
            beginning = file.read(_TAR.stop)
        found = (opener for magic, opener in _OPENERS.items() if re.match(magic, beginning))
        with next(found, open)(place, "rb") as file:
            _check_no_archive(path, file.peek(_TAR.stop)[: _TAR.stop])
            yield file
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise InputError(
            f"{path} cannot be unpacked ({first_line(error)}): download it or compress it again."
        ) from None
    except OSError as error:
        reason = error.strerror or first_line(error)
        raise InputError(f"{path} cannot be read ({reason}): check the path.") from None


def _check_no_archive(path, data: bytes) -> None:
    kind = next((kind for magic, kind in _ARCHIVES.items() if re.match(magic, data)), None)
    if data[_TAR] == b"ustar":
        kind = "tar"
    if kind:
        raise InputError(f"{path} is a {kind} file: unpack it, and pass the text file in it.")


def _not_decoded(path, encoding, error: UnicodeDecodeError, number: int, end) -> InputError:
    """Return an error for a block that is not in the encoding of its file.

    Args:
        number: the number of the block's first line.
        end: what ends a line, or None if this is the first block.
    """
    if encoding != "utf-8":
        return InputError(
            f"{path} begins like {encoding.upper()} but is damaged ({error.reason}): save it "
            "as UTF-8."
        )
    data = error.object
    if 0 in data:
        return _not_text(path, data)
    end = end.encode() if end else b"\n" if b"\n" in data else b"\r"
    number += data[: error.start].count(end)
    return InputError(
        f"{path}, line {number}, contains the byte 0x{data[error.start]:02x}, which is not "
        f"UTF-8: convert the file, {_advice(data)}."
    )


def _not_text(path, data: bytes) -> InputError:
    """Return an error for a file with NUL: UTF-16 without a byte order mark, or no text at all."""
    encoding = _utf16(data)
    if encoding is None:
        return InputError(f"{path} contains binary data: pass a text file.")
    return InputError(
        f"{path} looks like {encoding} without a byte order mark: convert it with "
        f"`iconv -f {encoding} -t UTF-8`."
    )


def _utf16(data: bytes) -> str | None:
    """Return the byte order of UTF-16 that gives more lines and words; None if neither is valid."""
    found = {}
    for encoding in ("UTF-16LE", "UTF-16BE"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if spaces := text.count("\n") + text.count(" "):
            found[encoding] = spaces
    return max(found, key=lambda encoding: found[encoding]) if found else None


def _advice(data: bytes) -> str:
    """Return how to convert text that is not UTF-8, judging by its first such lines."""
    bad = []
    for line in data.splitlines():
        try:
            line.decode()
        except UnicodeDecodeError:
            bad.append(line)
        if len(bad) == 100:
            break
    sample = b"\n".join(bad)
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", sample)]
    # An accented letter is usually a single byte next to ASCII; a Chinese character is two bytes.
    if 2 * runs.count(1) >= len(runs):
        return "for instance with `iconv -f WINDOWS-1252 -t UTF-8` if it is Western European"
    try:
        sample.decode("gb18030")
    except UnicodeDecodeError:
        return "with `iconv -f ENCODING -t UTF-8`, where ENCODING is that of the file"
    return "for instance with `iconv -f GB18030 -t UTF-8` if it is Chinese"
