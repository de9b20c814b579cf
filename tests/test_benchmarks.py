"""The benchmarks, in small; set TORCH_PYTHON to a Python that has PyTorch."""

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
    return run("gpu", *arguments)


def run(script, *arguments):
    return subprocess.run(
        [sys.executable, f"benchmarks/{script}", *arguments],
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


TINY = ("--tiny", "--rounds", "1", "--steps", "1", "--precision", "float32")
NAMES = ("training", "decoding", "growth", "memory", "products", "plots")


@pytest.mark.parametrize("name", NAMES)
def test_each_command_line_is_read(name):
    process = run(f"{name}.py", "--precision", "float8")
    assert process.returncode == 2
    assert "--precision: invalid choice: 'float8'" in process.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("training.py", "--work", "step", "--pairs", "8"),
        ("training.py", "--model", "tuned", "--keras"),
        ("decoding.py", "--file", "--batches", "8"),
        ("decoding.py", "--no-torch", "--compile", "eager"),
        ("decoding.py", "--shortlist", "a,b"),
        ("memory.py", "--compile", "eager"),
    ],
    ids=" ".join,
)
def test_an_option_without_effect_is_refused(command):
    process = run(*command)
    assert process.returncode == 2
    assert " has no effect " in process.stderr


def test_a_language_model_has_no_fit():
    process = run("training.py", "--work", "fit", "--model", "book")
    assert refusal(process) == "error: fit is measured for translators only: use --work step."


def test_make_bench_runs_each_script():
    recipe = (ROOT / "Makefile").read_text().split("\nbench:")[1].split("\n\n")[0]
    scripts = {path.name for path in (ROOT / "benchmarks").glob("*.py")} - {"comparison.py"}
    assert scripts == set(re.findall(r"benchmarks/(\w+\.py)", recipe))


@pytest.mark.slow
def test_training_runs_without_pytorch():
    process = run("training.py", *TINY, "--model", "book", "--no-torch", "--keras")
    assert process.returncode == 0, process.stderr[-3000:]
    assert re.search(r"^loss: (\S+), \1$", process.stdout, re.MULTILINE)
    assert re.search(r"^tf_seq2seq .*$\n^plain Keras .* 1\.00 ", process.stdout, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("training.py", *TINY, "--no-torch", "--model", "tuned"),
        ("decoding.py", *TINY, "--no-torch", "--model", "attention", "--batches", "1,8"),
        ("products.py", *TINY, "--no-torch", "--model", "tuned"),
        ("memory.py", "--tiny", "--model", "book", "--precision", "float32"),
    ],
    ids=lambda command: command[0],
)
def test_the_others_run_without_pytorch(command):
    process = run(*command)
    assert process.returncode == 0, process.stderr[-3000:]


@pytest.mark.slow
def test_growth_is_measured_and_drawn(tmp_path):
    results, plot = tmp_path / "growth.json", tmp_path / "growth.png"
    process = run("growth.py", *TINY, "--no-torch", "--output", results)
    assert process.returncode == 0, process.stderr[-3000:]
    process = run("plots.py", "--results", results, "--plot", plot, "--precision", "float32")
    assert process.returncode == 0, process.stderr[-3000:]
    assert plot.stat().st_size > 1000


@pytest.mark.slow
def test_a_corpus_is_encoded_and_read(tmp_path):
    sizes = (
        "--pairs",
        "2000",
        "--vocabulary-size",
        "300",
        "--learn-from",
        "1000",
        "--batches",
        "5",
    )
    process = run("corpus.py", *sizes, "--output", tmp_path / "corpus")
    assert process.returncode == 0, process.stderr[-3000:]
    assert (
        len(re.findall(r"^read, .*\"pairs per second\": [\d.]+", process.stdout, re.MULTILINE)) == 4
    )
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(TORCH_PYTHON is None, reason="PyTorch is not installed")
def test_training_and_decoding_are_the_same_in_pytorch():
    """The commands fail if losses, gradients or translations differ."""
    options = (*TINY, "--torch-python", TORCH_PYTHON, "--compile", "eager")
    for command in (("training.py", *options), ("decoding.py", *options, "--batches", "1,40")):
        process = run(*command)
        assert process.returncode == 0, process.stderr[-3000:]


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None, reason="needs pip install ai-edge-litert"
)
def test_a_device_and_a_saved_model():
    process = run("device.py", "--count", "5")
    assert process.returncode == 0, process.stderr[-3000:]
    assert len(re.findall(r"^LiteRT, \w+ ", process.stdout, re.MULTILINE)) == 6
    assert re.search(r"^LiteRT, float32 .* 100\.0%$", process.stdout, re.MULTILINE)
