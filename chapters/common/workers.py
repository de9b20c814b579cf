"""Workers of a training run that are processes on this host."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_seq2seq.errors import InputError

CHAPTERS = Path(__file__).parents[1]


class LocalWorkers:
    """Start a program several times, each time as one worker.

    Each prints to a file `worker_0.log`, `worker_1.log` and so on in the output folder, except the
    first one, the chief, if it prints here.

    Args:
        program: the arguments of Python, such as the file of a chapter.
        count: number of workers.
        options: settings of the program by name, including `output_dir`. A setting that is True is
            an option without a value; one that is False is left out.
        chief_prints: whether the chief prints here.

    Attributes:
        processes: those of the workers.
    """

    def __init__(
        self,
        program: Sequence[str | Path],
        count: int,
        options: Mapping[str, Any],
        chief_prints: bool = True,
    ):
        folder = Path(options["output_dir"])
        folder.mkdir(parents=True, exist_ok=True)
        hosts = [f"localhost:{port}" for port in _free_ports(count)]
        command = [sys.executable, *map(str, program)]
        for name, value in options.items():
            if value is not False:
                command.append(f"--{name.replace('_', '-')}")
            if not isinstance(value, bool):
                command.append(str(value))
        self.processes: list[subprocess.Popen] = []
        self._logs = [folder / f"worker_{index}.log" for index in range(count)]
        for index, log in enumerate(self._logs):
            task = {"type": "worker", "index": index}
            config = json.dumps({"cluster": {"worker": hosts}, "task": task})
            is_here = chief_prints and not index
            with contextlib.nullcontext() if is_here else log.open("wb") as output:
                self.processes.append(
                    subprocess.Popen(
                        command,
                        env={**os.environ, "TF_CONFIG": config},
                        stdout=output,
                        stderr=subprocess.STDOUT if output else None,
                    )
                )

    def __enter__(self) -> LocalWorkers:
        return self

    def __exit__(self, *error) -> None:
        for index in range(len(self.processes)):
            self.kill(index)

    @property
    def running(self) -> bool:
        """Whether all workers are running."""
        return all(process.poll() is None for process in self.processes)

    def kill(self, index: int) -> None:
        """Kill a worker, as the loss of its host would."""
        self.processes[index].kill()
        self.processes[index].wait()

    def log(self, index: int) -> str:
        """Return what a worker has printed to its file."""
        return self._logs[index].read_text(encoding="utf-8", errors="replace")

    def wait(self, seconds: float | None = None) -> list[int]:
        """Wait until all workers have ended; return their exit codes.

        Args:
            seconds: the longest time to wait for one of them; None for any time.
        """
        return [process.wait(seconds) for process in self.processes]

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
