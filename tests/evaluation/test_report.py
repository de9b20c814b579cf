import pytest

from tf_seq2seq.evaluation import bleu, chrf, translation_report

SENTENCES = [
    f"the {noun} is {place} the old house"
    for noun in ("cat", "dog", "man")
    for place in ("in", "on", "near", "behind")
]
WRONG = [s.replace("old ", "") if i % 3 else s for i, s in enumerate(SENTENCES)]


def test_report():
    sources = ["a b c d"] * 6 + ["a b c d e f g"] * 6
    found = translation_report(WRONG, SENTENCES, sources, bootstrap=50, perplexity=3.5)
    assert found.sentences == 12
    assert found.bleu == bleu(WRONG, SENTENCES, bootstrap=50)
    assert found.chrf == chrf(WRONG, SENTENCES, bootstrap=50)
    assert found.exact_match == pytest.approx(100 / 3)
    assert found.length_ratio == pytest.approx((7 * 4 + 6 * 8) / (7 * 12))
    assert found.by_length.sizes == {"1-5": 6, "6-10": 6}
    lines = str(found).splitlines()
    assert lines[0] == "12 sentences"
    assert lines[1].split()[:4] == [
        "BLEU",
        f"{found.bleu.value:.2f}",
        "±",
        f"{found.bleu.interval:.2f}",
    ]
    assert "perplexity            3.500" in lines
    assert lines[-1].split() == ["6-10", "6", f"{found.by_length.sets['6-10'].value:.2f}"]


def test_report_without_case():
    upper = [s.upper() for s in SENTENCES]
    sources = ["a"] * 12
    found = translation_report(upper, SENTENCES, sources, lowercase=True, bootstrap=0)
    assert found.bleu.value == found.by_length.together.value == pytest.approx(100)
    assert found.exact_match == 100
    assert translation_report(upper, SENTENCES, sources, bootstrap=0).bleu.value < 20


def test_report_goes_by_the_languages():
    found = translation_report(
        ["我昨天买了一本书。"], ["我昨天买的一本书。"], ["她看了七本书"], bootstrap=0
    )
    assert "tok:zh" in found.bleu.signature
    assert found.by_length.sizes == {"6-10": 1}  # characters
