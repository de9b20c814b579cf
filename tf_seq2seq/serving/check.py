"""Would a stock TensorFlow Serving load this SavedModel, and survive what it is sent?

python -m tf_seq2seq.serving.check saved_models/en_zh/1

looks through the graph for what a stock server cannot run or batch, then loads the model in a fresh
process by the C++ loader and runs every signature: on sentences, on none, on inputs of the wrong
rank, and on the version's own warm-up requests.
"""

from __future__ import annotations

import dataclasses
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow.core.framework import types_pb2
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError
from tf_seq2seq.serving import warmup
from tf_seq2seq.serving.export import faults_of_graph, nodes_of
from tf_seq2seq.serving.fresh_process import CallError, run_calls
from tf_seq2seq.text_model import TextModel
from tf_seq2seq.translator import Translator

SENTENCES = ("The book that I bought yesterday is very interesting.", "", "a", "你好，世界！")

# What TensorFlow Text registers, and what of it the servers link that were built with its older
# release 2.12.
_TEXT_OPS = frozenset(
    [
        "CaseFoldUTF8",
        "ConstrainedSequence",
        "FastBertNormalize",
        "FastWordpieceTokenizeWithOffsets",
        "FindSourceOffsets",
        "MaxSpanningTree",
        "NormalizeUTF8",
        "NormalizeUTF8WithOffsetsMap",
        "PhraseTokenize",
        "RegexSplitWithOffsets",
        "RougeL",
        "SentenceFragments",
        "SentenceFragmentsV2",
        "SentencepieceDetokenizeOp",
        "SentencepieceIdToStringOp",
        "SentencepieceOp",
        "SentencepieceStringToIdOp",
        "SentencepieceTokenizeOp",
        "SentencepieceTokenizeWithOffsetsOp",
        "SentencepieceVocabSizeOp",
        "SplitMergeTokenizeWithOffsets",
        "TFText>BoiseTagsToOffsets",
        "TFText>ByteSplitByOffsets",
        "TFText>ByteSplitWithOffsets",
        "TFText>FastSentencepieceDetokenize",
        "TFText>FastSentencepieceTokenize",
        "TFText>FastWordpieceDetokenize",
        "TFText>NgramsStringJoin",
        "TFText>OffsetsToBoiseTags",
        "TFText>PhraseDetokenize",
        "TFText>RoundRobinGenerateMasks",
        "TFText>RoundRobinTrim",
        "TFText>Utf8Binarize",
        "TFText>WhitespaceTokenizeWithOffsetsV2",
        "TokenizerFromLogits",
        "UnicodeScriptTokenizeWithOffsets",
        "WhitespaceTokenizeWithOffsets",
        "WordpieceTokenizeWithOffsets",
    ]
)
_NOT_UP_TO_2_19 = frozenset(
    ["TFText>RoundRobinGenerateMasks", "TFText>RoundRobinTrim", "TFText>Utf8Binarize"]
)
SERVERS = {
    "2.20": _TEXT_OPS,
    "2.19": _TEXT_OPS - _NOT_UP_TO_2_19,
    "2.18": _TEXT_OPS - _NOT_UP_TO_2_19,
}
SECONDS = 600  # for what all the calls of a check may take
_UNNAMED = re.compile(r"(args|arg|inputs?|output|keras_tensor|unknown)(_\d+)*")


@dataclasses.dataclass(frozen=True)
class Check:
    """What the check of a SavedModel found.

    Attributes:
        directory: the version's folder.
        signatures: a line for each signature, its inputs and outputs with dtypes and shapes.
        operations: how often each operation occurs in the graph.
        warmup_requests: how many requests the server would run before it serves the version.
        faults: a sentence for each fault; none if a stock server can serve the model.
    """

    directory: Path
    signatures: list[str]
    operations: Counter[str]
    warmup_requests: int
    faults: list[str]

    def __str__(self) -> str:
        operations = " ".join(f"{op} x {count}" for op, count in sorted(self.operations.items()))
        lines = [
            *self.signatures,
            f"operations: {operations}",
            f"warm-up requests: {self.warmup_requests}",
            *(f"FAULT: {fault}" for fault in self.faults),
            f"{self.directory}: {len(self.faults) or 'no'} fault{'s' * (len(self.faults) != 1)}",
        ]
        return "\n".join(lines)


