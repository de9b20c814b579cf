"""Check that a stock server can load an export and survive any request.

The check searches for operations that a stock server cannot run and signatures that it cannot
batch. Then it loads the model with the C++ loader in a fresh process, and runs every signature on
sentences, an empty batch, inputs of the wrong rank, and the version's warm-up requests.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf.meta_graph_pb2 import MetaGraphDef, SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tf_seq2seq.checks import check_choice
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import first_line
from tf_seq2seq.search import SearchOptions
from tf_seq2seq.serving import warmup
from tf_seq2seq.serving.fresh_process import CallError, run_calls
from tf_seq2seq.serving.operations import SERVERS, nodes_of, operation_problems
from tf_seq2seq.serving.signatures import Signatures, signatures_of
from tf_seq2seq.strings import Texts, listed
from tf_seq2seq.text_model import TextModel
from tf_seq2seq.translator import Translator

SENTENCES = ("The book that I bought yesterday is very interesting.", "", "a", "你好，世界！")
SECONDS = 600  # time limit for all calls together
_UNNAMED = re.compile(r"(args|arg|inputs?|output|keras_tensor|unknown)(_\d+)*")


@dataclasses.dataclass(frozen=True)
class Check:
    """The result of checking a SavedModel.

    Attributes:
        directory: the version's folder.
        signatures: one line per signature: its inputs and outputs with dtypes and shapes.
        operations: how many times each operation occurs in the graph.
        warmup_requests: how many requests the server would run before the version goes live.
        problems: one sentence per problem; empty if a stock server can serve the model.
    """

    directory: Path
    signatures: list[str]
    operations: Counter[str]
    warmup_requests: int
    problems: list[str]

    def __str__(self) -> str:
        operations = " ".join(f"{op} x {count}" for op, count in sorted(self.operations.items()))
        count = len(self.problems)
        lines = [
            *self.signatures,
            f"operations: {operations}",
            f"warm-up requests: {self.warmup_requests}",
            *(f"PROBLEM: {problem}" for problem in self.problems),
            f"{self.directory}: {count or 'no'} problem{'s' * (count != 1)}",
        ]
        return "\n".join(lines)


def check_export(
    directory: str | Path,
    exported: Translator | TextModel | None = None,
    sentences: Texts = SENTENCES,
    server: str = "2.20",
    *,
    beam: SearchOptions | None = None,
) -> Check:
    """Check a SavedModel as a stock server would see it.

    Args:
        directory: a version's folder.
        exported: the object that was exported, whose signatures and results the SavedModel must
            reproduce; None to skip this comparison.
        sentences: the sentences to run every signature on, or one.
        server: the server's version, one of `SERVERS`.
        beam: the search options that were passed to `export`.

    Returns:
        The `Check`, with all problems found.

    Raises:
        InputError: if there is no SavedModel in the directory, the server's version is unknown, or
            there are warm-up requests and `tensorflow-serving-api` is not installed.
    """
    directory = Path(directory)
    server = check_choice("server", server, tuple(SERVERS))
    graph = _read(directory)
    signatures = {
        name: signature
        for name, signature in sorted(graph.signature_def.items())
        if not name.startswith("__")
    }
    requests, warmup_problems = _warmup(directory, signatures)
    problems = [
        *operation_problems(graph.graph_def, server),
        *(problem for item in signatures.items() for problem in _signature_problems(*item)),
        *warmup_problems,
    ]
    calls = _calls(signatures, requests, listed(sentences))
    results: list[dict[str, list] | CallError] = []
    try:
        results = run_calls(directory, [(call.signature, call.inputs) for call in calls], SECONDS)
    except RuntimeError as error:
        problems.append(f"The C++ loader cannot load it: {str(error).splitlines()[-1]}")
    for call, result in zip(calls, results, strict=False):
        problems += _call_problems(call, result)
    if exported is not None and not problems:
        on_sentences = [
            (call, result)
            for call, result in zip(calls, results, strict=True)
            if call.what == _ON_SENTENCES and not isinstance(result, CallError)
        ]
        problems += _differences(signatures_of(exported, beam), on_sentences)
    lines = [_describe(name, signature) for name, signature in signatures.items()]
    operations = Counter(node.op for node in nodes_of(graph.graph_def))
    return Check(directory, lines, operations, len(requests), problems)


def _read(directory: Path) -> MetaGraphDef:
    """Read the graph that a server would serve."""
    try:
        model = SavedModel.FromString((directory / "saved_model.pb").read_bytes())
        (graph,) = (each for each in model.meta_graphs if "serve" in each.meta_info_def.tags)
    except (OSError, DecodeError, ValueError) as error:
        raise InputError(
            f"There is no SavedModel to serve in {directory} ({first_line(error)}): pass a "
            "version's folder, such as saved_models/en_zh/1."
        ) from error
    return graph


def _signature_problems(name: str, signature: SignatureDef) -> Iterator[str]:
    for side, tensors in (("input", signature.inputs), ("output", signature.outputs)):
        for key, tensor in sorted(tensors.items()):
            which = f"The {side} {key!r} of the signature {name!r}"
            dtype = types_pb2.DataType.Name(tensor.dtype)
            if _UNNAMED.fullmatch(key):
                yield f"{which} has only a default name: name it explicitly."
            if tensor.dtype in (types_pb2.DT_VARIANT, types_pb2.DT_INVALID):
                yield f"{which} is ragged or not a tensor ({dtype}): make it dense."
            elif tensor.tensor_shape.unknown_rank or not tensor.tensor_shape.dim:
                yield f"{which} has no batch dimension: a server could not batch it."
            elif tensor.tensor_shape.dim[0].size != -1:
                yield (
                    f"{which} accepts only a batch of {tensor.tensor_shape.dim[0].size}: leave its "
                    "first dimension open."
                )
            if side == "input" and tensor.dtype != types_pb2.DT_STRING:
                yield f"{which} is {dtype}, not a string: a text model takes strings."
            if side == "output" and key.endswith("_bytes"):
                yield f"{which} would be sent as base64 over REST: choose a name without '_bytes'."


def _warmup(
    directory: Path, signatures: Mapping[str, SignatureDef]
) -> tuple[list[tuple[str, dict[str, list[bytes]]]], list[str]]:
    """Return the warm-up requests, and the problems with them."""
    if (directory / warmup.FILE).exists():
        warmup.prediction_log_pb2()  # a missing package is not a problem of the export
    try:
        requests = warmup.read(directory)
    except InputError as error:
        return [], [str(error)]
    problems = []
    if len(requests) > warmup.MAXIMUM:
        problems.append(
            f"There are {len(requests)} warm-up requests; a server accepts {warmup.MAXIMUM}."
        )
    for number, (name, inputs) in enumerate(requests, 1):
        if not _fits(name, inputs, signatures):
            problems.append(
                f"Warm-up request {number} is for the signature {name!r} with the inputs "
                f"{sorted(inputs)}, which do not exist: the server would refuse the version."
            )
    return requests, problems


def _fits(name: str, inputs: Mapping[str, Any], signatures: Mapping[str, SignatureDef]) -> bool:
    return name in signatures and set(inputs) == set(signatures[name].inputs)


_ON_SENTENCES = "sentences"


class _Call(NamedTuple):
    """A call to make: a signature, its inputs, their description, and whether they are wrong."""

    signature: str
    inputs: Mapping[str, Any]
    what: str
    wrong: bool = False


def _calls(signatures, requests, sentences) -> list[_Call]:
    # Inputs that are not strings are already reported, and cannot be given text.
    inputs_of = {
        name: sorted(signature.inputs)
        for name, signature in signatures.items()
        if all(tensor.dtype == types_pb2.DT_STRING for tensor in signature.inputs.values())
    }
    calls = []
    for name, keys in inputs_of.items():
        calls.append(_Call(name, {key: list(sentences) for key in keys}, _ON_SENTENCES))
        calls.append(_Call(name, {key: [] for key in keys}, "an empty batch"))
    for number, (name, inputs) in enumerate(requests, 1):
        if name in inputs_of and _fits(name, inputs, signatures):
            calls.append(_Call(name, inputs, f"warm-up request {number}"))
    # Last, because these may kill the process. Only one input is wrong at a time, so that the
    # error must be about that one.
    for name, keys in inputs_of.items():
        for key in keys:
            for what, value, others in (
                ("a scalar", "a", ["a"]),
                ("an input of rank 2", [["a"], ["b"]], ["a", "b"]),
            ):
                inputs = {**dict.fromkeys(keys, others), key: value}
                calls.append(_Call(name, inputs, f"{what} as {key!r}", wrong=True))
    return calls


def _call_problems(call: _Call, result: dict[str, list] | CallError) -> Iterator[str]:
    if call.wrong:
        if not (isinstance(result, CallError) and str(result).startswith("InvalidArgumentError")):
            answer = str(result) if isinstance(result, CallError) else "an answer"
            yield (
                f"The signature {call.signature!r} does not reject {call.what} but returns "
                f"{answer}: start it with tf.ensure_shape(input, [None]) for each input."
            )
    elif isinstance(result, CallError):
        if "variable" in str(result):
            yield (
                f"The signature {call.signature!r} does not find its variables in the C++ loader: "
                f"make them attributes of the exported module, as tf.Variable ({result})."
            )
        else:
            yield f"The signature {call.signature!r} fails on {call.what}: {result}"
    else:
        rows = len(next(iter(call.inputs.values())))
        for key, value in sorted(result.items()):
            if isinstance(value, list) and len(value) != rows:
                yield (
                    f"The output {key!r} of the signature {call.signature!r} has {len(value)} rows "
                    f"for {call.what} with {rows}: a server could not assign them to requests."
                )


def _differences(
    ours: Signatures, answered: Sequence[tuple[_Call, Mapping[str, list]]]
) -> Iterator[str]:
    """Compare the SavedModel's answers with those of the exported object."""
    yield from _missing("The signature {!r}", ours, {call.signature: call for call, _ in answered})
    for call, found in answered:
        name = call.signature
        if name not in ours:
            continue
        inputs = {key: tf.constant(value, tf.string) for key, value in call.inputs.items()}
        expected = ours[name](**inputs)
        yield from _missing(f"The output {{!r}} of the signature {name!r}", expected, found)
        for key in sorted(set(expected) & set(found)):
            yield from _difference(name, key, expected[key].numpy(), np.array(found[key]))


