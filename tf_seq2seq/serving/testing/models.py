"""The models of the fake server and their versions, which it loads and unloads."""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import Any

import grpc
import tensorflow as tf

from tf_seq2seq.files import first_line
from tf_seq2seq.serving.native_model import NativeModel
from tf_seq2seq.serving.testing.batching import Arrays, Batcher, Batching
from tf_seq2seq.serving.testing.errors import ServerError, invalid
from tf_seq2seq.serving.versions import list_versions


class Version:
    """A version of a model that was loaded or failed to load.

    Args:
        directory: the version's folder.
        batching: how to merge requests; None to run each individually.

    Attributes:
        number: the version.
        model: the loaded model; None if loading failed.
        error: why it failed; empty otherwise.
    """

    def __init__(self, directory: Path, batching: Batching | None):
        self.number = int(directory.name)
        self.model: NativeModel | None = None
        self.error = ""
        self._batching, self._lock = batching, threading.Lock()
        self._batchers: dict[str, Batcher] = {}
        try:
            self.model = NativeModel(directory)
        except Exception as error:  # a broken version must not stop the others
            self.error = first_line(error)

    @property
    def _loaded(self) -> NativeModel:
        if self.model is None:
            raise ServerError(grpc.StatusCode.UNAVAILABLE, self.error)
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
        if self._batching is None:
            return self._run(signature, inputs)
        with self._lock:
            if signature not in self._batchers:
                run = functools.partial(self._run, signature)
                self._batchers[signature] = Batcher(run, self._batching)
        return self._batchers[signature].run(inputs)

    def _run(self, signature: str, inputs: Arrays) -> Arrays:
        try:
            return self._loaded(signature, inputs)
        except tf.errors.OpError as error:
            code = next(c for c in grpc.StatusCode if c.value[0] == error.error_code)
            raise ServerError(code, str(error)) from error


class Model:
    """A model in the server's config; its folder is polled.

    Args:
        config: its `ModelConfig` message.
        base_path: its folder.
        batching: how to merge requests; None to run each individually.

    Attributes:
        versions: the versions that the config selects, by number.
    """

    def __init__(self, config: Any, base_path: Path, batching: Batching | None):
        self.config, self.base_path, self.batching = config, base_path, batching
        self.versions: dict[int, Version] = {}

    def poll(self) -> None:
        """Load new versions, and forget those that have been removed."""
        numbers = self._wanted(list_versions(self.base_path) if self.base_path.is_dir() else [])
        loaded = self.versions
        # Replaced in one assignment, because other threads use the old versions until then.
        self.versions = {
            number: loaded.get(number) or Version(self.base_path / str(number), self.batching)
            for number in numbers
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
        ready = {number: v for number, v in self.versions.items() if v.model is not None}
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
