"""Jobs of several workers on this host, for the tests."""

import json
import time

import numpy as np
from helpers import ROOT

from common.workers import LocalWorkers

PROGRAM = ROOT / "tests" / "worker.py"

LOST = "lost the connection to another of the 2 workers, which has stopped or hangs"
"""What a worker says after its index if the other one is gone."""


class Job(LocalWorkers):
    """The processes of a training run.

    Args:
        output_dir: where each of them writes.
        count: the number of workers.
        program: the arguments of Python.
        options: of the program.
    """

    def __init__(self, output_dir, count, program=(PROGRAM,), **options):
        self.output_dir = output_dir
        options |= {"output_dir": output_dir, "strategy": "multi_worker"}
        super().__init__(program, count, options, chief_prints=False)

    def wait_for(self, index, text, seconds=90):
        """Wait until a worker has printed a text."""
        end = time.monotonic() + seconds
        while text not in self.log(index):
            assert self.processes[index].poll() is None, self.log(index)
            assert time.monotonic() < end, self.log(index)
            time.sleep(0.05)

    def succeed(self, seconds=120):
        codes = self.wait(seconds)
        logs = [self.log(index)[-3000:] for index in range(len(codes))]
        assert not any(codes), "\n".join(logs)
        return self

    def results(self, name, index=0):
        folder = self.output_dir / f"worker_{index}"
        return json.loads((folder / f"{name}.json").read_text()), dict(
            np.load(folder / f"{name}.npz")
        )

    def check_lost(self, survivor):
        """Check that a worker has ended because the other one is gone, in one sentence."""
        assert self.processes[survivor].wait(120) == 1, self.log(survivor)
        log = self.log(survivor)
        sentence = f"error: Worker {survivor} {LOST}: start all of them again, with --resume"
        assert sentence in log, log
        assert "Traceback" not in log, log