def _missing(what: str, ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(set(ours) - set(theirs)):
        yield f"{what.format(key)} is missing; the exported object has it."
    for key in sorted(set(theirs) - set(ours)):
        yield f"{what.format(key)} is unexpected; the exported object does not have it."


def _difference(name: str, key: str, expected: np.ndarray, got: np.ndarray) -> Iterator[str]:
    where = f"The output {key!r} of the signature {name!r} differs from that of the exported object"
    if expected.shape != got.shape:
        yield f"{where}: its shape is {got.shape}, not {expected.shape}."
    elif expected.dtype == object:
        texts = np.array([text.decode() for text in expected.flat])
        if np.any(texts != got.ravel()):
            yield f"{where}: {str(got.ravel()[texts != got.ravel()][0])!r}."
    elif expected.dtype == bool:
        if np.any(expected != got):
            yield f"{where}: {got.tolist()}."
    elif not np.allclose(expected, got, rtol=1e-5, atol=1e-5):
        yield f"{where}: by up to {np.max(np.abs(expected - got)):.2g}."


def _describe(name: str, signature: SignatureDef) -> str:
    def described(tensors):
        parts = []
        for key, tensor in sorted(tensors.items()):
            dtype = tf.as_dtype(tensor.dtype).name if tensor.dtype else "ragged"
            sizes = ("-" if dim.size < 0 else str(dim.size) for dim in tensor.tensor_shape.dim)
            parts.append(f"{key} {dtype}[{', '.join(sizes)}]")
        return ", ".join(parts)

    return f"{name}: {described(signature.inputs)} -> {described(signature.outputs)}"
