"""What the check of an export finds, each fault made on purpose."""

import sys

import keras
import pytest
import tensorflow as tf
import tensorflow_text as tf_text
from helpers import run_module, small_translator
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from tf_seq2seq import InputError, serving
from tf_seq2seq.serving import check, warmup

TEXT = tf.TensorSpec([None], tf.string, "text")


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    translator = small_translator()
    directory = tmp_path_factory.mktemp("good")
    return translator, serving.export(translator, directory, sentences=["a b", "c"])


def save(path, **signatures):
    module = tf.Module()
    functions = {}
    for name, (function, *specs) in signatures.items():
        functions[name] = tf.function(function, input_signature=specs).get_concrete_function()
    tf.saved_model.save(module, str(path), signatures=functions)
    return path


def lengths(text):
    return {"length": tf.strings.length(tf.ensure_shape(text, [None]))}


def test_an_export_has_no_fault(good):
    translator, path = good
    found = serving.check_export(path, translator)
    assert found.faults == []
    assert found.warmup_requests == 5 * 3
    assert len(found.signatures) == 5
    assert "beam: text string[-] -> scores float32[-, 5], translation string[-]" in str(found)
    assert "EnsureShape x " in str(found)
    assert str(found).endswith(f"{path}: no faults")


def test_another_translator_translates_otherwise(good):
    faults = serving.check_export(good[1], small_translator()).faults
    assert any("'translation' of the signature 'beam' is not that of" in fault for fault in faults)
    assert any("'context' of the signature 'encode'" in fault for fault in faults)


def test_signatures_and_outputs_that_are_missing(good, tmp_path):
    translator, _ = good
    path = save(
        tmp_path / "1",
        serving_default=(lambda text: {"translation": tf.ensure_shape(text, [None])}, TEXT),
        another=(lengths, TEXT),
    )
    faults = serving.check_export(path, translator).faults
    for expected in (
        "The signature 'beam' is missing, which the Python translator has.",
        "The signature 'another' is there, which the Python translator has not.",
        "The output 'score' of the signature 'serving_default' is missing",
        "The output 'translation' of the signature 'serving_default' is not that of",
    ):
        assert any(fault.startswith(expected) for fault in faults), expected


def test_what_a_graph_prints_does_not_matter(tmp_path):
    def printing(text):
        tf.print("printed", output_stream=sys.stdout)
        return lengths(text)

    assert serving.check_export(save(tmp_path / "1", printing=(printing, TEXT))).faults == []


def test_a_signature_that_does_not_end(tmp_path, monkeypatch):
    def endless(text):
        (end,) = tf.while_loop(lambda i: i >= 0, lambda i: tf.maximum(i - 1, 0), [tf.size(text)])
        return {"length": tf.strings.length(tf.ensure_shape(text, [None])) + end}

    monkeypatch.setattr(check, "SECONDS", 8)
    (fault, *_) = serving.check_export(save(tmp_path / "1", endless=(endless, TEXT))).faults
    assert "did not end within 8 seconds" in fault


def test_faults_of_signatures(tmp_path):
    path = save(
        tmp_path / "1",
        number=(lambda x: {"y": x}, tf.TensorSpec([None], tf.float32, "x")),
        fixed=(lambda text: {"y": text}, tf.TensorSpec([3], tf.string, "text")),
        scalar=(lambda text: {"size": tf.size(tf.ensure_shape(text, [None]))}, TEXT),
        unnamed=(lambda text: [tf.ensure_shape(text, [None])], TEXT),
        encoded=(lambda text: {"text_bytes": tf.ensure_shape(text, [None])}, TEXT),
        unchecked=(lambda text: {"length": tf.strings.length(text)}, TEXT),
        fails=(lambda text: {"n": tf.strings.to_number(tf.ensure_shape(text, [None]))}, TEXT),
        ragged=(lambda text: {"words": tf.strings.split(tf.ensure_shape(text, [None]))}, TEXT),
        flat=(
            lambda text: {"words": tf.strings.split(tf.ensure_shape(text, [None])).flat_values},
            TEXT,
        ),
        second=(
            lambda text, target: {**lengths(text), "other": tf.strings.length(target)},
            TEXT,
            tf.TensorSpec([None], tf.string, "target"),
        ),
        good=(lengths, TEXT),
    )
    faults = serving.check_export(path).faults
    for expected in (
        "The input 'x' of the signature 'number' is DT_FLOAT, not a string",
        "The input 'text' of the signature 'fixed' has a batch of 3 only",
        "The output 'size' of the signature 'scalar' has no batch dimension",
        "The output 'output_0' of the signature 'unnamed' has no name of its own",
        "The output 'text_bytes' of the signature 'encoded' would be sent as base64",
        "The signature 'unchecked' does not refuse a scalar as 'text', but gives an answer",
        "The signature 'unchecked' does not refuse an input of rank 2 as 'text'",
        "The signature 'second' does not refuse an input of rank 2 as 'target'",
        "The output 'words' of the signature 'ragged' is ragged or no tensor (DT_INVALID)",
        "The output 'words' of the signature 'flat' has 11 rows for sentences with 4",
        "The signature 'fails' fails on sentences: InvalidArgumentError",
    ):
        assert any(fault.startswith(expected) for fault in faults), expected
    assert not any("'good'" in fault for fault in faults)


