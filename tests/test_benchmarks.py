"""The comparison with PyTorch, in small; set TORCH_PYTHON to a Python that has PyTorch."""

import importlib.util
import os
import re
import subprocess
import sys

import pytest
from helpers import ROOT

HAS_TORCH = importlib.util.find_spec("torch") is not None
TORCH_PYTHON = os.environ.get("TORCH_PYTHON", sys.executable if HAS_TORCH else None)


def compare(*arguments):
    return subprocess.run(
        [sys.executable, "benchmarks/gpu", *arguments],
        cwd=ROOT,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def refusal(process):
    """Return the last line of a run that was refused, without a traceback."""
    assert process.returncode == 1
    assert "Traceback" not in process.stderr
    return process.stderr.splitlines()[-1]


@pytest.mark.skipif(HAS_TORCH, reason="PyTorch is installed")
def test_without_pytorch_the_comparison_is_refused():
    error = refusal(compare("--tiny"))
    assert error == (
        f"error: The Python {sys.executable} has no module torch: name one that has PyTorch and "
        "NumPy with --torch-python."
    )


def test_a_python_that_is_missing_is_named():
    error = refusal(compare("--tiny", "--torch-python", "/nowhere/python"))
    assert error == "error: Cannot run /nowhere/python for PyTorch: No such file or directory."


@pytest.mark.skipif(TORCH_PYTHON is None, reason="PyTorch is not installed")
@pytest.mark.parametrize("model", ["tuned", "gnmt"])
def test_both_sides_compute_the_same(model):
    options = ("--model", model, "--tiny", "--torch", "eager", "--torch-python", TORCH_PYTHON)
    process = compare(*options, "--rounds", "1", "--steps", "1")
    assert process.returncode == 0, process.stderr[-3000:]
    assert "WARNING" not in process.stdout
    assert len(re.findall("the same in 100.0% of the positions", process.stdout)) >= 2
    # Two precisions, each with two batches of greedy search and one training.
    assert len(re.findall(r"^PyTorch  .* 1\.000 ", process.stdout, re.MULTILINE)) == 6
