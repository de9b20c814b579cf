"""Run a SavedModel as a stranger would: in a fresh process, without this package."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tf_seq2seq.serving import native_model
from tf_seq2seq.translator import utf8


class CallError(RuntimeError):
    """A signature refused its inputs, or brought the process down."""


def run_in_fresh_process(
    directory: str | Path,
    sentences: Sequence[str | bytes],
    signature: str = "serving_default",
    **more: Sequence[str | bytes],
) -> dict[str, list]:
    """Load a SavedModel in a fresh process by the C++ loader and run a signature once.

    The process imports TensorFlow and TensorFlow Text, and makes sure that this package stays out.

    Args:
        directory: a version's folder.
        sentences: the batch, the signature's `text`.
        signature: the signature's name.
        **more: the signature's other inputs, such as `target`.

    Returns:
        The outputs by name, as nested lists.

    Raises:
        RuntimeError: if the process fails; the message holds the end of what it printed.
        CallError: if the signature refuses the inputs.
    """
    (result,) = run_calls(directory, [(signature, {"text": sentences, **more})])
    if isinstance(result, CallError):
        raise result
    return result


def run_calls(
    directory: str | Path, calls: Sequence[tuple[str, Mapping[str, Any]]]
) -> list[dict[str, list] | CallError]:
    """As `run_in_fresh_process`, with several calls to one process.

    Args:
        directory: a version's folder.
        calls: signatures and their inputs, each string or nested lists of strings or of bytes.

    Returns:
        For each call its outputs, or the error that it ended with. A call that brings the process
        down is the last one that has a result.

    Raises:
        RuntimeError: if the model cannot be loaded.
    """
    lines = [
        json.dumps({"signature": signature, "inputs": {k: _for_json(v) for k, v in inputs.items()}})
        for signature, inputs in calls
    ]
    process = subprocess.run(
        [sys.executable, "-I", native_model.__file__, os.fspath(directory)],
        input="".join(f"{line}\n" for line in lines),
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
    )
    results: list[dict[str, list] | CallError] = []
    for answer in map(json.loads, process.stdout.splitlines()):
        if "outputs" in answer:
            results.append(answer["outputs"])
        else:
            results.append(CallError(f"{answer['error']}: {answer['message']}"))
    if len(results) < len(calls):
        reason = process.stderr[-2000:]
        if process.returncode > 0:
            raise RuntimeError(
                f"The SavedModel in {directory} does not run in a fresh process:\n{reason}"
            )
        signature = calls[len(results)][0]
        results.append(
            CallError(f"signature {signature!r} killed its process (signal {-process.returncode})")
        )
    return results


def _for_json(value):
    if isinstance(value, str | bytes):
        return utf8(value, 0).decode("utf-8", "surrogateescape")
    return [_for_json(part) for part in value]
