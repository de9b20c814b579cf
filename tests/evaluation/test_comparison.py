import pytest
from sacrebleu.metrics import BLEU

from tf_seq2seq import InputError
from tf_seq2seq.evaluation import bleu, paired_bootstrap

REFERENCES = [f"the number {n} is a number in this list" for n in range(40)]
WORSE = [line if n % 4 else "the list has a number" for n, line in enumerate(REFERENCES)]


def test_a_system_that_is_better_on_all_samples():
    found = paired_bootstrap(REFERENCES, WORSE, REFERENCES, samples=200)
    difference = bleu(REFERENCES, REFERENCES).value - bleu(WORSE, REFERENCES).value
    assert found.difference == pytest.approx(difference)
    assert found.p_value < 0.01
    assert "bs:200" in found.signature and "tok:13a" in found.signature
    other = paired_bootstrap(WORSE, REFERENCES, REFERENCES, samples=200)
    assert other.difference == pytest.approx(-difference)
    assert str(other) == f"{-difference:+.2f} BLEU, p = {other.p_value:.3f}"


def with_errors_at(remainder):
    return [line if n % 4 != remainder else "a list" for n, line in enumerate(REFERENCES)]


def test_systems_with_errors_in_other_sentences_hardly_differ():
    found = paired_bootstrap(with_errors_at(0), with_errors_at(1), REFERENCES)
    assert abs(found.difference) < 1
    assert found.p_value > 0.3


def test_case_and_tokenizer():
    upper = [line.upper() for line in REFERENCES]
    found = paired_bootstrap(upper, REFERENCES, REFERENCES, lowercase=True, samples=10)
    assert found.difference == 0
    assert found.p_value == 1
    assert "case:lc" in found.signature
    assert BLEU(tokenize="char").corpus_score(WORSE, [REFERENCES]).score == pytest.approx(
        100 + paired_bootstrap(WORSE, REFERENCES, REFERENCES, "char", samples=10).difference
    )


def test_sentences_that_cannot_be_compared():
    with pytest.raises(InputError, match="2 hypotheses for 40 references"):
        paired_bootstrap(REFERENCES, REFERENCES[:2], REFERENCES)
    with pytest.raises(InputError, match="nothing to score"):
        paired_bootstrap([], [], [])
    with pytest.raises(InputError, match="`samples` must be"):
        paired_bootstrap(REFERENCES, WORSE, REFERENCES, samples=0)
