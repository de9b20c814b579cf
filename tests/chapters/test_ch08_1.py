import re


def test_every_figure_is_the_book_s(run_chapter, capsys):
    run_chapter("ch08_1_rnn_forward_pass", "--preset", "quick")

    printed = capsys.readouterr().out
    rows = re.findall(r"^step (\d)  (.+?)  +([\d. ]+?) +book: ([\d. ]+)$", printed, re.MULTILINE)
    assert len(rows) == 6
    for _, _, computed, book in rows:
        assert computed == book
    # From the book again, so that the chapter's copy of its figures is checked, too.
    computed = " ".join(row[2] for row in rows)
    assert computed == (
        "0.60000000 0.50000000 0.53704957 0.46211716 1.56128388 "
        "1.29234010 1.39225678 0.85973818 0.88366641 2.72707101"
    )
    (difference,) = re.findall(r"outputs of Keras differ by (\S+) at most", printed)
    assert float(difference) < 1e-6
