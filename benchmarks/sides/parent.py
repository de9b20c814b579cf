"""The parent's end of the worker processes."""

import contextlib
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from tf_seq2seq.errors import InputError

HERE = Path(__file__).parent
TAIL = 20  # lines of a worker's standard error to show


class SideError(InputError):
    """A side that reported an error, died or did not answer in time."""

    def __init__(self, message, is_timeout=False):
        super().__init__(message)
        self.is_timeout = is_timeout


class Side:
    """A worker process.

    Args:
        name: the name for messages.
        python: a Python executable.
        script: a script of this folder.
        timeout: seconds to wait for an answer.
        **environment: environment variables to set.
    """

    _running: list["Side"] = []  # noqa: RUF012

    def __init__(self, name, python, script, timeout, **environment):
        self.name, self.timeout = name, timeout
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            self._process = subprocess.Popen(
                [python, str(HERE / script)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
                env=os.environ | environment,
                text=True,
            )
        except OSError as error:
            raise InputError(f"Cannot run {python} for {name}: {error.strerror}.") from error
        self._answers = queue.Queue()
        self._running.append(self)
        threading.Thread(target=self._read, daemon=True).start()
        answer = self.receive()
        if "refusal" in answer:
            raise InputError(answer["refusal"])

    def _read(self):
        for line in self._process.stdout:
            self._answers.put(line)

    def send(self, do, **arguments):
        # A broken pipe means that the process has died; `receive` says so.
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()

    def receive(self):
        deadline = time.monotonic() + self.timeout
        while True:
            # First, since a process may answer and then end.
            ended = self._process.poll() is not None
            try:
                answer = json.loads(self._answers.get(timeout=0.5))
                break
            except queue.Empty:
                if ended:
                    code = self._process.returncode
                    self._fail(f"The process of {self.name} ended with exit code {code}.")
                if time.monotonic() > deadline:
                    self._fail(
                        f"{self.name} did not answer within {self.timeout:g} s.", is_timeout=True
                    )
        if "error" in answer:
            self._fail(f"{self.name} failed with {answer['error']}")
        return answer

    def ask(self, do, **arguments):
        self.send(do, **arguments)
        return self.receive()

    def _fail(self, message, is_timeout=False):
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").splitlines()[-TAIL:]
        print(f"The end of the standard error of {self.name}:", *lines, sep="\n", file=sys.stderr)
        raise SideError(message, is_timeout)

    def close(self):
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._errors.close()
        if self in self._running:
            self._running.remove(self)

    @classmethod
    @contextlib.contextmanager
    def closing(cls):
        """Close all sides at the end of the context."""
        try:
            yield
        finally:
            for side in list(cls._running):
                side.close()


def start_package(settings, name="tf_seq2seq", **environment):
    python = settings.python or sys.executable
    return Side(name, python, "package_side.py", settings.timeout, **environment)


def start_torch(settings, **environment):
    python, path = settings.torch_python or sys.executable, settings.torch_pythonpath
    return Side(
        "PyTorch", python, "torch_side.py", settings.timeout, PYTHONPATH=path, **environment
    )
