import re

import numpy as np


def test_every_way_gives_the_book_s_figures(run_chapter, capsys):
    run_chapter("ch09_1_cross_entropy", "--preset", "quick")

    printed = capsys.readouterr().out
    rows = re.findall(r"^(.+?)  +(\d\.\d{8})  (\d\.\d{8})$", printed, re.MULTILINE)
    losses = np.array([row[1:] for row in rows], dtype=float)
    book = [[0.32656264, 0.46436879]] * 5 + [[0.37656265, 0.48936883]] * 5
    # One step of single precision, should another processor round otherwise.
    np.testing.assert_allclose(losses, book, rtol=0, atol=4e-8)
    assert "[0.01 0.01 0.98] and [0.98 0.01 0.01]" in printed
