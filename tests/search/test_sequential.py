import numpy as np
import pytest
import tensorflow as tf
from helpers import SYSTEMS, defaults, pad_columns, random_batch, slow_except, small_model
from toy_search import LENGTH, LETTERS, UNK, random_models, read, step_of

from tf_seq2seq import InputError, search
from tf_seq2seq.search.constraints import NO_CONSTRAINTS


def spelling(words, pause=0.0):
    """A step function that spells a word for each row and looks at the letter it writes."""
    rows = np.full((len(words), 12), 3)
    for row, word in enumerate(words):
        rows[row, : len(word)] = [LETTERS.index(letter) for letter in word]
    table = tf.constant(rows)

    def step(ids, position):
        column = table[:, position] if len(words) else tf.zeros([0], tf.int64)
        logits = 5.0 * tf.one_hot(column, len(LETTERS)) + pause * tf.one_hot([0], len(LETTERS))
        return logits, tf.one_hot(tf.fill([len(words)], position), 12), position + 1

    return step


def test_spells_words_of_unequal_length():
    words = ["attention", "", "rnn", "gru"]
    found = search.greedy(spelling(words), tf.constant(0), 4, 12, aligned=True)
    assert read(found) == words
    np.testing.assert_array_equal(found.lengths, [10, 1, 4, 4])
    assert found.ids.shape == (4, 10), "the loop ends with the longest row"
    log_p = 5 - np.log(np.exp(5) + len(LETTERS) - 1)
    np.testing.assert_allclose(found.scores, log_p * found.lengths.numpy(), rtol=1e-5)
    for row, length in enumerate(found.lengths):
        np.testing.assert_array_equal(found.alignment[row, :length, :length], np.eye(length))
        assert not np.any(found.alignment[row, length:])


def test_never_longer_than_the_maximum():
    found = search.greedy(spelling(["attention", "rnn"]), tf.constant(0), 2, 5)
    assert read(found) == ["atten", "rnn"]
    np.testing.assert_array_equal(found.lengths, [5, 4])
    assert found.alignment is None


def test_never_writes_padding():
    found = search.greedy(spelling(["rnn"], pause=9.0), tf.constant(0), 1, 12)
    assert read(found) == ["rnn"]


def test_rows_that_are_finished_write_nothing_and_take_no_time():
    finished = tf.constant([False, True])
    found = search.greedy(spelling(["rnn", "attention"]), tf.constant(0), 2, 12, finished=finished)
    assert read(found) == ["rnn", ""]
    np.testing.assert_array_equal(found.lengths, [4, 0])
    assert found.scores[1] == 0
    assert found.ids.shape == (2, 4)


def test_empty_batch():
    found = search.greedy(spelling([]), tf.constant(0), 0, 12, aligned=True)
    assert found.ids.shape[0] == 0
    assert found.scores.shape == (0,)
    assert found.alignment.shape[0] == 0


# `make test` has a context in each step, and attention of both kinds and with both queries.
@pytest.mark.parametrize(
    "system", slow_except(SYSTEMS, "context_and_previous", "additive_current", "dot_previous")
)
def test_a_row_does_not_depend_on_the_others_nor_on_padding(system):
    model = small_model(system, "lstm", num_layers=2, bidirectional=True)
    source = random_batch()[0]["source"]

    def translate(source):
        state, memory = model.encode(source)
        return search.greedy(
            lambda ids, state: model.decoder.step(ids, state, memory), state, len(source), 9
        )

    together = translate(source)
    padded = translate(pad_columns(source, 20))
    np.testing.assert_array_equal(together.ids, padded.ids)
    np.testing.assert_allclose(together.scores, padded.scores, atol=1e-5)
    for row in range(3):
        alone = translate(source[row : row + 1])
        np.testing.assert_array_equal(alone.ids[0], together.ids[row, : alone.ids.shape[1]])
        np.testing.assert_allclose(alone.scores[0], together.scores[row], atol=1e-5)


def test_scores_are_the_log_probabilities_under_teacher_forcing():
    model = small_model("additive_current", bidirectional=True)
    source = random_batch()[0]["source"]
    state, memory = model.encode(source)
    found = search.greedy(lambda ids, state: model.decoder.step(ids, state, memory), state, 3, 9)
    shifted = np.pad(found.ids[:, :-1], [(0, 0), (1, 0)], constant_values=2)
    log_p = tf.nn.log_softmax(model({"source": source, "target": shifted}))
    own = tf.gather(log_p, found.ids, batch_dims=2).numpy() * (found.ids.numpy() > 0)
    np.testing.assert_allclose(found.scores, own.sum(axis=1), atol=1e-5)


