"""What docs/faq.md says of errors and their remedies."""

from tf_seq2seq.evaluation import bleu, chrf


def test_when_bleu_is_0():
    """Nothing in common, or nothing as long as four words."""
    assert bleu(["x y z u v"], ["a b c d e"]).value == 0
    assert bleu(["a b c"], ["a b c"]).value == 0 < chrf(["a b c"], ["a b c"]).value
    assert bleu(["a b c x d e f"], ["a b c y d e f"]).value > 0  # without four in a row
