"""The models of the fake server and their versions, which it loads and unloads."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.config import model_server_config_pb2

from tf_seq2seq.files import first_line
from tf_seq2seq.serving.native_model import NativeModel
from tf_seq2seq.serving.testing.batching import Arrays, Batcher, Batching
from tf_seq2seq.serving.testing.errors import ServerError, invalid
from tf_seq2seq.serving.versions import list_versions

RETRIES = 5
"""How many times the server retries a broken version before it gives up."""


class Version:
    """A version of a model, with the states that the real server reports.

    Args:
        directory: the version's folder.
        batching: how to merge requests; None to run each individually.

    Attributes:
        number: the version.
        state: START, LOADING (also between retries), AVAILABLE, or END once it is unloaded or the
            server has given up.
        model: the loaded model if it is available, otherwise None.
        error: why the server has given up, otherwise empty.
    """

    def __init__(self, directory: Path, batching: Batching | None):
        self.number = int(directory.name)
        self.state, self.error = "START", ""
        self.model: NativeModel | None = None
        self._directory, self._batching, self._lock = directory, batching, threading.Lock()
        self._batchers: dict[str, Batcher] = {}
        self._failures, self._next = 0, 0.0

    def load(self, pause: float) -> None:
        """Try to load it, at most once every `pause` seconds."""
        if time.monotonic() < self._next:
            return
        try:
            self.model = NativeModel(self._directory)
        except Exception as error:  # a broken version must not stop the others
            self._failures += 1
            self._next = time.monotonic() + pause
            self.state = "LOADING"
            if self._failures > RETRIES:
                self.state, self.error = "END", first_line(error)
        else:
            self.state = "AVAILABLE"

    def unloaded(self) -> Version:
        """Return an unloaded copy; the original still answers the requests it has accepted."""
        version = Version(self._directory, self._batching)
        version.state = "END"
        self.close()
        return version

    @property
    def _loaded(self) -> NativeModel:
        assert self.model is not None  # requests are for available versions
        return self.model

    @property
    def signatures(self) -> dict[str, Any]:
        """The signatures that clients may call, by name."""
        return {n: s for n, s in self._loaded.signatures.items() if not n.startswith("__")}

    def run(self, signature: str, inputs: Arrays) -> Arrays:
        """Run a signature.

        Raises:
            ServerError: if it fails.
        """
        run: Callable[[Arrays], Arrays] = functools.partial(self._run, signature)
        with self._lock:
            if self._batching is not None:
                if signature not in self._batchers:
                    self._batchers[signature] = Batcher(run, self._batching)
                run = self._batchers[signature].run
        return run(inputs)

    def close(self) -> None:
        """Answer the requests that wait for others, and run later ones individually."""
        with self._lock:
            self._batching = None
            for batcher in self._batchers.values():
                batcher.close()

    def _run(self, signature: str, inputs: Arrays) -> Arrays:
        for name, info in self._loaded.signatures[signature].inputs.items():
            wanted, array = tf.as_dtype(info.dtype), inputs[name]
            got = tf.string if array.dtype == object else tf.as_dtype(array.dtype)
            if got != wanted:
                raise invalid(
                    f"Tensor {name!r}: dtype {got.name} is not of expected type {wanted.name}"
                )
        try:
            return self._loaded(signature, inputs)
        except tf.errors.OpError as error:
            code = next(c for c in grpc.StatusCode if c.value[0] == error.error_code)
            raise ServerError(code, str(error)) from error


class Model:
    """A model in the server's config; its folder is polled.

    Args:
        base_path: its folder.
        batching: how to merge requests; None to run each individually.
        retry: seconds between attempts to load a broken version.

    Attributes:
        config: its `ModelConfig` message, which may change.
        versions: the versions that the config selects or has selected, by number.
    """

    def __init__(self, base_path: Path, batching: Batching | None, retry: float):
        self.base_path = base_path
        self.config = model_server_config_pb2.ModelConfig()
        self._batching, self._retry = batching, retry
        self.versions: dict[int, Version] = {}
        self._selected: list[int] = []

    def poll(self) -> None:
        """Load the versions that the config selects, and unload the others, as the server does.

        A deselected version stays loaded until a selected one is available. Versions are
        loaded one after the other, the newest first, and all others wait for a broken one; only
        those that exist when the server starts are loaded independently.
        """
        before, started = self._selected, bool(self.versions)
        loaded = {number for number, each in self.versions.items() if each.state != "END"}
        self._selected = self._wanted(
            list_versions(self.base_path) if self.base_path.is_dir() else []
        )
        # Replaced in one assignment, because other threads use the old versions until then.
        self.versions = self.versions | {
            number: Version(self.base_path / str(number), self._batching)
            for number in self._selected
            if number not in loaded.union(before)
        }
        self._unload()
        selected = [self.versions[number] for number in self._selected]
        for version in sorted(selected, key=lambda each: (each.state == "START", -each.number)):
            if version.state in ("START", "LOADING"):
                version.load(self._retry)
            if version.state == "LOADING" and started:
                break
        self._unload()

    def _unload(self) -> None:
        """Unload the versions that are not selected, but not before another is available."""
        states = {self.versions[number].state for number in self._selected}
        replaced = not self._selected or "AVAILABLE" in states
        self.versions = self.versions | {
            number: version.unloaded()
            for number, version in self.versions.items()
            if number not in self._selected
            and version.state != "END"
            and (replaced or version.state != "AVAILABLE")
        }

    def _wanted(self, found: list[int]) -> list[int]:
        policy = self.config.model_version_policy
        if policy.HasField("all"):
            return found
        if policy.HasField("specific"):
            return [number for number in found if number in policy.specific.versions]
        return found[-(policy.latest.num_versions or 1) :]

    def find(self, spec: Any) -> Version:
        """Return the version that a `ModelSpec` message specifies.

        Raises:
            ServerError: if it is not loaded, or the label does not exist.
        """
        ready = {number: v for number, v in self.versions.items() if v.state == "AVAILABLE"}
        which = spec.WhichOneof("version_choice")
        if which == "version_label":
            if spec.version_label not in self.config.version_labels:
                raise invalid(f"Unrecognized servable version label: {spec.version_label}")
            number = self.config.version_labels[spec.version_label]
        else:
            number = spec.version.value if which == "version" else max(ready, default=None)
        if number not in ready:
            wanted = f"Latest({spec.name})" if which is None else f"Specific({spec.name}, {number})"
            raise ServerError(
                grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {wanted}"
            )
        return ready[number]
