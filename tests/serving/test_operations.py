import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tf_seq2seq.serving.operations import accelerator_problems, nodes_of, operation_problems


def graph_of(function):
    return function.get_concrete_function(tf.TensorSpec([None])).graph.as_graph_def()


def test_nodes_of_functions_are_included():
    inner = tf.function(tf.math.tanh)
    nodes = {node.op for node in nodes_of(graph_of(tf.function(lambda x: inner(x) + 1)))}
    assert {"AddV2", "Tanh", "PartitionedCall"} <= nodes


def test_xla_in_an_inner_function():
    compiled = tf.function(lambda x: x + 1, jit_compile=True)
    (problem,) = accelerator_problems(graph_of(tf.function(lambda x: compiled(x))))
    assert "compiled by XLA" in problem and "jit_compile" in problem


@pytest.mark.parametrize(
    ("op", "server", "problem"),
    [
        ("CudnnRNNV3", "2.20", "The operation CudnnRNNV3 runs only on a GPU"),
        ("XlaDot", "2.20", "The operation XlaDot needs XLA"),
        ("Unknown", "2.20", "The operation Unknown belongs neither to TensorFlow nor"),
        ("TFText>Utf8Binarize", "2.19", "server 2.19 links"),
        ("TFText>Utf8Binarize", "2.20", None),
    ],
)
def test_operations(exported, op, server, problem):
    model = SavedModel.FromString((exported[1] / "saved_model.pb").read_bytes())
    (graph,) = model.meta_graphs
    assert operation_problems(graph.graph_def, server) == []
    graph.graph_def.library.function[0].node_def.add(name="odd", op=op)
    problems = operation_problems(graph.graph_def, server)
    assert any(problem in each for each in problems) if problem else problems == []
