import re

import numpy as np
import pytest


def rmse_after(printed):
    return float(re.search(r"^after .* steps +(\S+) ", printed, re.MULTILINE)[1])


@pytest.fixture(scope="module")
def quick(run_chapter_once, tmp_path_factory):
    """The variables of the preset quick, what it printed, and its output directory."""
    folder = tmp_path_factory.mktemp("quick")
    return (
        *run_chapter_once("ch08_2_predict_sine", "--preset", "quick", "--output-dir", folder),
        folder,
    )


def test_quick_preset_learns_and_draws(quick):
    variables, printed, folder = quick
    assert "the shape (1, 10)" in printed
    assert 0.5 < variables["before"] < 1.0
    # Repeating the last value gives 0.00727; seeds 1 to 3 give 0.0038 to 0.0049.
    assert rmse_after(printed) < 0.007
    assert "0.002070" in printed
    assert "printed form: not comparable" not in printed
    assert "Only 4,000 of the book's 10,000 steps: not comparable with the book." in printed
    assert (folder / "prediction_printed.png").stat().st_size > 5000


def test_intended_form_has_ten_steps(run_chapter, tmp_path, capsys):
    arguments = ("--form", "intended", "--steps", 300, "--output-dir", tmp_path)
    variables = run_chapter("ch08_2_predict_sine", *arguments)

    printed = capsys.readouterr().out
    assert "the shape (10, 1)" in printed
    assert "The book's figures are those of the printed form: not comparable" in printed
    assert variables["network"].optimizer.iterations == 300
    assert rmse_after(printed) < 0.3
    assert (tmp_path / "prediction_intended.png").exists()


def test_windows_are_followed_by_their_labels(quick):
    variables, _, _ = quick
    t, x, y = (variables[name] for name in ("test_t", "test_x", "test_y"))
    assert x.shape == (1000, 1, 10)
    assert t[0] == pytest.approx(100.2, abs=1e-3)
    assert t[-1] == pytest.approx(110.2, abs=1e-3)
    np.testing.assert_allclose(y[:, 0], np.sin(t), atol=1e-6)
    np.testing.assert_allclose(x[:, 0, -1], np.sin(t - 0.01), atol=1e-4)
    np.testing.assert_allclose(x[10, 0], y[:10, 0])


def test_several_hosts_are_refused(refused):
    """Keras' `fit` knows none, and `training.fit` trains models of words."""
    refused(
        "ch08_2_predict_sine",
        "--strategy",
        "multi_worker",
        message="invalid choice: 'multi_worker'",
    )
