"""Run a SavedModel as a server would: in a fresh process, without this package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_seq2seq.checks import check_number
from tf_seq2seq.serving import native_model
from tf_seq2seq.strings import Texts, listed, utf8


class CallError(RuntimeError):
    """A signature rejected its inputs, killed the process or timed out."""


def run_in_fresh_process(
    directory: str | Path, sentences: Texts, signature: str = "serving_default", **more: Texts
) -> dict[str, list]:
    """Load a SavedModel with the C++ loader in a fresh process and run a signature once.

    The process imports TensorFlow and TensorFlow Text, and fails if this package is imported.

    Args:
        directory: a version's folder.
        sentences: the batch, or one sentence, passed as the input `text`.
        signature: the signature's name.
        **more: the signature's other inputs, such as `target`.

    Returns:
        The outputs by name, as nested lists.

    Raises:
        RuntimeError: if the process fails; the message ends with what it printed.
        CallError: if the signature rejects the inputs, or kills the process.
    """
    inputs = {name: listed(texts) for name, texts in {"text": sentences, **more}.items()}
    (result,) = run_calls(directory, [(signature, inputs)])
    if isinstance(result, CallError):
        raise result
    return result


def run_calls(
    directory: str | Path,
    calls: Sequence[tuple[str, Mapping[str, Any]]],
    seconds: float | None = None,
) -> list[dict[str, list] | CallError]:
    """Make several calls in one fresh process; see `run_in_fresh_process`.

    Args:
        directory: a version's folder.
        calls: signatures and their inputs, each a string or nested lists of strings or bytes.
        seconds: time limit for all calls together; None for no limit.

    Returns:
        The outputs of each call, or the error that it ended with. A call that kills the process, or
        does not end in time, is the last one with a result.

    Raises:
        RuntimeError: if the model cannot be loaded.
    """
    if seconds is not None:
        seconds = check_number("seconds", seconds, above=0)
    lines = [
        json.dumps({"signature": signature, "inputs": {k: _for_json(v) for k, v in inputs.items()}})
        for signature, inputs in calls
    ]
    try:
        process = subprocess.run(
            [sys.executable, "-I", native_model.__file__, os.fspath(directory)],
            input="".join(f"{line}\n" for line in lines).encode(),
            # Without the GPU, whose memory this process may hold: an export runs on any machine.
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"},
            capture_output=True,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired as error:
        printed, end = error.stdout or b"", f"did not end within {seconds:g} seconds"
    else:
        printed, end = process.stdout, f"killed its process (signal {-process.returncode})"
        if process.returncode > 0:
            reason = process.stderr.decode(errors="replace")[-2000:]
            raise RuntimeError(
                f"The SavedModel in {directory} does not run in a fresh process:\n{reason}"
            )
    results: list[dict[str, list] | CallError] = []
    for answer in map(json.loads, printed.split(b"\n")[:-1]):
        if "outputs" in answer:
            results.append(answer["outputs"])
        else:
            results.append(CallError(f"{answer['error']}: {answer['message']}"))
    if len(results) < len(calls):
        results.append(CallError(f"signature {calls[len(results)][0]!r} {end}"))
    return results


def _for_json(value):
    if isinstance(value, str | bytes):
        return utf8(value).decode("utf-8", "surrogateescape")
    return [_for_json(part) for part in value]
