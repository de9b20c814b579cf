"""The operations that a stock server can run."""

from __future__ import annotations

from collections.abc import Iterator

import tensorflow as tf
from tensorflow.core.framework.graph_pb2 import GraphDef
from tensorflow.core.framework.node_def_pb2 import NodeDef

# The operations of TensorFlow Text, and those that servers up to 2.19 lack because they are built
# with TensorFlow Text 2.12.
_TEXT_OPERATIONS = frozenset(
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
    "2.20": _TEXT_OPERATIONS,
    "2.19": _TEXT_OPERATIONS - _NOT_UP_TO_2_19,
    "2.18": _TEXT_OPERATIONS - _NOT_UP_TO_2_19,
}
"""The operations of TensorFlow Text that a server links, by the server's version."""


def nodes_of(graph: GraphDef) -> Iterator[NodeDef]:
    """Yield the nodes of a graph and of its functions."""
    yield from graph.node
    for function in graph.library.function:
        yield from function.node_def


def accelerator_problems(graph: GraphDef) -> list[str]:
    """Describe each operation that a stock server on a CPU cannot run.

    Returns:
        One sentence per cuDNN or XLA operation, and one if XLA compiles a function.
    """
    problems = []
    for op in sorted({node.op for node in nodes_of(graph)}):
        if op.startswith("Cudnn"):
            problems.append(f"The operation {op} runs only on a GPU: export without cuDNN.")
        elif op.startswith("Xla"):
            problems.append(f"The operation {op} needs XLA, which a stock server disables.")
    parts = (*graph.library.function, *nodes_of(graph))
    if any(part.attr["_XlaMustCompile"].b for part in parts if "_XlaMustCompile" in part.attr):
        problems.append(
            "A function is compiled by XLA, which a stock server disables: export it without "
            "jit_compile."
        )
    return problems


def operation_problems(graph: GraphDef, server: str) -> list[str]:
    """Describe each operation that a server cannot run or does not know.

    TensorFlow's operations are those of the installed release.

    Args:
        graph: a graph with its functions.
        server: the server's version, a key of `SERVERS`.
    """
    functions = {function.signature.name for function in graph.library.function}
    used = {node.op for node in nodes_of(graph)}
    return accelerator_problems(graph) + [
        f"The operation {op} belongs neither to TensorFlow nor to the part of TensorFlow Text that "
        f"server {server} links: use another one."
        for op in sorted(used - functions - SERVERS[server])
        if not hasattr(tf.raw_ops, op)
    ]
