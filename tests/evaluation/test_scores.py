import math
from typing import ClassVar

import pytest
import sacrebleu

from tf_seq2seq.errors import InputError
from tf_seq2seq.evaluation import (
    bleu,
    bleu_by_length,
    bleu_of_sets,
    chrf,
    corpus_perplexity,
    exact_match,
)


class TestBleu:
    def test_equals_a_manual_computation(self):
        # Of 6, 5, 4 and 3 n-grams match 5, 3, 2 and 1; both sides are 6 tokens long.
        score = bleu(["the cat sat on the mat"], ["the cat sat on a mat"])
        assert score.value == pytest.approx(100 * math.prod([5 / 6, 3 / 5, 2 / 4, 1 / 3]) ** 0.25)

    def test_prints_name_value_and_signature(self):
        score = bleu(["The cat sat."], ["The cat sat."])
        assert str(score) == (
            "BLEU = 100.00 (nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|"
            f"version:{sacrebleu.__version__})"
        )

    def test_case(self):
        hypotheses, references = ["THE CAT SAT DOWN ."], ["the cat sat down ."]
        assert bleu(hypotheses, references).value < 50
        lower = bleu(hypotheses, references, lowercase=True)
        assert lower.value == pytest.approx(100)
        assert "case:lc" in lower.signature

    def test_chinese_is_scored_by_character(self):
        score = bleu(["我昨天买了一本书。"], ["我昨天买的一本书。"], tokenize="zh")
        assert 0 < score.value < 100
        assert "tok:zh" in score.signature

    def test_unknown_tokenizer(self):
        with pytest.raises(InputError, match=r"`tokenize` must be .*'zh'.*got 'jieba'"):
            bleu(["a"], ["a"], tokenize="jieba")


class TestBleuOfSets:
    HYPOTHESES: ClassVar = {"one": ["这是一个测试。"], "two": ["我不知道。", "你好吗？"]}
    REFERENCES: ClassVar = {"one": ["这是一个测试。"], "two": ["我们不知道。", "你在哪儿？"]}

    def test_each_set_and_all_sentences_together(self):
        table = bleu_of_sets(self.HYPOTHESES, self.REFERENCES, "zh")
        assert table.sets["one"].value == pytest.approx(100)
        assert table.sets["two"] == bleu(self.HYPOTHESES["two"], self.REFERENCES["two"], "zh")
        together = [[*sets["one"], *sets["two"]] for sets in (self.HYPOTHESES, self.REFERENCES)]
        assert table.together == bleu(*together, "zh")
        assert table.together.value != pytest.approx(
            (table.sets["one"].value + table.sets["two"].value) / 2
        )

    def test_prints_a_line_for_each_set_under_the_signature(self):
        table = bleu_of_sets(self.HYPOTHESES, self.REFERENCES, "zh")
        head, *lines = str(table).splitlines()
        assert "tok:zh" in head
        assert [line.split() for line in lines] == [
            ["one", "1", "sentences", "100.00"],
            ["two", "2", "sentences", f"{table.sets['two'].value:.2f}"],
            ["together", "3", "sentences", f"{table.together.value:.2f}"],
        ]

    @pytest.mark.parametrize("references", [{}, {"one": ["a"], "three": ["b"]}])
    def test_other_sets(self, references):
        with pytest.raises(InputError, match=r"the sets \['one', 'two'\]"):
            bleu_of_sets(self.HYPOTHESES, references)


class TestBleuByLength:
    HYPOTHESES: ClassVar = ["a b c d", "e f g h", "i j k l", "m n o p"]
    REFERENCES: ClassVar = ["a b c d", "e f g x", "i j k l", "m n o p"]

    def test_groups_end_at_their_bounds(self):
        table = bleu_by_length(self.HYPOTHESES, self.REFERENCES, [5, 6, 9, 99], bounds=(5, 8))
        assert table.sizes == {"1-5": 1, "6-8": 1, "9-": 2}
        assert table.sets["1-5"].value == pytest.approx(100)
        assert table.sets["6-8"] == bleu(self.HYPOTHESES[1:2], self.REFERENCES[1:2])
        assert table.sets["9-"].value == pytest.approx(100)
        assert table.together == bleu(self.HYPOTHESES, self.REFERENCES)

    def test_groups_without_a_sentence_are_absent(self):
        table = bleu_by_length(self.HYPOTHESES, self.REFERENCES, [12, 12, 13, 1])
        assert list(table.sets) == ["1-5", "11-15"]

    def test_another_tokenizer(self):
        table = bleu_by_length(["我看书。"], ["我看书。"], [4], tokenize="zh")
        assert "tok:zh" in table.sets["1-5"].signature

    def test_unequal_counts(self):
        with pytest.raises(InputError, match="3 lengths for 4 references"):
            bleu_by_length(self.HYPOTHESES, self.REFERENCES, [1, 2, 3])


