"""LiteRT files: the interpreter gives the ids and scores of the translator's greedy search."""

import importlib.util
import itertools
import json
import re
import warnings

import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import ROOT, SYSTEMS, run_python, slow_except, small_model, small_translator

import tf_seq2seq as s2s
from tf_seq2seq import search, text
from tf_seq2seq.layers.cells import CELLS
from tf_seq2seq.models.precision import in_precision
from tf_seq2seq.serving import export_litert

MAX_LENGTH = 9
SOURCES = ([5, 6, 7, 8, 3], [19, 4, 3], [*range(4, 17), 3], [3])

# Where importing TensorFlow is an error.
ON_A_DEVICE = """
import json, os, sys
sys.modules |= {"tensorflow": None, "keras": None}
os.chdir(sys.argv[1])
"""
TRANSLATE = """
import numpy as np
from ai_edge_litert.interpreter import Interpreter
translate = Interpreter(sys.argv[2]).get_signature_runner()
ids = [translate(source=np.int32([ids]))["ids"][0].tolist() for ids in json.loads(sys.argv[3])]
print(json.dumps(ids))
"""
needs_litert = pytest.mark.skipif(
    importlib.util.find_spec("ai_edge_litert") is None, reason="needs pip install ai-edge-litert"
)


def random_translator(model):
    """A translator whose outputs depend on its inputs clearly, so that rounding breaks no ties."""
    for weight in model.weights:
        weight.assign(3 * weight)
    tokenizers = [text.WordTokenizer(), text.WordTokenizer()]
    sizes = model.source_vocabulary_size, model.target_vocabulary_size
    for tokenizer, size in zip(tokenizers, sizes, strict=True):
        tokenizer.set_vocabulary(text.Vocabulary([f"t{i}" for i in range(4, size)]))
    return s2s.Translator(model, *tokenizers, max_target_length=MAX_LENGTH)


def runner(path):
    """Return a function from an int32 array to the outputs of a file."""
    with warnings.catch_warnings():  # TensorFlow warns that its copy of the interpreter will go
        warnings.simplefilter("ignore", UserWarning)
        interpreter = tf.lite.Interpreter(str(path))
    return interpreter.get_signature_runner()


def assert_same(translator, path, source_length=None):
    translate, model = runner(path), translator.model
    for ids in SOURCES:
        ids = np.array([ids], np.int32)
        state, memory = model.encode(ids)
        want = search.greedy(
            model.stepper(), state, 1, MAX_LENGTH, memory=memory, finished=ids[:, 0] == 3
        )
        if source_length is not None:
            ids = np.pad(ids, [(0, 0), (0, source_length - ids.shape[1])])
        got = translate(source=ids)
        padding = MAX_LENGTH - want.ids.shape[1]
        np.testing.assert_array_equal(got["ids"], np.pad(want.ids, [(0, 0), (0, padding)]))
        np.testing.assert_array_equal(got["length"], want.lengths)
        np.testing.assert_allclose(got["score"], want.scores, atol=0.01)


# `make test` has each cell, a system without attention, and both kinds of attention and of queries.
CASES = slow_except(
    itertools.product(SYSTEMS, CELLS),
    ("initial_state", "simple_rnn"),
    ("additive_previous", "gru"),
    ("dot_current", "lstm"),
)


@pytest.mark.parametrize("case", CASES, ids="-".join)
def test_the_ids_and_scores_are_those_of_greedy_search(case, tmp_path):
    system, cell = case
    keras.utils.set_random_seed(0)
    translator = random_translator(small_model(system, cell, num_layers=2, bidirectional=True))
    path = tmp_path / "new" / "folder" / "x.tflite"
    assert export_litert(translator, str(path)) == path
    assert_same(translator, path)


def test_a_fixed_length_and_another_precision_and_several_models(tmp_path):
    keras.utils.set_random_seed(0)
    members = [small_model("dot_current"), small_model("initial_state", "lstm")]
    translator = random_translator(s2s.Ensemble(members))
    half = s2s.Translator(
        in_precision(translator.model, "bfloat16"),
        *translator.tokenizers,
        max_target_length=MAX_LENGTH,
    )
    export_litert(half, tmp_path / "x.tflite", source_length=15)
    assert_same(translator, tmp_path / "x.tflite", 15)


