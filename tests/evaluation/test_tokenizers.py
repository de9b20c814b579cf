"""The choice of BLEU's tokenizer by writing system."""

import pytest
from sacrebleu.metrics import BLEU

from tf_seq2seq.errors import InputError
from tf_seq2seq.evaluation import (
    bleu,
    bleu_by_length,
    bleu_of_sets,
    bleu_tokenizer,
    tokenize_for,
    translation_report,
)
from tf_seq2seq.evaluation.tokenizers import measure_lengths

THAI = ["หนังสือที่ฉันซื้อเมื่อวานน่าสนใจมาก", "ฉันอ่านหนังสือ"]
CLOSE = ["หนังสือที่ฉันซื้อวันนี้น่าสนใจมาก", "ฉันอ่านหนังสือ"]
JAPANESE, KOREAN = "昨日買った本はとても面白い。", "어제 산 책은 매우 재미있다."


@pytest.fixture
def installed(monkeypatch):
    """Set which of sacrebleu's tokenizers load."""

    def install(*names):
        def load(self, *, tokenize, lowercase):
            if tokenize not in names:
                raise RuntimeError("Please install it")

        monkeypatch.setattr(BLEU, "__init__", load)

    return install


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("我看书。", "zh"),
        (THAI[0], "char"),
        ("ខ្ញុំអានសៀវភៅ", "char"),
        ("मैंने कल जो किताब खरीदी।", "13a"),
        ("Книга очень интересная.", "13a"),
        ("The book.", "13a"),
        ("123", "13a"),
        ("在TensorFlow中使用Keras训练模型", "zh"),
    ],
)
def test_tokenizer_of_a_writing_system(text, name):
    assert tokenize_for([text]) == name


def test_the_reason_is_true_of_text_without_letters_or_with_several_scripts():
    for references in ([], [""], ["1 2 3"], ["Книга", "books"]):
        assert (
            bleu_tokenizer(references).reason == "the references have no prevailing writing system"
        )
    assert bleu_tokenizer(["Книга"]).reason == "the references have spaces between words"


def test_japanese_and_korean_depend_on_installed_packages(installed):
    installed("ja-mecab", "ko-mecab")
    assert bleu_tokenizer([JAPANESE]) == ("ja-mecab", "the references are Japanese")
    assert bleu_tokenizer([KOREAN]) == ("ko-mecab", "the references are Korean")
    installed()
    name, reason = bleu_tokenizer([JAPANESE])
    assert name == "char"
    assert reason.endswith("ja-mecab is not installed (pip install 'sacrebleu[ja]')")
    name, reason = bleu_tokenizer([KOREAN])
    assert name == "13a"
    assert reason == "ko-mecab is not installed (pip install 'sacrebleu[ko]')"


def test_every_score_of_thai_is_by_character():
    score = bleu(CLOSE, THAI)
    assert score.value > 50
    assert "tok:char" in score.signature
    assert bleu(CLOSE, THAI, "13a").value == 0
    assert bleu_by_length(CLOSE, THAI, [5, 6]).together == score
    report = translation_report(CLOSE, THAI, THAI, bootstrap=0)
    assert report.bleu == score
    assert "tokenizer              char   because Thai text has no spaces between words" in str(
        report
    )
    assert report.by_length.sizes == {"1-25": 1, "26-50": 1}
    assert "source characters sentences   BLEU" in str(report)


def test_all_sets_have_the_tokenizer_of_all_references():
    sets = {"thai": THAI, "numbers": ["1 2 3 4"]}
    table = bleu_of_sets(sets, sets)
    assert all("tok:char" in score.signature for score in (*table.sets.values(), table.together))


def test_a_tokenizer_of_the_caller_s_choice_has_no_reason():
    report = translation_report(CLOSE, THAI, THAI, tokenize="13a", bootstrap=0)
    assert "tok:13a" in report.bleu.signature
    assert "because" not in str(report)
    with pytest.raises(InputError, match=r"`tokenize` must be .* got ''"):
        translation_report(CLOSE, THAI, THAI, tokenize="")


def test_lengths_are_in_words_or_characters():
    assert measure_lengths(["a b c", ""]) == ("words", [3, 1], (5, 10, 15, 20, 25))
    assert measure_lengths(["我看书。"]) == ("characters", [4], (5, 10, 15, 20, 25))
    assert measure_lengths([JAPANESE]) == ("characters", [14], (5, 10, 15, 20, 25))
    assert measure_lengths([KOREAN])[:2] == ("words", [5])
    assert measure_lengths(["ฉันอ่านหนังสือ"]) == ("characters", [14], (25, 50, 75, 100, 125))
