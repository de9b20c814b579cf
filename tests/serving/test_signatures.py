"""The functions of an export, and the tables that list them."""

import re

import numpy as np
import pytest
import tensorflow as tf
from helpers import ROOT, TRICKY, slow_except, small_translator

from tf_seq2seq import InputError, LanguageModel, SearchOptions, TextModel, text
from tf_seq2seq.serving import signatures
from tf_seq2seq.serving.signatures import signatures_of

SYSTEMS = ["context_alone", "dot_current"]


@pytest.fixture(scope="module", params=slow_except(SYSTEMS, "dot_current"))
def found(request):
    """A translator and its concrete functions."""
    translator = small_translator(request.param)
    functions = signatures_of(translator).items()
    return translator, {name: each.get_concrete_function() for name, each in functions}


def rows_of_table(table):
    """Return (signature, output, dtype, shape) of each row of a Markdown table."""
    rows, signature = [], None
    for line in table.splitlines():
        cells = [cell.strip().replace("`", "") for cell in line.strip().strip("|").split("|")]
        signature = cells[0] or signature
        rows.append((signature, *cells[1:4]))
    return rows


def described(functions):
    """Return (signature, output, dtype, rank) of each output."""
    return {
        (name, key, spec.dtype.name, spec.shape.rank)
        for name, function in functions.items()
        for key, spec in function.structured_outputs.items()
    }


def tables():
    """Return the outputs that the tables list, for a translator and for a language model."""
    listed = []
    for table in re.findall(r"(?:^\|.*\n)+", signatures.__doc__, re.MULTILINE):
        _, _, *rows = rows_of_table(table)
        expanded = set()
        for signature, output, dtype, shape in rows:
            if output.startswith("as "):
                same = output.removeprefix("as ")
                expanded |= {(signature, *rest) for name, *rest in expanded if name == same}
            else:
                expanded.add((signature, output, dtype, shape.count(",") + 1))
        listed.append(expanded)
    return listed


def test_the_table_lists_the_signatures_of_a_translator(found):
    translator, functions = found
    listed, _ = tables()
    if not translator.aligns:
        listed = {each for each in listed if each[1] not in ("alignment", "alignments")}
    assert described(functions) == listed


def test_the_readme_of_the_repository_lists_every_output():
    listed, _ = tables()
    readme = (ROOT / "saved_models" / "README.md").read_text(encoding="utf-8")
    cells = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", readme, re.MULTILINE))
    for signature, output, *_ in listed:
        names = cells[signature]
        for other in re.findall(r"the outputs of `(\w+)`", names):
            names += cells[other]
        assert f"`{output}`" in names, (signature, output)


def test_inputs_and_outputs_have_names_and_a_batch_dimension(found):
    _, functions = found
    for name, function in functions.items():
        args, inputs = function.structured_input_signature
        specs = [*args, *inputs.values()]
        second = {"score": ["target"], "complete": ["prefix"]}
        names = ["text", *second.get(name.split("_")[0], [])]
        assert specs == [tf.TensorSpec([None], tf.string, name=key) for key in names]
        for key, output in function.structured_outputs.items():
            assert output.shape.rank >= 1, key
            assert output.shape[0] is None, key
            assert not key.endswith("_bytes")


def test_a_search_is_traced_once_for_the_signatures_that_share_it(monkeypatch):
    translator = small_translator("initial_state")
    traced = []

    def n_best_graph(text, options, prefix):
        traced.append(options.beam_width)
        return type(translator).n_best_graph(translator, text, options, prefix)

    monkeypatch.setattr(translator, "n_best_graph", n_best_graph)
    functions = signatures_of(translator, SearchOptions(beam_width=3, n_best=2))
    for name in functions:
        functions[name].get_concrete_function()
    assert traced == [1, 3]
    assert functions["beam"].get_concrete_function().structured_outputs["scores"].shape[1] == 2


def test_tokens_are_those_of_the_translator():
    translator = small_translator("initial_state", text.SubwordTokenizer)
    sentences = [*TRICKY, "ab ## a##b ￭ ##￭ (ab)."]
    outputs = signatures_of(translator)["details"](tf.constant([s.encode() for s in sentences]))
    for row, expected in enumerate(translator(sentences)):
        width, height = outputs["source_length"][row], outputs["target_length"][row]
        source = [token.decode() for token in outputs["source_tokens"][row, :width].numpy()]
        target = [token.decode() for token in outputs["target_tokens"][row, :height].numpy()]
        assert (tuple(source), tuple(target)) == (expected.source_tokens, expected.target_tokens)


def test_the_table_lists_the_signatures_of_a_language_model():
    tokenizer = text.WordTokenizer()
    tokenizer.adapt(["a b c"])
    text_model = TextModel(LanguageModel(tokenizer.vocabulary_size, 4), tokenizer)
    functions = signatures_of(text_model)
    _, listed = tables()
    concrete = {name: each.get_concrete_function() for name, each in functions.items()}
    assert described(concrete) == listed
    assert np.shape(functions["serving_default"](tf.constant(["a", "b"]))["tokens"]) == (2,)
    with pytest.raises(InputError, match="`beam` is for translators"):
        signatures_of(text_model, SearchOptions(beam_width=2))


def test_something_else_is_refused():
    with pytest.raises(
        InputError, match=r"a Translator or a TextModel to export, got LanguageModel"
    ):
        signatures_of(LanguageModel(5, 4))
    with pytest.raises(InputError, match="`beam` must be SearchOptions, got 5"):
        signatures_of(small_translator(), 5)
