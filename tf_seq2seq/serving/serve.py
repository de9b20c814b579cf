"""Serve a model repository on this machine, with TensorFlow Serving or the fake server."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath, PurePosixPath
from typing import IO, Any, NamedTuple

from tf_seq2seq.checks import check_flag, check_number
from tf_seq2seq.errors import InputError
from tf_seq2seq.serving.client import Client, ServingError
from tf_seq2seq.serving.serving_api import require_serving_api

BINARY = "tensorflow_model_server"
IMAGE = "tensorflow/serving:2.20.0"


class Served(NamedTuple):
    """A running server.

    Attributes:
        host, rest_port, grpc_port: its address.
        server: its description: a program, a docker image or the fake server.
    """

    host: str
    rest_port: int
    grpc_port: int
    server: str

    def client(self, model: str, protocol: str = "rest", **options: Any) -> Client:
        """Return a client of a model; `options` are those of `Client`."""
        port = self.rest_port if protocol == "rest" else self.grpc_port
        return Client(model, self.host, port, protocol=protocol, **options)


def find_server() -> str | None:
    """Return the server that `serve` starts by default; None if none is installed.

    This is the program named by the environment variable `TF_SERVING_BINARY`, else
    `tensorflow_model_server` if it is on the PATH, else `IMAGE` if docker has pulled it.
    """
    return os.environ.get("TF_SERVING_BINARY") or shutil.which(BINARY) or _docker_image()


@contextlib.contextmanager
def serve(
    root: str | Path,
    *,
    batching: bool = False,
    cors: bool = False,
    fake: bool = False,
    seconds: float = 60.0,
) -> Iterator[Served]:
    """Serve a folder like `saved_models` until the end of the context.

    Args:
        root: a folder with `models.config` and `monitoring.config`, and with `batching.config` if
            `batching` is True. It replaces `/models` in these files.
        batching: whether the server merges requests into batches.
        cors: whether web pages from other origins may send requests over REST.
        fake: whether to use the fake server of `serving.testing`, for development and tests;
            otherwise the server that `find_server` finds.
        seconds: how long to wait until the models are available.

    Raises:
        InputError: if a config is missing, no server is installed, or it is not ready in time.
    """
    root = Path(root).absolute()
    batching, cors = check_flag("batching", batching), check_flag("cors", cors)
    fake, seconds = check_flag("fake", fake), check_number("seconds", seconds, above=0)
    config, parameters = root / "models.config", root / "batching.config"
    for file in (config, root / "monitoring.config", *[parameters] * batching):
        if not file.is_file():
            raise InputError(
                f"There is no {file.name} in {root}: pass the folder of a model repository."
            )
    if fake:
        require_serving_api("The fake server")
        from tf_seq2seq.serving.testing import FakeServer

        batches = parameters if batching else None
        with FakeServer(config, root, batching=batches, cors=cors, poll=0.2) as server:
            yield Served("localhost", server.rest_port, server.grpc_port, server.NAME)
        return

    found = find_server()
    if found is None:
        raise InputError(
            f"TensorFlow Serving is not installed: put {BINARY} on the PATH, set "
            f"TF_SERVING_BINARY to its path, or run `docker pull {IMAGE}`. To try things out, use "
            "the fake server: `fake=True` or --fake-server."
        )
    rest_port, grpc_port = free_ports(2)
    text = config.read_text(encoding="utf-8", errors="surrogateescape")
    with tempfile.TemporaryDirectory() as folder:
        stop: list[str] = []
        if found == IMAGE:
            served = Served("localhost", rest_port, grpc_port, f"{IMAGE} in docker")
            name = f"tf_seq2seq-{grpc_port}"
            command = ["docker", "run", "--rm", "--name", name, "--volume", f"{root}:/models:ro"]
            for outside, inside in ((grpc_port, 8500), (rest_port, 8501)):
                command += ["--publish", f"127.0.0.1:{outside}:{inside}"]
            models = PurePosixPath("/models")
            command += [IMAGE, *_flags(models / config.name, models, batching, cors)]
            # The image's first process is a shell, which does not forward signals.
            stop = ["docker", "rm", "--force", name]
        else:
            served = Served("localhost", rest_port, grpc_port, found)
            here = Path(folder) / config.name
            here.write_text(
                text.replace('"/models/', f'"{root}/'), encoding="utf-8", errors="surrogateescape"
            )
            ports = [f"--port={grpc_port}", f"--rest_api_port={rest_port}"]
            command = [found, *ports, *_flags(here, root, batching, cors)]
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


def _docker_image() -> str | None:
    """Return the image if docker's daemon is running and has it."""
    if shutil.which("docker") is None:
        return None
    found = subprocess.run(["docker", "image", "inspect", IMAGE], capture_output=True)
    return IMAGE if found.returncode == 0 else None


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


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that no program uses."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait(
    process: subprocess.Popen, served: Served, models: Sequence[str], seconds: float, log: IO[str]
) -> None:
    """Wait until each model has an available version."""
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
