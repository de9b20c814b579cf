"""Downloads to a cache, with integrity checks and short error messages.

`keras.utils.get_file` transfers the files. This module adds a timeout, a user agent that all
servers accept, support for `.gz` files, a check of the unpacked file, and a cache in which a file
gets its final name only when it is complete.
"""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import os
import socket
import tempfile
import urllib.error
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from tf_seq2seq.errors import DISK_FAULTS, InputError
from tf_seq2seq.files import first_line, write_atomically

CACHE_VARIABLE = "TF_SEQ2SEQ_CACHE"
TIMEOUT = 30.0  # seconds without a byte
# Some servers reject Python's default user agent.
AGENT = "Mozilla/5.0 (compatible; tf_seq2seq)"


def cache_dir() -> Path:
    """Return the folder for downloads: `$TF_SEQ2SEQ_CACHE`, or `~/.cache/tf_seq2seq` if not set."""
    return Path(os.environ.get(CACHE_VARIABLE) or "~/.cache/tf_seq2seq").expanduser()


def fetch(
    url: str, path: Path, origin: str, size: int | None = None, sha256: str | None = None
) -> Path:
    """Download a file, unless it exists.

    Args:
        url: the address of the file. A `.gz` file is unpacked; a `.zip` file must contain a member
            with the name of `path`, which is extracted.
        path: where to store the file.
        origin: where to get the file manually, for the message.
        size: the number of bytes of the unpacked file, or None to skip this check.
        sha256: the SHA-256 of the unpacked file in hexadecimal, or None to print it instead.

    Returns:
        `path`.

    Raises:
        InputError: if the server cannot be reached, does not have the file or does not send all of
            it; if the file is not the expected one; or if it cannot be written.
    """
    if path.is_file():
        return path
    manually = f"try again later, or get {path.name} manually from {origin} and save it as {path}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".download-", dir=path.parent) as folder:
            content = _unpacked(_transfer(url, Path(folder)), url, path.name)
        _check(content, size, sha256)
    except ConnectionError as error:
        raise InputError(f"{url} cannot be downloaded ({error}): {manually}.") from None
    except ValueError as error:
        raise InputError(f"{url} is not the expected file ({error}): {manually}.") from None
    except OSError as error:
        raise _cannot_write(path, error) from None
    store(path, content)
    if sha256 is None:
        print(f"{path} has no known checksum; its SHA-256 is {hashlib.sha256(content).hexdigest()}")
    return path


def store(path: Path, content: bytes) -> None:
    """Write a file to the cache, completely or not at all.

    Args:
        path: the file; its folder must exist.
        content: the bytes to write.

    Raises:
        InputError: if the file cannot be written.
    """
    try:
        with write_atomically(path) as new:
            new.write_bytes(content)
    except OSError as error:
        raise _cannot_write(path, error) from None


def _cannot_write(path: Path, error: OSError) -> InputError:
    return InputError(
        f"{path} cannot be written ({error.strerror}): free some space, or choose another folder "
        f"for downloads with the environment variable {CACHE_VARIABLE}."
    )


def _transfer(url: str, folder: Path) -> Path:
    """Download a file to an empty folder; raise a ConnectionError for any network error."""
    import keras

    try:
        with _network_settings():
            return Path(keras.utils.get_file("file", url, cache_dir=folder, cache_subdir=""))
    except Exception as error:
        # `get_file` replaces the errors of `urlopen` with a bare Exception.
        cause = error.__context__ if type(error) is Exception else error
        if isinstance(cause, OSError) and cause.errno in DISK_FAULTS:
            raise cause from None
        raise ConnectionError(_reason(cause or error)) from None


def _reason(error: BaseException) -> str:
    if isinstance(error, urllib.error.HTTPError):
        error.close()
        return str(error)
    reason = getattr(error, "reason", error)
    return getattr(reason, "strerror", None) or first_line(reason)


@contextlib.contextmanager
def _network_settings() -> Iterator[None]:
    """Set the user agent and the timeout of the process, because `get_file` cannot set them."""
    opener = urllib.request.build_opener()
    opener.addheaders = [("User-Agent", AGENT)]
    previous_opener = getattr(urllib.request, "_opener", None)
    previous_timeout = socket.getdefaulttimeout()
    urllib.request.install_opener(opener)
    socket.setdefaulttimeout(TIMEOUT)
    try:
        yield
    finally:
        urllib.request.install_opener(previous_opener)
        socket.setdefaulttimeout(previous_timeout)


def _unpacked(file: Path, url: str, name: str) -> bytes:
    try:
        if url.endswith(".gz"):
            return gzip.decompress(file.read_bytes())
        if url.endswith(".zip"):
            with zipfile.ZipFile(file) as archive:
                return archive.read(name)
    except (OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile) as error:
        raise ValueError(f"unpacking it failed: {first_line(error)}") from None
    return file.read_bytes()


def _check(content: bytes, size: int | None, sha256: str | None) -> None:
    if size is not None and len(content) != size:
        raise ValueError(f"expected {size} bytes, found {len(content)}")
    if sha256 is not None and (found := hashlib.sha256(content).hexdigest()) != sha256:
        raise ValueError(f"expected the SHA-256 {sha256}, found {found}")
