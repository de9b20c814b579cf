"""Single steps against whole sequences, and what a step passes on."""

import numpy as np
import pytest
from helpers import GRID, random_batch, small_model

from tf_seq2seq import BahdanauAttention
from tf_seq2seq.layers.steps import AskAfter, AskBefore, FixedContext, Step, kind_of_step


def assert_steps_equal_the_whole(model):
    inputs, _ = random_batch()
    encoded = model.encoder(inputs["source"])
    whole = model.decoder(inputs["target"], model.bridge(encoded.state), encoded)
    state, memory = model.encode(inputs["source"])
    for j in range(inputs["target"].shape[1]):
        logits, weights, state = model.decoder.step(inputs["target"][:, j], state, memory)
        np.testing.assert_allclose(logits, whole.logits[:, j], atol=1e-5)
        if model.decoder.attention is None:
            assert weights is None and whole.alignment == ()
        else:
            np.testing.assert_allclose(weights, whole.alignment[:, j], atol=1e-6)
    for part, same in zip(flat(state), flat(whole.state), strict=True):
        np.testing.assert_allclose(part, same, atol=1e-5)


def flat(state):
    parts = [part for layer in state.cells for part in layer]
    return parts if isinstance(state.attended, tuple) else [*parts, state.attended]


@pytest.mark.parametrize(("system", "cell", "layers"), GRID)
def test_whole_sequences_equal_single_steps(system, cell, layers):
    assert_steps_equal_the_whole(small_model(system, cell, *layers))


@pytest.mark.parametrize("feeding", ["initial_state", "context"])
@pytest.mark.parametrize("query", ["current_state", "previous_state"])
def test_attention_with_the_other_feedings(query, feeding):
    system = f"additive_{query.split('_')[0]}"
    model = small_model(system, "lstm", 2, bidirectional=True, feeding=feeding)
    assert_steps_equal_the_whole(model)


def test_the_kind_of_step_follows_from_attention_and_query():
    attention = BahdanauAttention(4)
    assert kind_of_step(None, "current_state") is FixedContext
    assert kind_of_step(None, "previous_state") is FixedContext
    assert kind_of_step(attention, "previous_state") is AskBefore
    assert kind_of_step(attention, "current_state") is AskAfter


@pytest.mark.parametrize(
    ("system", "context", "attends"),
    [
        ("initial_state", None, False),
        ("context_alone", (3, 24), False),
        ("context_and_previous", (3, 24), False),
        ("additive_previous", None, True),
        ("additive_current", None, True),
    ],
)
def test_the_memory_holds_what_the_system_needs(system, context, attends):
    _, memory = small_model(system).encode(random_batch()[0]["source"])
    assert (memory.context if context is None else tuple(memory.context.shape)) == context
    for part in memory[1:]:
        assert (part is not None) == attends


@pytest.mark.parametrize("system", ["additive_current", "additive_previous"])
@pytest.mark.parametrize("feeding", ["initial_state", "context_and_previous"])
def test_the_readout_is_passed_on_only_where_it_is_fed(system, feeding):
    model = small_model(system, feeding=feeding)
    state, memory = model.encode(random_batch()[0]["source"])
    _, _, after = model.step(np.array([2, 2, 2]), state, memory)
    fed = system == "additive_current" and feeding == "context_and_previous"
    for each in (state, after):
        assert isinstance(each.attended, tuple) != fed
    if fed:
        assert not np.any(state.attended) and np.all(after.attended)


def test_a_kind_of_step_defines_every_method():
    for name in ("__call__", "remember"):
        kind = type("Kind", (FixedContext,), {name: getattr(Step, name)})
        with pytest.raises(TypeError, match="abstract"):
            kind(None, None)
