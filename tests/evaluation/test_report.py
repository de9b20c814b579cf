import pytest

from tf_seq2seq.evaluation import ReportTable, bleu, chrf, translation_report

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


def test_a_table_of_several_sets():
    sources = ["a b c d"] * 12
    together = translation_report(WRONG, SENTENCES, sources, bootstrap=0)
    sets = {
        "first": translation_report(WRONG[:8], SENTENCES[:8], sources[:8], "13a", bootstrap=0),
        "the second": translation_report(
            WRONG[8:], SENTENCES[8:], sources[8:], "13a", bootstrap=0, perplexity=2.5
        ),
    }
    head, *rows, bleu_line, chrf_line = str(ReportTable(sets, together)).splitlines()
    assert head.split() == [
        *("sentences", "BLEU", "chrF", "exact", "match", "length", "ratio", "perplexity")
    ]
    for row, report in zip(rows, [*sets.values(), together], strict=True):
        assert f" {report.sentences} " in row and f" {report.bleu.value:.2f} " in row
        assert f" {report.chrf.value:.2f} " in row and f" {report.exact_match:.2f} %" in row
    assert [row.endswith(" 2.500") for row in rows] == [False, True, False]
    assert rows[2].startswith("together ")
    reason = "the references have spaces between words"
    assert bleu_line == f"BLEU: {together.bleu.signature} (tokenizer chosen because {reason})"
    assert chrf_line == f"chrF: {together.chrf.signature}"


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