def test_greedy_continues_from_the_last_output():
    def alphabet(ids, state):
        return tf.one_hot(ids + 1, len(LETTERS)), None, state

    found = search.greedy(alphabet, tf.constant(0), 2, 3, start=tf.constant([4, 10]))
    assert read(found) == ["bcd", "hij"]


PROBABILITIES = np.array([0.0, 0.05, 0.0, 0.1, 0.4, 0.25, 0.2])  # <pad> and <sos> have none


def drawn(count, **options):
    """How often each id is drawn first from a fixed distribution."""
    logits = tf.constant(np.log(PROBABILITIES + 1e-30), tf.float32)

    def step(ids, state):
        return tf.tile(logits[None], [count, 1]), None, state

    found = search.sample(step, tf.constant(0), count, 1, **options)
    return np.bincount(found.ids.numpy()[:, 0], minlength=7), found


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_sampling_follows_the_distribution(temperature):
    counts, _ = drawn(20_000, temperature=temperature, seed=1)
    expected = PROBABILITIES ** (1 / temperature)
    expected = expected[[1, 3, 4, 5, 6]] / expected.sum() * counts.sum()
    counts = counts[[1, 3, 4, 5, 6]]
    assert counts.sum() == 20_000
    chi_squared = np.sum((counts - expected) ** 2 / expected)
    assert chi_squared < 18.47  # the 0.999 quantile with 4 degrees of freedom


@pytest.mark.parametrize(
    ("options", "possible"),
    [
        ({"top_k": 1}, [4]),
        ({"top_k": 2}, [4, 5]),
        ({"top_k": 99}, [1, 3, 4, 5, 6]),
        ({"top_p": 0.3}, [4]),
        ({"top_p": 0.65}, [4, 5]),
        ({"top_p": 0.66}, [4, 5, 6]),
        ({"top_p": 1.0}, [1, 3, 4, 5, 6]),
        ({"top_k": 3, "top_p": 0.5}, [4, 5]),
    ],
)
def test_sampling_from_the_most_probable_only(options, possible):
    counts, _ = drawn(2000, **options)
    np.testing.assert_array_equal(np.flatnonzero(counts), possible)


@pytest.mark.parametrize("options", [{"top_k": 2}, {"top_p": 0.3}], ids=str)
def test_ties_leave_only_the_requested_number_of_ids(options):
    def step(ids, state):
        return tf.tile(tf.constant([[-99.0, 1, -99, 1, 1, 1]]), [200, 1]), None, state

    ids = search.sample(step, tf.constant(0), 200, 1, **options).ids.numpy()
    assert len(np.unique(ids)) == 2


def test_nan_logits_have_a_nan_score():
    def step(ids, state):
        return tf.fill([1, 6], np.nan), None, state

    for write in (search.greedy, search.sample):
        assert np.isnan(write(step, tf.constant(0), 1, 3).scores[0])


def test_samples_have_the_scores_of_the_model():
    _, found = drawn(50, temperature=3.0, top_k=4)
    np.testing.assert_allclose(found.scores, np.log(PROBABILITIES[found.ids[:, 0]]), rtol=1e-4)


def test_the_seed_decides():
    first, same, other = (drawn(50, seed=seed)[1].ids for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, same)
    assert np.any(first != other)


def test_steps_are_drawn_independently():
    def coin(ids, state):
        return tf.tile(tf.constant([[0.0, -99, 0, -99, 1, 1]]), [500, 1]), None, state

    ids = search.sample(coin, tf.constant(0), 500, 2).ids.numpy()
    same = np.mean(ids[:, 0] == ids[:, 1])
    assert 0.4 < same < 0.6


@pytest.mark.parametrize(
    "option",
    [
        {"temperature": 0},
        {"temperature": "1"},
        {"temperature": float("nan")},
        {"top_k": 0},
        {"top_k": 1.5},
        {"top_p": 0},
        {"top_p": 2},
        {"seed": 1.5},
        {"seed": 2**31},
    ],
    ids=str,
)
def test_sampling_options_out_of_range(option):
    ((name, value),) = option.items()
    with pytest.raises(InputError, match=rf"^`{name}` must be .*got {value!r}"):
        drawn(2, **option)