def check_export(
    directory: str | Path,
    translator: Translator | TextModel | None = None,
    sentences: Sequence[str] = SENTENCES,
    server: str = "2.20",
    **search: Any,
) -> Check:
    """Check a SavedModel as a stock server would see it.

    TensorFlow's own operations are taken to be those of the release that is installed here.

    Args:
        directory: a version's folder.
        translator: what was exported, whose signatures and results the SavedModel's must equal;
            None to leave that out.
        sentences: what every signature is run on.
        server: the server's version, one of `SERVERS`.
        **search: how a translator's signatures search, as it was given to `export`.

    Returns:
        The `Check`, faults included.

    Raises:
        InputError: if there is no SavedModel in the directory, or no such server is known.
    """
    directory = Path(directory)
    if server not in SERVERS:
        raise InputError(f"No server {server!r} is known; choose one of {', '.join(SERVERS)}.")
    try:
        model = SavedModel.FromString((directory / "saved_model.pb").read_bytes())
        (graph,) = (each for each in model.meta_graphs if "serve" in each.meta_info_def.tags)
    except (OSError, DecodeError, ValueError) as error:
        raise InputError(
            f"There is no SavedModel to serve in {directory} ({error}): give a version's folder, "
            "such as saved_models/en_zh/1."
        ) from error
    signatures = {
        name: signature
        for name, signature in sorted(graph.signature_def.items())
        if not name.startswith("__")
    }
    operations = Counter(node.op for node in nodes_of(graph.graph_def))
    faults = [
        *_faults_of_operations(graph.graph_def, server),
        *(fault for item in signatures.items() for fault in _faults_of_signature(*item)),
    ]
    requests, warmup_faults = _warmup(directory, signatures)
    faults += warmup_faults
    faults += _faults_of_running(directory, signatures, requests, sentences)
    if translator is not None and not faults:
        ours = translator.signatures(**search)
        faults += _differences(directory, ours, signatures, sentences)
    described = [_describe(name, signature) for name, signature in signatures.items()]
    return Check(directory, described, operations, len(requests), faults)


def _faults_of_operations(graph: GraphDef, server: str) -> Iterator[str]:
    yield from faults_of_graph(graph)
    functions = {function.signature.name for function in graph.library.function}
    for op in sorted({node.op for node in nodes_of(graph)} - functions - SERVERS[server]):
        if not hasattr(tf.raw_ops, op):
            yield (
                f"The operation {op} is neither TensorFlow's own nor one of TensorFlow Text that "
                f"server {server} links: use another."
            )


def _faults_of_signature(name: str, signature: SignatureDef) -> Iterator[str]:
    for side, tensors in (("input", signature.inputs), ("output", signature.outputs)):
        for key, tensor in sorted(tensors.items()):
            which = f"The {side} {key!r} of the signature {name!r}"
            dtype = types_pb2.DataType.Name(tensor.dtype)
            if _UNNAMED.fullmatch(key):
                yield f"{which} has no name of its own: give it one."
            if tensor.dtype in (types_pb2.DT_VARIANT, types_pb2.DT_INVALID):
                yield f"{which} is ragged or no tensor ({dtype}): make it dense."
            elif tensor.tensor_shape.unknown_rank or not tensor.tensor_shape.dim:
                yield f"{which} has no batch dimension: a server could not batch it."
            elif tensor.tensor_shape.dim[0].size != -1:
                yield (
                    f"{which} has a batch of {tensor.tensor_shape.dim[0].size} only: leave its "
                    "first dimension open."
                )
            if side == "input" and tensor.dtype != types_pb2.DT_STRING:
                yield f"{which} is {dtype}, not a string: text goes in."
            if side == "output" and key.endswith("_bytes"):
                yield f"{which} would be sent as base64 over REST: choose a name without '_bytes'."


def _warmup(directory, signatures) -> tuple[list, list[str]]:
    """The warm-up requests that can be run, and what is wrong with the others."""
    try:
        requests = warmup.read(directory)
    except InputError as error:
        return [], [str(error)]
    faults = []
    if len(requests) > warmup.MOST:
        faults.append(f"There are {len(requests)} warm-up requests; a server takes {warmup.MOST}.")
    for number, (name, inputs) in enumerate(requests, 1):
        if name not in signatures or set(inputs) != set(signatures[name].inputs):
            faults.append(
                f"Warm-up request {number} asks the signature {name!r} with the inputs "
                f"{sorted(inputs)}, which do not exist: the server would refuse the version."
            )
    return requests, faults


