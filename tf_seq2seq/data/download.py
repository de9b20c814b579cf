"""Downloads that can break off and go on, with a cache, a check and one sentence for each fault."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import io
import os
import time
import urllib.error
import urllib.request
import zipfile
import zlib
from pathlib import Path

import keras

from tf_seq2seq.errors import InputError

CACHE_VARIABLE = "TF_SEQ2SEQ_CACHE"
TIMEOUT = 30.0  # seconds without a byte
PAUSES = (1.0, 2.0, 4.0)  # seconds, before each further attempt
CHUNK = 1 << 16  # bytes
# Some servers turn away what calls itself Python.
AGENT = "Mozilla/5.0 (compatible; tf_seq2seq)"


def cache_dir() -> Path:
    """The folder of the downloads: `$TF_SEQ2SEQ_CACHE`, or else `~/.cache/tf_seq2seq`."""
    return Path(os.environ.get(CACHE_VARIABLE) or "~/.cache/tf_seq2seq").expanduser()


def fetch(
    url: str, path: Path, origin: str, size: int | None = None, sha256: str | None = None
) -> Path:
    """Downloads a file, unless it is there already.

    What has come of a transfer lies beside the file as `NAME.part`. A broken connection is tried
    again after a pause, and the next call goes on where the last one gave up: only the rest is
    asked for, if the server can send a part of a file.

    Args:
        url: where the file is. A `.gz` file is unpacked; of a `.zip` file, the member that has
            the name of `path` is taken.
        path: where to put the file.
        origin: where a person can get the file by hand, for the message.
        size: its number of bytes, unpacked.
        sha256: its SHA-256 in hexadecimal, unpacked. Without it a file is taken that is whole by
            the server's word and by its archive's own check sum, and its SHA-256 is printed.

    Returns:
        `path`.

    Raises:
        InputError: if the server cannot be reached, does not have the file, or breaks off time
            after time; if the file is not the one expected; or if it cannot be written.
    """
    if path.is_file():
        return path
    part = path.with_name(path.name + ".part")
    by_hand = f"try again later, or get {path.name} by hand from {origin} and save it as {path}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        print(f"Downloading {url}")
        _transfer_with_patience(url, part)
        content = part.read_bytes()
    except (ConnectionError, urllib.error.HTTPError) as error:
        raise InputError(f"{url} cannot be downloaded ({error}): {by_hand}.") from None
    except OSError as error:
        raise _cannot_write(path, error) from None
    try:
        content = _checked(_unpacked(content, url, path.name), size, sha256)
    except ValueError as error:
        part.unlink()
        raise InputError(f"{url} is not the file expected ({error}): {by_hand}.") from None
    save(path, content)
    part.unlink()
    if sha256 is None:
        print(f"{path} has no fixed check sum; its SHA-256 is {_digest(content)}")
    return path


def save(path: Path, content: bytes) -> None:
    """Writes a file in one step: it is there as a whole or not at all.

    Raises:
        InputError: if it cannot be written.
    """
    new = path.with_name(path.name + ".new")
    try:
        new.write_bytes(content)
        new.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from None
    finally:
        new.unlink(missing_ok=True)


def _transfer_with_patience(url: str, part: Path) -> None:
    for pause in PAUSES:
        try:
            return _transfer(url, part)
        except ConnectionError as error:
            print(f"{error}; the next attempt in {pause:g} s")
            time.sleep(pause)
    _transfer(url, part)


def _transfer(url: str, part: Path) -> None:
    """Adds to `part` what it lacks; what may go better next time ends in a ConnectionError."""
    start = part.stat().st_size if part.exists() else 0
    headers = {"User-Agent": AGENT} | ({"Range": f"bytes={start}-"} if start else {})
    with _open(urllib.request.Request(url, headers=headers), part) as response:
        if response.status != http.HTTPStatus.PARTIAL_CONTENT:
            start = 0
        total = None if response.length is None else start + response.length
        bar = keras.utils.Progbar(total, interval=0.5, unit_name="byte")
        with part.open("ab" if start else "wb") as file:
            while file.tell() != total and (chunk := _read(response)):
                file.write(chunk)
                bar.update(file.tell(), finalize=False)
            end = file.tell()
        bar.update(end, finalize=True)
    if total is not None and end < total:
        raise ConnectionError(f"the connection broke after {end} of {total} bytes")


def _open(request: urllib.request.Request, part: Path) -> http.client.HTTPResponse:
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            part.unlink()  # It is no beginning of the file that the server has now.
        elif error.code < 500:
            raise
        raise ConnectionError(error) from None
    except (OSError, http.client.HTTPException) as error:
        raise _broken(error) from None


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read1(CHUNK)  # What there is: a full chunk may never come.
    except (OSError, http.client.HTTPException) as error:
        raise _broken(error) from None


def _broken(error: Exception) -> ConnectionError:
    reason = getattr(error, "reason", error)
    return ConnectionError(getattr(reason, "strerror", None) or reason)


def _unpacked(content: bytes, url: str, name: str) -> bytes:
    try:
        if url.endswith(".gz"):
            return gzip.decompress(content)
        if url.endswith(".zip"):
            return zipfile.ZipFile(io.BytesIO(content)).read(name)
    except (OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"unpacking it failed: {error}") from None
    return content


def _checked(content: bytes, size: int | None, sha256: str | None) -> bytes:
    if size is not None and len(content) != size:
        raise ValueError(f"expected {size} bytes, found {len(content)}")
    if sha256 is not None and (found := _digest(content)) != sha256:
        raise ValueError(f"expected the SHA-256 {sha256}, found {found}")
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} cannot be written ({error.strerror}): make room, or choose another folder for "
        f"downloads by the environment variable {CACHE_VARIABLE}."
    )