def test_the_file_is_smaller_with_rounded_weights(tmp_path):
    keras.utils.set_random_seed(0)
    model = s2s.Seq2Seq(s2s.Encoder(1000, 64), s2s.Decoder(500, 64))
    translator = random_translator(model)
    sizes, scores = {}, {}
    for weights in ("float32", "float16", "int8"):
        path = export_litert(translator, tmp_path / weights, weights=weights)
        sizes[weights] = path.stat().st_size
        scores[weights] = runner(path)(source=np.array([[5, 6, 3]], np.int32))["score"].item()
    assert sizes["float16"] < 0.6 * sizes["float32"] and sizes["int8"] < 0.35 * sizes["float32"]
    np.testing.assert_allclose(scores["float16"], scores["float32"], rtol=0.01)
    np.testing.assert_allclose(scores["int8"], scores["float32"], rtol=0.1)
    assert len({*scores.values()}) == 3


@keras.saving.register_keras_serializable("test_litert")
class OddAttention(s2s.Attention):
    def score(self, query, keys):
        return tf.reduce_sum(tf.math.bessel_i1(keys), -1)


def test_what_is_refused(tmp_path):
    path = tmp_path / "x.tflite"
    translator = small_translator()
    with pytest.raises(s2s.InputError, match="`weights` must be 'float32', 'float16' or 'int8', g"):
        export_litert(translator, path, weights="int4")
    with pytest.raises(s2s.InputError, match="`source_length` must be"):
        export_litert(translator, path, source_length=0)
    sizes = [tokenizer.vocabulary_size for tokenizer in translator.tokenizers]
    shortlist = s2s.search.Shortlist(np.zeros([sizes[0], 1], int), (), sizes[1])
    with pytest.raises(s2s.InputError, match=r"has no shortlist: pass `.*with_shortlist\(None\)`"):
        export_litert(translator.with_shortlist(shortlist), path)
    with pytest.raises(s2s.InputError, match=r"Only a Translator can be exported .* got Seq2Seq\."):
        export_litert(translator.model, path)
    odd = random_translator(small_model("dot_current", attention=OddAttention()))
    with pytest.raises(s2s.InputError, match=r"^LiteRT cannot run BesselI1, which the model uses:"):
        export_litert(odd, path)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@needs_litert
def test_the_committed_model_without_tensorflow(committed, tmp_path):
    sentences = s2s.data.synthetic_corpus(1).test.source[:200]
    sources = [[*ids, 3] for ids in committed.source_tokenizer.encode(sentences).to_list()]
    expected = [translation.text for translation in committed(sentences)]
    same = {}
    for weights in ("float32", "int8"):
        export_litert(committed, tmp_path / weights, weights=weights)
        printed = run_python(ON_A_DEVICE + TRANSLATE, tmp_path, weights, json.dumps(sources))
        ids = json.loads(printed.splitlines()[-1])
        texts = [each.decode() for each in committed.target_tokenizer.decode(ids).numpy()]
        same[weights] = np.mean(np.array(texts) == np.array(expected))
    assert same["float32"] == 1 and same["int8"] >= 0.97


@pytest.mark.slow
@needs_litert
def test_the_programs_of_the_page(committed, tmp_path, monkeypatch):
    page = (ROOT / "docs" / "on_a_device.md").read_text(encoding="utf-8")
    export, translate = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    committed.save(tmp_path / "output" / "translator")
    monkeypatch.chdir(tmp_path)
    exec(export)
    printed = run_python(f"{ON_A_DEVICE}{translate}\nprint(json.dumps(ids.tolist()))", tmp_path)
    ids = json.loads(printed.splitlines()[-1])
    (found,) = committed("The book that I bought yesterday is very interesting.")
    assert committed.target_tokenizer.decode([ids]).numpy()[0].decode() == found.text
    assert len(ids) == found.target_length
