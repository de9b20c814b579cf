import json
import re

import pytest

from common.workers import LocalWorkers
from tf_seq2seq import InputError


@pytest.mark.slow
def test_a_lost_worker_changes_no_loss(run_chapter, tmp_path, capfd):
    """In processes that the chapter starts: one worker, two, and again one."""
    arguments = ("--pairs", 200, "--epochs", 2, "--units", 8, "--tokens", 256)
    variables = run_chapter("beyond_5_distributed", *arguments, "--output-dir", tmp_path)

    printed = capfd.readouterr().out
    assert "Training uses 2 replicas of 2 workers; this is worker 0, the chief," in printed
    assert "The last checkpoint is epoch-1-step-" in printed
    assert float(re.search(r"Greatest difference in any step: +(\S+)", printed)[1]) < 1e-4
    assert 0 < variables["after"] < len(variables["one"])
    assert (tmp_path / "losses.png").stat().st_size > 5000
    assert not (tmp_path / "several" / "worker_1" / "checkpoint").exists()


def test_workers_get_their_options_and_places(tmp_path):
    program = ("-c", "import os, sys; print(os.environ['TF_CONFIG']); print(sys.argv[1:])")
    options = {"output_dir": tmp_path / "out", "seed": 3, "resume": True, "verbose": False}
    with LocalWorkers(program, 3, options) as workers:
        workers.succeed()
        assert not workers.running
    config, arguments = workers.log(2).splitlines()
    config = json.loads(config)
    assert config["task"] == {"type": "worker", "index": 2}
    assert len(set(config["cluster"]["worker"])) == 3
    assert arguments == str(["--output-dir", str(tmp_path / "out"), "--seed", "3", "--resume"])


def test_a_worker_that_fails_is_named(tmp_path):
    program = ("-c", "import os, sys; sys.exit(os.environ['TF_CONFIG'].endswith('1}}'))")
    with (
        LocalWorkers(program, 2, {"output_dir": tmp_path / "out"}) as workers,
        pytest.raises(InputError, match=r"Worker 1 ended with exit code 1: see .*worker_1\.log\."),
    ):
        workers.succeed()


def test_options_without_effect(refused, monkeypatch):
    monkeypatch.delenv("SLURM_STEP_NODELIST", raising=False)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    message = "--resume has no effect without TF_CONFIG or Slurm"
    refused("beyond_5_distributed", "--resume", message=message)
    monkeypatch.setenv("TF_CONFIG", "{}")
    message = "--workers has no effect as one of the workers"
    refused("beyond_5_distributed", "--workers", 3, message=message)
