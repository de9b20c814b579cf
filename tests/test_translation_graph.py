import keras
import numpy as np
import pytest
import tensorflow as tf
from helpers import TRICKY, defaults, small_translator

import tf_seq2seq as s2s
from tf_seq2seq import search, translation_graph


@pytest.mark.parametrize("system", ["context_alone", "additive_previous"])
def test_empty_batch_goes_through_the_graph(system):
    translator = small_translator(system)
    options = s2s.SearchOptions(beam_width=3, n_best=2)
    for graph in (
        translator.graph,
        lambda text: translator.graph(text, options),
        lambda text: translator.score_graph(text, text),
        translator.encode_graph,
    ):
        function = tf.function(
            graph, input_signature=[tf.TensorSpec([None], tf.string)], autograph=False
        )
        for name, value in function(tf.constant([], tf.string)).items():
            assert value.shape[0] == 0, name


def test_outputs_have_the_documented_shapes_and_dtypes():
    translator = small_translator()
    options = s2s.SearchOptions(beam_width=4, n_best=3)
    text = tf.constant(TRICKY)
    for outputs, n_best in (
        (translator.graph(text), ()),
        (translator.n_best_graph(text, options), (3,)),
        (translator.score_graph(text, tf.fill([len(TRICKY)], "甲")), ()),
    ):
        source, target = outputs["source_tokens"].shape[1], outputs["target_tokens"].shape[-1]
        outputs.pop("target_cut_off", None)
        assert {name: (value.dtype, value.shape[1:]) for name, value in outputs.items()} == {
            "translation": (tf.string, n_best),
            "score": (tf.float32, n_best),
            "source_tokens": (tf.string, (source,)),
            "source_length": (tf.int32, ()),
            "cut_off": (tf.bool, ()),
            "target_tokens": (tf.string, (*n_best, target)),
            "target_length": (tf.int32, n_best),
            "alignment": (tf.float32, (*n_best, target, source)),
        }


def test_the_context_is_that_of_the_encoder_and_zero_for_nothing():
    translator = small_translator()
    context = translator.encode_graph(tf.constant(["a b", ""]))["context"]
    ids = [[*translator.source_tokenizer.encode(["a b"]).to_list()[0], s2s.text.EOS_ID]]
    expected = translator.model.context(tf.constant(ids))
    np.testing.assert_allclose(context[0], expected[0], atol=1e-6)
    np.testing.assert_array_equal(context[1], np.zeros(8))


def test_other_numbers_of_translations_and_scalars_are_refused():
    translator = small_translator()
    with pytest.raises(tf.errors.InvalidArgumentError):
        translator.score_graph(tf.constant(["a", "b"]), tf.constant(["甲"]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="not compatible"):
        translator.graph(tf.constant("a"))


def test_options_that_need_attention_are_refused():
    translator = small_translator("context_alone")
    options = s2s.SearchOptions(replace_unknown=True)
    with pytest.raises(s2s.InputError, match="`replace_unknown` needs attention weights"):
        translator.graph(tf.constant(["a"]), options)


def test_texts_longer_than_a_limit_are_cut_off_and_marked():
    translator = small_translator(max_source_length=2, max_target_length=3)
    text = tf.constant(["", "a", "a b", "a b c"])
    outputs = translator.graph(text)
    assert outputs["cut_off"].numpy().tolist() == [False, False, False, True]
    assert outputs["source_length"].numpy().tolist() == [0, 2, 3, 3]
    np.testing.assert_array_equal(outputs["source_tokens"][3], outputs["source_tokens"][2])
    outputs = translator.score_graph(text, tf.constant(["甲", "甲", "甲乙", "甲乙丙"]))
    assert outputs["target_cut_off"].numpy().tolist() == [False, False, False, True]
    assert outputs["target_length"].numpy().tolist() == [2, 2, 3, 3]
    assert int(tf.reduce_max(translator.graph(text)["target_length"])) <= 3


def test_padding_of_the_source_has_no_part_in_the_coverage(monkeypatch):
    translator, masks, beam = small_translator(), [], search.beam

    def seen(*arguments, **options):
        masks.append(options["source_mask"])
        return beam(*arguments, **options)

    monkeypatch.setattr(search, "beam", seen)
    options = s2s.SearchOptions(beam_width=2, coverage_penalty=0.5)
    translator.graph(tf.constant(["a", "a b c"]), options)
    np.testing.assert_array_equal(masks[0], [[True, True, False, False], [True] * 4])


def test_the_alignment_belongs_to_source_and_target_tokens():
    outputs = small_translator().graph(tf.constant(["a b c", "a", ""]))
    for row in range(3):
        source, target = (int(outputs[f"{side}_length"][row]) for side in ("source", "target"))
        weights = outputs["alignment"][row].numpy()
        np.testing.assert_allclose(weights[:target, :source].sum(axis=1), 1, atol=1e-5)
        assert not np.any(weights[target:]) and not np.any(weights[:, source:])


def test_the_defaults():
    options = {"max_source_length": 100, "max_target_length": 100, "shortlist": None}
    assert defaults(translation_graph.TranslationGraph) == options


def test_the_best_of_several_translations():
    translator, text = small_translator(), tf.constant(["a b c", "d"])
    options = s2s.SearchOptions(beam_width=4, n_best=3)
    best, all_of_them = translator.graph(text, options), translator.n_best_graph(text, options)
    for name in ("translation", "score", "target_tokens", "target_length", "alignment"):
        np.testing.assert_array_equal(best[name], all_of_them[name][:, 0])


def test_unknown_words_become_the_most_attended_words_of_their_own_sentence(monkeypatch):
    sentences = [["a", "b"], ["c", "d", "e"], *(["f"] for _ in range(5))]
    translator, text = small_translator(), tf.constant([" ".join(words) for words in sentences])
    always_unknown = tf.one_hot([s2s.text.UNK_ID] * 7, translator.target_tokenizer.vocabulary_size)
    step = translator.model.stepper()
    monkeypatch.setattr(
        translator.model,
        "stepper",
        lambda width: lambda *arguments: (always_unknown, *step(*arguments)[1:]),
    )
    outputs = translator.graph(text, s2s.SearchOptions(replace_unknown=True))
    for row, sentence in enumerate(sentences):
        places = np.argmax(outputs["alignment"][row, :, : len(sentence)], axis=1)
        expected = "".join(sentence[place] for place in places)
        assert outputs["translation"][row].numpy().decode().replace(" ", "") == expected


def test_limits_are_keywords():
    first = small_translator()
    with pytest.raises(TypeError, match="positional"):
        translation_graph.TranslationGraph(first.model, *first.tokenizers, 5)


@pytest.mark.parametrize("width", [1, 3])
def test_weights_are_read_outside_the_loop(width):
    """Each read in the loop would be followed by a cast and a split, in every step."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    translator = small_translator("additive_current")
    options = s2s.SearchOptions(beam_width=width)
    graph = translator.compiled(options).get_concrete_function().graph.as_graph_def()
    loops = [f for f in graph.library.function if "while_body" in f.signature.name]
    assert len(loops) > 2
    for function in loops:
        assert "ReadVariableOp" not in {node.op for node in function.node_def}


def test_prefixes_of_a_batch_of_another_size_are_refused():
    translator = small_translator()
    with pytest.raises(tf.errors.InvalidArgumentError):
        translator.graph(tf.constant(["a", "b"]), prefix=tf.constant(["甲"]))