def _faults_of_running(directory, signatures, requests, sentences) -> Iterator[str]:
    calls, meant = [], []

    def call(what, name, inputs):
        calls.append((name, inputs))
        meant.append(what)

    signatures = {  # others cannot be asked for text, which is a fault already
        name: signature
        for name, signature in signatures.items()
        if all(tensor.dtype == types_pb2.DT_STRING for tensor in signature.inputs.values())
    }
    for name, signature in signatures.items():
        call("sentences", name, {key: list(sentences) for key in signature.inputs})
        call("an empty batch", name, {key: [] for key in signature.inputs})
    for number, (name, inputs) in enumerate(requests, 1):
        if name in signatures and set(inputs) == set(signatures[name].inputs):
            call(f"warm-up request {number}", name, inputs)
    # Last, because these may bring the process down. One input is wrong at a time, and the others
    # fit it, so that none is refused for another's sake.
    wrong = []
    for name, signature in signatures.items():
        for key in sorted(signature.inputs):
            for what, value, others in (
                ("a scalar", "a", ["a"]),
                ("an input of rank 2", [["a"], ["b"]], ["a", "b"]),
            ):
                wrong.append(f"{what} as {key!r}")
                call(wrong[-1], name, {**dict.fromkeys(signature.inputs, others), key: value})

    try:
        results = run_calls(directory, calls, SECONDS)
    except RuntimeError as error:
        yield f"It cannot be loaded by the C++ loader: {str(error).splitlines()[-1]}"
        return
    for (name, inputs), what, result in zip(calls, meant, results, strict=False):
        failed = isinstance(result, CallError)
        if what in wrong:
            if not (failed and str(result).startswith("InvalidArgumentError")):
                answer = str(result) if failed else "an answer"
                yield (
                    f"The signature {name!r} does not refuse {what}, but gives {answer}: begin it "
                    "with tf.ensure_shape(input, [None]) of each input."
                )
        elif failed and "variable" in str(result):
            yield (
                f"The signature {name!r} does not find its variables in the C++ loader: hang them "
                f"on the exported module as tf.Variable ({result})."
            )
        elif failed:
            yield f"The signature {name!r} fails on {what}: {result}"
        else:
            rows = len(next(iter(inputs.values())))
            for key, value in sorted(result.items()):
                if isinstance(value, list) and len(value) != rows:
                    yield (
                        f"The output {key!r} of the signature {name!r} has {len(value)} rows for "
                        f"{what} with {rows}: a server could not tell whose they are."
                    )


def _differences(directory, ours, signatures, sentences) -> Iterator[str]:
    """Where the SavedModel's outputs differ from those of what was exported."""
    yield from _missing("The signature {!r}", ours, signatures)
    calls = [
        (name, {key: list(sentences) for key in signatures[name].inputs})
        for name in signatures
        if name in ours
    ]
    for (name, inputs), result in zip(calls, run_calls(directory, calls, SECONDS), strict=True):
        expected = ours[name](**{key: tf.constant(value) for key, value in inputs.items()})
        yield from _missing(f"The output {{!r}} of the signature {name!r}", expected, result)
        for key in sorted(set(expected) & set(result)):
            yield from _difference(name, key, expected[key].numpy(), np.array(result[key]))


def _missing(what, ours, theirs) -> Iterator[str]:
    for key in sorted(set(ours) - set(theirs)):
        yield f"{what.format(key)} is missing, which the Python translator has."
    for key in sorted(set(theirs) - set(ours)):
        yield f"{what.format(key)} is there, which the Python translator has not."


def _difference(name, key, expected, got) -> Iterator[str]:
    where = f"The output {key!r} of the signature {name!r} is not that of the Python translator"
    if expected.shape != got.shape:
        yield f"{where}: its shape is {got.shape}, not {expected.shape}."
    elif expected.dtype == object:
        texts = np.array([text.decode() for text in expected.flat])
        if np.any(texts != got.ravel()):
            yield f"{where}: {got.ravel()[texts != got.ravel()][0]!r}."
    elif not np.allclose(expected, got, rtol=1e-5, atol=1e-5):
        yield f"{where}: it differs by up to {np.max(np.abs(expected - got)):.2g}."


def _describe(name: str, signature: SignatureDef) -> str:
    def described(tensors):
        parts = []
        for key, tensor in sorted(tensors.items()):
            dtype = tf.as_dtype(tensor.dtype).name if tensor.dtype else "ragged"
            sizes = ("-" if dim.size < 0 else str(dim.size) for dim in tensor.tensor_shape.dim)
            parts.append(f"{key} {dtype}[{', '.join(sizes)}]")
        return ", ".join(parts)

    return f"{name}: {described(signature.inputs)} -> {described(signature.outputs)}"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Check whether a stock TensorFlow Serving can serve a SavedModel."""

    directory: Path = setting(None, "the version's folder", positional=True)
    server: str = setting("2.20", "the server's version", choices=tuple(SERVERS))


if __name__ == "__main__":
    settings = from_command_line(Settings)
    found = check_export(settings.directory, server=settings.server)
    print(found)
    sys.exit(bool(found.faults))
