"""Serve a model repository on this machine, by the real server where it is installed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple

from tf_seq2seq.errors import InputError
from tf_seq2seq.serving.client import Client, ServingError

BINARY = "tensorflow_model_server"
IMAGE = "tensorflow/serving:2.20.0"


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
    `tensorflow_model_server` if it is on the PATH, else docker's `IMAGE` if that has been pulled,
    else this package's stand-in (`local`).

    Args:
        root: the folder, with `models.config` and `monitoring.config` in it, and `batching.config`
            for `batching`; it stands for `/models` in them.
        batching: whether requests are put together into batches.
        cors: whether pages of other origins may ask over REST.
        seconds: how long to wait until the models can be asked.

    Raises:
        InputError: if a config is missing, or the server does not get ready.
    """
    root = Path(root).absolute()
    config, parameters = root / "models.config", root / "batching.config"
    for file in (config, root / "monitoring.config", *[parameters] * batching):
        if not file.is_file():
            raise InputError(f"There is no {file.name} in {root}: give a model repository.")
    binary = os.environ.get("TF_SERVING_BINARY") or shutil.which(BINARY)
    docker = None if binary else _docker_with_image()
    if not (binary or docker):
        from tf_seq2seq.serving import local

        options = {"batching": parameters if batching else None, "cors": cors}
        with local.LocalServer(config, root, poll=0.2, **options) as server:
            yield Served("localhost", server.rest_port, server.grpc_port, local.NAME)
        return

    rest_port, grpc_port = _free_ports(2)
    served = Served("localhost", rest_port, grpc_port, binary or f"{IMAGE} in docker")
    text = config.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        if binary:
            here = Path(folder) / config.name
            here.write_text(text.replace('"/models/', f'"{root}/'), encoding="utf-8")
            ports = [f"--port={grpc_port}", f"--rest_api_port={rest_port}"]
            command = [binary, *ports, *_flags(here, root, batching, cors)]
            stop = None
        else:
            name = f"tf_seq2seq-{grpc_port}"
            command = [docker, "run", "--rm", "--name", name, "--volume", f"{root}:/models:ro"]
            for outside, inside in ((grpc_port, 8500), (rest_port, 8501)):
                command += ["--publish", f"127.0.0.1:{outside}:{inside}"]
            models = PurePosixPath("/models")
            command += [IMAGE, *_flags(models / config.name, models, batching, cors)]
            # The image's first process is a shell, which does not hand signals on.
            stop = [docker, "rm", "--force", name]
        with (Path(folder) / "log").open("w+") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            try:
                _wait(process, served, re.findall(r'\bname:\s*"([^"]+)"', text), seconds, log)
                yield served
            finally:
                if stop:
                    subprocess.run(stop, capture_output=True)
                process.terminate()
                process.wait()


def _docker_with_image() -> str | None:
    """The program, if its daemon answers and has the image already."""
    docker = shutil.which("docker")
    if docker is None:
        return None
    found = subprocess.run([docker, "image", "inspect", IMAGE], capture_output=True)
    return docker if found.returncode == 0 else None


def _flags(config: PurePath, models: PurePath, batching: bool, cors: bool) -> list[str]:
    flags = [
        f"--model_config_file={config}",
        f"--monitoring_config_file={models / 'monitoring.config'}",
        "--allow_version_labels_for_unavailable_models=true",
        "--grpc_max_threads=128",
        f"--rest_api_enable_cors_support={str(cors).lower()}",
    ]
    if batching:
        flags.append("--enable_batching=true")
        flags.append(f"--batching_parameters_file={models / 'batching.config'}")
    return flags


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
