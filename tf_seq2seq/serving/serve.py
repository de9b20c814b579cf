"""Serve a model repository on this machine, by the real server where it is installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tf_seq2seq.errors import InputError
from tf_seq2seq.serving.client import Client, ServingError

BINARY = "tensorflow_model_server"


class Served(NamedTuple):
    """Where a server answers, and what it is."""

    host: str
    rest_port: int
    grpc_port: int
    server: str

    def client(self, model: str, protocol: str = "rest", **options) -> Client:
        """A client of a model; `options` are those of `Client`."""
        port = self.rest_port if protocol == "rest" else self.grpc_port
        return Client(model, self.host, port, protocol=protocol, **options)


@contextlib.contextmanager
def serve(
    root: str | Path, *, batching: bool = False, cors: bool = False, seconds: float = 60.0
) -> Iterator[Served]:
    """Serve a folder like `saved_models` until the end of the context.

    The server is the program that the environment's `TF_SERVING_BINARY` names, else
    `tensorflow_model_server` if it is on the PATH, else this package's stand-in (`local`).

    Args:
        root: the folder, with `models.config` in it, and `batching.config` for `batching`; it
            stands for `/models` in them.
        batching: whether requests are put together into batches.
        cors: whether pages of other origins may ask over REST.
        seconds: how long to wait until the models can be asked.

    Raises:
        InputError: if a config is missing, or the server does not get ready.
    """
    root = Path(root).absolute()
    config, parameters = root / "models.config", root / "batching.config"
    for file in (config, parameters)[: 1 + batching]:
        if not file.is_file():
            raise InputError(f"There is no {file.name} in {root}: give a model repository.")
    binary = os.environ.get("TF_SERVING_BINARY") or shutil.which(BINARY)
    if binary is None:
        from tf_seq2seq.serving import local

        options = {"batching": parameters if batching else None, "cors": cors}
        with local.LocalServer(config, root, poll=0.2, **options) as server:
            yield Served("localhost", server.rest_port, server.grpc_port, local.NAME)
        return
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder) / "models.config"
        text = config.read_text(encoding="utf-8")
        here.write_text(text.replace('"/models/', f'"{root}/'), encoding="utf-8")
        rest_port, grpc_port = _free_ports(2)
        command = [
            binary,
            f"--port={grpc_port}",
            f"--rest_api_port={rest_port}",
            f"--model_config_file={here}",
            "--allow_version_labels_for_unavailable_models=true",
            "--grpc_max_threads=128",
            f"--rest_api_enable_cors_support={str(cors).lower()}",
        ]
        if batching:
            command += ["--enable_batching=true", f"--batching_parameters_file={parameters}"]
        if (root / "monitoring.config").is_file():
            command.append(f"--monitoring_config_file={root / 'monitoring.config'}")
        with (Path(folder) / "log").open("w+") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            try:
                served = Served("localhost", rest_port, grpc_port, binary)
                names = [path.parent.name for path in root.glob("*/[0-9]*")]
                _wait(process, served, set(names), seconds, log)
                yield served
            finally:
                process.terminate()
                process.wait()


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait(process, served, models, seconds, log) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            states = [served.client(name, retries=0).status() for name in models]
            if all(any(each.state == "AVAILABLE" for each in versions) for versions in states):
                return
        except ServingError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            log.seek(0)
            raise InputError(f"The server {served.server} is not ready:\n{log.read()[-2000:]}")
        time.sleep(0.2)