class TestChrf:
    def test_bounds(self):
        assert chrf(["a black cat"], ["a black cat"]).value == pytest.approx(100)
        assert chrf(["xyz"], ["a black cat"]).value == 0

    def test_prints_name_value_and_signature(self):
        score = chrf(["a black cat"], ["a black cat"])
        assert str(score) == (
            f"chrF = 100.00 (nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|"
            f"version:{sacrebleu.__version__})"
        )

    def test_word_order(self):
        score = chrf(["a black cat"], ["a black cat"], word_order=2)
        assert score.name == "chrF++"
        assert "nw:2" in score.signature


def test_exact_match_is_a_percentage_and_ignores_white_space_at_the_ends():
    assert exact_match(["c b a", "f e d ", "x", ""], ["c b a", "f e d", "y", "z"]) == 50


@pytest.mark.parametrize("metric", [bleu, chrf, exact_match])
class TestBadInput:
    def test_nothing_to_score(self, metric):
        with pytest.raises(InputError, match="nothing to score"):
            metric([], [])

    def test_unequal_counts(self, metric):
        with pytest.raises(InputError, match="2 hypotheses for 1 references"):
            metric(["a", "b"], ["a"])

    def test_a_string_for_a_list(self, metric):
        with pytest.raises(TypeError, match=r"`references` must be a list .* got the string 'a'"):
            metric(["a"], "a")

    def test_several_references_per_sentence(self, metric):
        with pytest.raises(TypeError, match=r"`references` .*, got \['a', 'b'\] at position 0"):
            metric(["a"], [["a", "b"]])

    def test_a_missing_hypothesis(self, metric):
        with pytest.raises(TypeError, match=r"`hypotheses` .*, got None at position 1"):
            metric(["a", None], ["a", "b"])


SENTENCES = [
    f"the {noun} is {place} the old house"
    for noun in ("cat", "dog", "man")
    for place in ("in", "on", "near", "behind")
]
WRONG = [s.replace("old ", "") if i % 3 else s for i, s in enumerate(SENTENCES)]


@pytest.mark.parametrize("metric", [bleu, chrf])
def test_confidence_interval(metric):
    plain, sampled, again = (metric(WRONG, SENTENCES, bootstrap=n) for n in (0, 200, 200))
    assert plain.interval is None
    assert sampled.value == plain.value
    assert sampled == again
    assert 0.5 < sampled.interval < 20
    assert f"{sampled.value:.2f} ± {sampled.interval:.2f}" in str(sampled)
    # Four times the number of similar sentences halves the interval.
    more = metric(WRONG * 4, SENTENCES * 4, bootstrap=200)
    assert 0.3 < more.interval / sampled.interval < 0.8


def test_confidence_interval_where_nothing_is_right():
    assert bleu(["x"] * 5, SENTENCES[:5], bootstrap=20).interval == 0


def test_chrf_of_samples_of_which_some_score_nothing():
    score = chrf(["xx", "ab", "zz"], ["qq", "ab", "vv"], bootstrap=20)
    assert score.interval is None
    assert "bs:" not in score.signature


def test_perplexity_of_all_tokens():
    assert corpus_perplexity([-2.0, -4.0], [1, 2]) == pytest.approx(math.exp(2))
    with pytest.raises(InputError, match="nothing to score"):
        corpus_perplexity([], [])


@pytest.mark.parametrize(
    ("lengths", "bounds", "message"),
    [
        ([0, 5], (5,), "`lengths` .* got 0"),
        ([1, 5], (10, 5), r"`bounds` .* got \(10, 5\)"),
        ([1, 5], (0, 5), r"`bounds` .* got \(0, 5\)"),
    ],
)
def test_lengths_and_bounds_out_of_range(lengths, bounds, message):
    with pytest.raises(InputError, match=message):
        bleu_by_length(["a", "b"], ["a", "b"], lengths, bounds)


@pytest.mark.parametrize(
    ("score", "options", "message"),
    [
        (bleu, {"bootstrap": -1}, "`bootstrap` must be an integer of at least 0, got -1"),
        (chrf, {"bootstrap": 0.5}, "`bootstrap`"),
        (bleu, {"lowercase": 1}, "`lowercase` must be True or False, got 1"),
        (chrf, {"lowercase": "no"}, "`lowercase`"),
        (exact_match, {"lowercase": None}, "`lowercase`"),
        (chrf, {"word_order": -1}, "`word_order`"),
    ],
)
def test_options_out_of_range(score, options, message):
    with pytest.raises(InputError, match=message):
        score(["a"], ["a"], **options)
