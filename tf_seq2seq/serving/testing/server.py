"""The fake server: the interfaces of TensorFlow Serving over real sockets."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from google.protobuf import text_format
from tensorflow_serving.apis import get_model_status_pb2
from tensorflow_serving.config import model_server_config_pb2

from tf_seq2seq.checks import check_flag, check_integer, check_number
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import first_line
from tf_seq2seq.serving.testing.batching import Batching
from tf_seq2seq.serving.testing.errors import ServerError, invalid
from tf_seq2seq.serving.testing.grpc import grpc_server
from tf_seq2seq.serving.testing.models import Model, Version
from tf_seq2seq.serving.testing.rest import http_server


class FakeServer:
    """Imitate TensorFlow Serving, for development and tests only.

    It implements the gRPC and REST interfaces, runs SavedModels with the C++ loader, polls their
    folders and the config, and returns the server's error codes. It is neither as fast nor as safe
    as the real one: a signature that kills a server kills this process. It does not run warm-up
    requests.

    Use it as a context manager; it answers requests within the context.

    Args:
        config: the server's model config, in its text format.
        root: the folder that replaces `/models` in the config.
        rest_port, grpc_port: 0 for free ones.
        batching: the server's batching parameters file; None to run each request individually.
        threads: the number of concurrent gRPC calls; more are rejected.
        rest_threads: the number of concurrent REST requests; more wait.
        cors: whether web pages from other origins may send requests.
        poll: seconds between polls of the folders and of the config.
        retry: seconds between attempts to load a broken version.

    Attributes:
        rest_port, grpc_port: the ports it listens on.
        models: the models in the config, by name.
        rest_slots: a semaphore that limits the concurrent REST requests.
        counts: the number of requests by model and status.

    Raises:
        InputError: if a config cannot be read, an argument is out of range, or a port is in use.
    """

    NAME = "fake server, for development and tests only"

    def __init__(
        self,
        config: str | Path,
        root: str | Path,
        *,
        rest_port: int = 0,
        grpc_port: int = 0,
        batching: str | Path | None = None,
        threads: int = 64,
        rest_threads: int = 64,
        cors: bool = False,
        poll: float = 1.0,
        retry: float = 60.0,
    ):
        self._batching = None if batching is None else Batching.read(Path(batching))
        self._config, self._root = Path(config), Path(root)
        self._poll, self._stopped = check_number("poll", poll, above=0), threading.Event()
        self._retry = check_number("retry", retry, above=0)
        self.models: dict[str, Model] = {}
        self._read_config()
        self.cors = check_flag("cors", cors)
        self.counts: Counter[tuple[str, str]] = Counter()
        rest_threads = check_integer("rest_threads", rest_threads, minimum=1)
        self.rest_slots = threading.BoundedSemaphore(rest_threads)
        threads = check_integer("threads", threads, minimum=1)
        rest_port = check_integer("rest_port", rest_port, 0, 65_535)
        grpc_port = check_integer("grpc_port", grpc_port, 0, 65_535)
        try:
            self._http = http_server(self, rest_port)
        except OSError as error:
            raise _taken("rest_port", rest_port, error) from error
        self.rest_port = self._http.server_address[1]
        try:
            self._grpc, self.grpc_port = grpc_server(self, grpc_port, threads)
        except RuntimeError as error:
            self._http.server_close()
            raise _taken("grpc_port", grpc_port, error) from error

    def __enter__(self) -> FakeServer:
        for model in self.models.values():
            model.poll()
        threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True).start()
        threading.Thread(target=self._keep_polling, daemon=True).start()
        self._grpc.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopped.set()
        self._grpc.stop(None)
        self._http.shutdown()
        self._http.server_close()
        for model in self.models.values():
            for version in model.versions.values():
                version.close()

    def _keep_polling(self):
        while not self._stopped.wait(self._poll):
            with contextlib.suppress(InputError):  # the real server keeps the old config, too
                self._read_config()
            for model in self.models.values():
                model.poll()

    def _read_config(self) -> None:
        """Read the config, and keep the versions of the models that are still in it."""
        try:
            config = text_format.Parse(
                self._config.read_text(encoding="utf-8"),
                model_server_config_pb2.ModelServerConfig(),
            )
        except (OSError, UnicodeDecodeError, text_format.ParseError) as error:
            raise InputError(
                f"{self._config} is not a model config ({first_line(error)}); choose another file."
            ) from error
        if config.WhichOneof("config") is None and self.models:  # an editor is writing it
            return
        models = {}
        for each in config.model_config_list.config:
            path = Path(each.base_path)
            if not path.is_relative_to("/models"):
                raise InputError(
                    f"Each base_path in {self._config} must be in /models, got {path}."
                )
            folder = self._root / path.relative_to("/models")
            model = self.models.get(each.name)
            if model is None or model.base_path != folder:
                model = Model(folder, self._batching, self._retry)
            model.config = each
            models[each.name] = model
        self.models = models

    def model(self, name: str) -> Model:
        """Return a model in the config.

        Raises:
            ServerError: if it does not exist.
        """
        if name not in self.models:
            raise ServerError(
                grpc.StatusCode.NOT_FOUND, f"Servable not found for request: Latest({name})"
            )
        return self.models[name]

    def signature(self, spec: Any) -> tuple[Version, str]:
        """Return the version and the name of the signature that a `ModelSpec` specifies.

        Raises:
            ServerError: if one of them does not exist.
        """
        version = self.model(spec.name).find(spec)
        name = spec.signature_name or "serving_default"
        if name not in version.signatures:
            raise ServerError(
                grpc.StatusCode.FAILED_PRECONDITION,
                f'Serving signature name: "{name}" not found in signature def',
            )
        return version, name

    def predict(
        self, spec: Any, inputs: Mapping[str, np.ndarray]
    ) -> tuple[Any, dict[str, np.ndarray]]:
        """Run a signature, and count the request.

        Args:
            spec: a `ModelSpec` message.
            inputs: the signature's inputs by name.

        Returns:
            The `ModelSpec` of the version and signature that answered, and the outputs by name.

        Raises:
            ServerError: if the real server would fail.
        """
        try:
            version, name = self.signature(spec)
            outputs = self._run(version, name, inputs)
        except ServerError as error:
            self.counts[spec.name, error.code.name] += 1
            raise
        self.counts[spec.name, "OK"] += 1
        answered = type(spec)(name=spec.name, signature_name=name)
        answered.version.value = version.number
        return answered, outputs

    def _run(self, version, name, inputs):
        expected = version.signatures[name].inputs
        for key in expected:
            if key not in inputs:
                raise invalid(f"Request inputs do not match required inputs: missing {key!r}")
        for key in inputs:
            if key not in expected:
                raise invalid(f"input tensor alias not found in signature: {key!r}")
        return version.run(name, dict(inputs))

    def status(self, spec: Any) -> get_model_status_pb2.GetModelStatusResponse:
        """Return the status of a model's versions, or of the one whose number is given.

        Like the real server, it ignores a label.

        Raises:
            ServerError: if there is none.
        """
        versions = self.models[spec.name].versions if spec.name in self.models else {}
        numbers, which = sorted(versions), "any versions"
        if spec.WhichOneof("version_choice") == "version":
            which = f"version {spec.version.value}"
            numbers = [number for number in numbers if number == spec.version.value]
        if not numbers:
            message = f"Could not find {which} of model {spec.name}"
            raise ServerError(grpc.StatusCode.NOT_FOUND, message)
        response = get_model_status_pb2.GetModelStatusResponse()
        for number in reversed(numbers):
            version = versions[number]
            each = response.model_version_status.add(version=number, state=version.state)
            each.status.error_message = version.error
        return response

    def metrics(self) -> str:
        """Return the number of requests in the format of the server's Prometheus page."""
        lines = ["# TYPE :tensorflow:serving:request_count counter"]
        lines += [
            f':tensorflow:serving:request_count{{model_name="{name}",status="{status}"}} {count}'
            for (name, status), count in sorted(self.counts.items())
        ]
        return "\n".join(lines) + "\n"


def _taken(name: str, port: int, error: Exception) -> InputError:
    return InputError(f"`{name}` {port} cannot be used ({first_line(error)}): choose another port.")