def test_numpy_scalars_are_sampling_options():
    options = {"temperature": 0.5, "top_k": 3, "top_p": 0.9, "seed": 7}
    numpy = {name: np.array(value)[()] for name, value in options.items()}
    np.testing.assert_array_equal(drawn(50, **options)[1].ids, drawn(50, **numpy)[1].ids)


@pytest.mark.parametrize("value", [0, -1, 2.0, True])
def test_a_maximum_length_out_of_range(value):
    with pytest.raises(InputError, match=r"^`max_length` must be an integer of at least 1"):
        search.greedy(spelling(["rnn"]), tf.constant(0), 1, value)


def test_sizes_may_be_tensors_or_numpy_integers():
    words = ["rnn", "attention"]
    for size, longest in ((tf.constant(2), tf.constant(5)), (np.int64(2), np.int64(5))):
        assert read(search.greedy(spelling(words), tf.constant(0), size, longest)) == [
            "rnn",
            "atten",
        ]


def test_the_defaults():
    common = {"aligned": False, "finished": None, "start": None, "constraints": NO_CONSTRAINTS}
    assert defaults(search.greedy) == common | {"memory": None, "prefix": None}
    sampling = {"temperature": 1.0, "top_k": None, "top_p": None, "seed": 0}
    assert defaults(search.sample) == common | sampling
    assert defaults(search.forced) == {"aligned": False, "start": None}


@pytest.mark.parametrize(
    ("batch_size", "max_length", "name"), [(-1, 3, "batch_size"), (2, 0, "max_length")]
)
def test_sizes_out_of_range(batch_size, max_length, name):
    for run in (search.greedy, search.sample):
        with pytest.raises(InputError, match=f"`{name}` must be an integer of at least"):
            run(None, (), batch_size, max_length)


@pytest.mark.parametrize("run", [search.greedy, search.sample])
def test_options_are_keywords(run):
    with pytest.raises(TypeError, match="positional"):
        run(None, (), 2, 3, True)


def test_options_of_forced_decoding_are_keywords():
    with pytest.raises(TypeError, match="positional"):
        search.forced(None, (), tf.constant([[3]]), True)


@pytest.mark.parametrize("memory", [None, ()])
def test_greedy_search_goes_on_from_the_prefix_of_each_row(memory):
    tables = random_models(40)
    rng = np.random.default_rng(2)
    prefixes = rng.choice([UNK, 4, 5], (40, LENGTH))
    prefixes[np.arange(LENGTH) >= rng.integers(0, LENGTH + 1, 40)[:, None]] = 0
    constraints = search.Constraints(forbid_unknown=True)  # but not in a prefix

    def greedy_of(row, prefix):
        """Search with one row, whose ids before the last of the prefix are forced."""
        step, state = step_of(*(table[row : row + 1] for table in tables))
        begun = prefix[prefix > 0].tolist()
        ids, log_p = [], 0.0
        previous = tf.constant([2])
        while len(ids) < LENGTH and 3 not in ids:
            logits, _, state = step(previous, state)
            scores = logits[0].numpy() - np.log(np.exp(logits[0]).sum())
            allowed = np.where(np.isin(range(len(scores)), [0, 1, 2]), -np.inf, scores)
            ids.append(begun[len(ids)] if len(ids) < len(begun) else int(np.argmax(allowed)))
            log_p += scores[ids[-1]]
            previous = tf.constant(ids[-1:])
        return ids, log_p

    step, state = step_of(*tables)
    if memory is not None:  # rows that have ended are dropped
        table = tf.constant(tables[0])

        def step(ids, state, memory):
            (rows,), (t, prefix) = memory, state
            prefix = tf.where(t == 0, 0, prefix * table.shape[3] + ids)
            logits = tf.gather_nd(table, tf.stack([rows, t, prefix], axis=1))
            return logits, None, (t + 1, prefix)

        memory = (tf.range(40),)
    found = search.greedy(
        step, state, 40, LENGTH, prefix=prefixes, constraints=constraints, memory=memory
    )
    for row in range(40):
        ids, log_p = greedy_of(row, prefixes[row])
        assert [i for i in found.ids[row].numpy().tolist() if i] == ids
        np.testing.assert_allclose(found.scores[row], log_p, atol=1e-5)
