"""Workers of a training run that are processes on this host."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tf_seq2seq.errors import InputError

CHAPTERS = Path(__file__).parents[1]


class LocalWorkers:
    """Start a chapter several times, each time as one worker.

    The first one, the chief, prints here. The others print to files `worker_1.log` and so on in the
    output folder.

    Args:
        chapter: the file's name, without `.py`.
        count: number of workers.
        options: settings of the chapter by name, including `output_dir`. A setting that is True is
            an option without a value; one that is False is left out.
    """

    def __init__(self, chapter: str, count: int, options: Mapping[str, Any]):
        folder = Path(options["output_dir"])
        folder.mkdir(parents=True, exist_ok=True)
        hosts = [f"localhost:{port}" for port in _free_ports(count)]
        command = [sys.executable, str(CHAPTERS / f"{chapter}.py")]
        for name, value in options.items():
            if value is not False:
                command.append(f"--{name.replace('_', '-')}")
            if not isinstance(value, bool):
                command.append(str(value))
        self._processes, self._logs = [], []
        for index in range(count):
            task = {"type": "worker", "index": index}
            config = json.dumps({"cluster": {"worker": hosts}, "task": task})
            log = folder / f"worker_{index}.log"
            with log.open("wb") if index else contextlib.nullcontext() as output:
                self._processes.append(
                    subprocess.Popen(
                        command,
                        env={**os.environ, "TF_CONFIG": config},
                        stdout=output,
                        stderr=subprocess.STDOUT if output else None,
                    )
                )
            self._logs.append(log)

    def __enter__(self) -> LocalWorkers:
        return self

    def __exit__(self, *error) -> None:
        for index in range(len(self._processes)):
            self.kill(index)

    @property
    def running(self) -> bool:
        """Whether all workers are running."""
        return all(process.poll() is None for process in self._processes)

    def kill(self, index: int) -> None:
        """Kill a worker, as the loss of its host would."""
        self._processes[index].kill()
        self._processes[index].wait()

    def wait(self) -> list[int]:
        """Wait until all workers have ended; return their exit codes."""
        return [process.wait() for process in self._processes]

    def succeed(self) -> None:
        """Wait until all workers have ended.

        Raises:
            InputError: if one of them failed.
        """
        for index, code in enumerate(self.wait()):
            if code:
                where = f"see {self._logs[index]}" if index else "see above"
                raise InputError(f"Worker {index} ended with exit code {code}: {where}.")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("localhost", 0))) for _ in range(count)
        ]
        return [each.getsockname()[1] for each in sockets]
