import random
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from helpers import defaults

from tf_seq2seq.data import splitting
from tf_seq2seq.data.corpus import Pairs
from tf_seq2seq.data.readers import read_tab_separated
from tf_seq2seq.data.splitting import split
from tf_seq2seq.errors import InputError

SHARED_DATA = Path(__file__).parents[3] / "shared" / "data"
needs_shared_data = pytest.mark.skipif(
    not SHARED_DATA.is_dir(), reason=f"the public corpora are not in {SHARED_DATA}"
)


def numbered_pairs(count):
    return Pairs([f"s{i}" for i in range(count)], [f"t{i}" for i in range(count)])


def assert_no_leak(corpus):
    for side in ("source", "target"):
        train, dev, test = ({s.strip() for s in getattr(part, side)} for part in corpus)
        assert not train & dev
        assert not train & test
        assert not dev & test


class TestSplit:
    def test_sizes_are_exact_and_nothing_is_lost(self):
        pairs = numbered_pairs(100)
        corpus = split(pairs, dev=10, test=20)
        assert [len(part) for part in corpus] == [70, 10, 20]
        assert sorted(pair for part in corpus for pair in part) == sorted(pairs)
        assert list(corpus.train) == [pair for pair in pairs if pair in set(corpus.train)]

    def test_the_seed_determines_the_split(self):
        pairs = numbered_pairs(100)
        assert split(pairs, 10, 10, seed=3) == split(pairs, 10, 10, seed=3)
        assert split(pairs, 10, 10, seed=3).dev != split(pairs, 10, 10, seed=4).dev

    @pytest.mark.parametrize("seed", range(20))
    def test_no_sentence_of_either_side_leaks(self, seed):
        draw = random.Random(seed)
        source, target = ([f"{draw.randrange(150)}" for _ in range(200)] for _ in range(2))
        corpus = split(Pairs(source, [f" {t}" for t in target]), dev=5, test=9, seed=seed)
        assert 0 < len(corpus.dev) <= 5
        assert 0 < len(corpus.test) <= 9
        assert_no_leak(corpus)

    def test_a_chain_of_shared_sentences_stays_together(self):
        chain = Pairs(["a", "b", "b", "c"], ["A", "A", "B", "B"])
        rest = numbered_pairs(3)
        pairs = Pairs(chain.source + rest.source, chain.target + rest.target)
        for seed in range(10):
            corpus = split(pairs, dev=1, test=1, seed=seed)
            assert set(chain) <= set(corpus.train)
            assert [len(part) for part in corpus] == [5, 1, 1]

    def test_source_and_target_sentences_are_not_compared(self):
        # "go" as a source and as a target sentence is not a common sentence.
        corpus = split(Pairs(["go", "x", "y"], ["p", "go", "q"]), dev=1, test=1)
        assert [len(part) for part in corpus] == [1, 1, 1]

    def test_repeated_pairs_count_once_when_held_out_and_stay_repeated_in_training(self):
        pairs = Pairs(["a"] * 5 + ["b"] * 3 + ["c"] * 2, ["A"] * 5 + ["B"] * 3 + ["C"] * 2)
        corpus = split(pairs, dev=1, test=1)
        assert [len(corpus.dev), len(corpus.test)] == [1, 1]
        (kept,) = set(corpus.train)
        assert len(corpus.train) == list(pairs).count(kept)

    def test_blank_sentences_are_never_held_out(self):
        pairs = Pairs(["", "a", "b", "c"], ["X", "", "B", "C"])
        for seed in range(10):
            corpus = split(pairs, dev=1, test=1, seed=seed)
            assert {*corpus.dev, *corpus.test} == {("b", "B"), ("c", "C")}

    @pytest.mark.parametrize("side", [0, 1])
    @pytest.mark.parametrize(
        "variants",
        [
            ("Der Käse riecht.", unicodedata.normalize("NFD", "Der Käse riecht.")),
            ("an old book", "an  old book", "an\u00a0old\tbook"),
            ("What is it?", "WHAT IS IT?", "what is it ?", "What is İt?".replace("İ", "I")),
            ("我不是。", "我 不是 。", "我\u3000不是。"),
        ],
    )
    def test_variants_of_a_sentence_stay_together(self, variants, side):
        others = numbered_pairs(40)
        pairs = [*others, *(((v, f"{i}"), (f"{i}", v))[side] for i, v in enumerate(variants))]
        for seed in range(10):
            corpus = split(Pairs(*zip(*pairs, strict=True)), dev=8, test=12, seed=seed)
            held = [sum(pair[side] in variants for pair in part) for part in corpus]
            assert sorted(held) == [0, 0, len(set(variants))]

    def test_variants_do_not_change_the_rest_of_the_split(self):
        # With one more variant of a training sentence, the held-out parts stay the same.
        pairs = numbered_pairs(100)
        corpus = split(pairs, dev=10, test=20)
        source, target = corpus.train.source[0], corpus.train.target[0]
        more = Pairs((*pairs.source, source), (*pairs.target, target.upper()))
        assert split(more, dev=10, test=20)[1:] == corpus[1:]

    def test_sentences_without_visible_characters_are_never_held_out(self):
        corpus = split(Pairs(["\u200b", "a", "b"], ["x", "y", "z"]), dev=1, test=1)
        assert corpus.train.source == ("\u200b",)

    def test_parts_of_size_zero(self):
        corpus = split(numbered_pairs(3), dev=0, test=1)
        assert [len(part) for part in corpus] == [2, 0, 1]

    @pytest.mark.parametrize("dev,test", [(3, 3), (6, 0), (6, 1), (1, 5)])
    def test_too_small_a_corpus(self, dev, test):
        with pytest.raises(InputError, match=rf"6 pairs.*dev={dev}, test={test}.*reduce the sizes"):
            split(numbered_pairs(6), dev, test)
        with pytest.raises(InputError, match="Cannot split 0 pairs"):
            split(Pairs([], []), dev, test)

    def test_a_corpus_of_one_group(self):
        with pytest.raises(InputError, match="4 pairs, which form 1 groups"):
            split(Pairs(list("abcd"), ["X"] * 4), dev=1, test=1)

    @pytest.mark.parametrize("name", ["dev", "test"])
    @pytest.mark.parametrize("size", [-1, 1.0, True, "1"])
    def test_impossible_sizes(self, name, size):
        with pytest.raises(InputError, match=f"`{name}` must be an integer of at least 0, got"):
            split(numbered_pairs(6), **{"dev": 1, "test": 1, name: size})
        with pytest.raises(InputError, match="`seed` must be an integer"):
            split(numbered_pairs(6), dev=1, test=1, seed=1.5)

    def test_without_held_out_parts_no_sentences_are_compared(self, monkeypatch):
        monkeypatch.setattr(splitting, "_as_seen", None)
        corpus = split(Pairs([" a", "a"], ["b", "b"]), dev=0, test=0)
        assert corpus == (Pairs(["a", "a"], ["b", "b"]), Pairs([], []), Pairs([], []))

    def test_numpy_integers(self):
        pairs = numbered_pairs(100)
        assert split(pairs, np.int64(5), np.int32(7), np.int64(3)) == split(pairs, 5, 7, 3)

    def test_all_pairs_but_one_can_be_held_out(self):
        assert [len(part) for part in split(numbered_pairs(6), dev=3, test=2)] == [1, 3, 2]

    @needs_shared_data
    def test_tatoeba(self):
        pairs = read_tab_separated(SHARED_DATA / "cmn-eng/cmn.txt")
        corpus = split(pairs, dev=500, test=1000)
        assert [len(corpus.dev), len(corpus.test)] == [500, 1000]
        assert len(set(corpus.train)) == len(set(pairs)) - 1500
        assert_no_leak(corpus)


def test_the_defaults():
    assert defaults(split) == {"seed": 1}