def test_a_kernel_that_brings_the_process_down(tmp_path):
    tokenizer = tf_text.WhitespaceTokenizer()
    path = save(
        tmp_path / "1",
        tokens=(lambda text: {"tokens": tokenizer.tokenize(text).row_lengths()}, TEXT),
    )
    (fault, *_) = serving.check_export(path).faults
    assert "does not refuse a scalar" in fault
    assert "with tf.ensure_shape" in fault


def test_variables_that_the_python_loader_alone_finds(tmp_path):
    module = tf.Module()
    module.model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])

    def served(text):
        lengths = tf.strings.length(tf.ensure_shape(text, [None]))
        return {"y": module.model(tf.cast(lengths, tf.float32)[:, None])[:, 0]}

    function = tf.function(served, input_signature=[TEXT]).get_concrete_function()
    tf.saved_model.save(module, str(tmp_path), signatures=function)
    faults = serving.check_export(tmp_path).faults
    assert any("does not find its variables in the C++ loader" in fault for fault in faults)


def test_xla(tmp_path):
    compiled = tf.function(lambda x: x + 1, jit_compile=True)
    path = save(
        tmp_path / "1",
        xla=(lambda text: {"y": compiled(tf.strings.length(tf.ensure_shape(text, [None])))}, TEXT),
    )
    faults = serving.check_export(path).faults
    assert any("compiled by XLA" in fault for fault in faults)


@pytest.mark.parametrize(
    ("op", "server", "fault"),
    [
        ("CudnnRNNV3", "2.20", "The operation CudnnRNNV3 runs on a GPU only"),
        ("OfMine", "2.20", "The operation OfMine is neither TensorFlow's own nor"),
        ("TFText>Utf8Binarize", "2.19", "that server 2.19 links"),
        ("TFText>Utf8Binarize", "2.20", None),
    ],
)
def test_operations(good, op, server, fault):
    model = SavedModel.FromString((good[1] / "saved_model.pb").read_bytes())
    (graph,) = model.meta_graphs
    graph.graph_def.library.function[0].node_def.add(name="odd", op=op)
    faults = list(check._faults_of_operations(graph.graph_def, server))
    assert len(faults) == (fault is not None)
    assert all(fault in each for each in faults)


def test_warmup_requests_that_a_server_would_refuse(tmp_path, monkeypatch):
    path = save(tmp_path / "1", good=(lengths, TEXT))
    warmup.write(path, [["a", "b"]], "m")
    monkeypatch.setattr(
        warmup,
        "read",
        lambda directory: [
            ("good", {"text": [b"a"]}),
            ("bad", {"text": [b"a"]}),
            ("good", {"texts": [b"a"]}),
            ("good", {"text": [[b"a"], [b"b"]]}),
        ],
    )
    monkeypatch.setattr(warmup, "MOST", 3)
    faults = serving.check_export(path).faults
    assert len(faults) == 4
    assert faults[0] == "There are 4 warm-up requests; a server takes 3."
    assert faults[1].startswith("Warm-up request 2 asks the signature 'bad'")
    assert faults[2].startswith("Warm-up request 3 asks the signature 'good' with the inputs")
    assert faults[3].startswith("The signature 'good' fails on warm-up request 4")


def test_a_damaged_file_of_warmup_requests(tmp_path):
    path = save(tmp_path / "1", good=(lengths, TEXT))
    warmup.write(path, [["a", "b"]], "m")
    assert serving.check_export(path).faults == []
    file = path / warmup.FILE
    file.write_bytes(file.read_bytes()[:-5])
    (fault,) = serving.check_export(path).faults
    assert "tf_serving_warmup_requests is no file of requests" in fault


def test_what_is_no_saved_model(tmp_path):
    with pytest.raises(InputError, match="give a version's folder"):
        serving.check_export(tmp_path)
    (tmp_path / "saved_model.pb").write_bytes(b"rubbish")
    with pytest.raises(InputError, match="There is no SavedModel to serve"):
        serving.check_export(tmp_path)
    with pytest.raises(InputError, match=r"No server '1\.15'"):
        serving.check_export(tmp_path, server="1.15")


def test_the_command(good):
    printed = run_module("tf_seq2seq.serving.check", good[1], "--server", "2.19")
    assert printed.rstrip().endswith(": no faults")
