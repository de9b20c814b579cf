"""The exercises at the end of the chapters: each solution finds what its docstring says."""

import importlib
import re
import runpy
import sys

import numpy as np
import pytest
from helpers import ROOT

FOLDER = ROOT / "chapters" / "solutions"
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))


def chapter_of(name):
    (path,) = (ROOT / "chapters").glob(f"{name}*.py")  # ch08_1 is short for its title
    return path


def solution(name, number, **sizes):
    """Return what a solution finds."""
    exercise = getattr(importlib.import_module(f"solutions.{name}"), f"exercise_{number}")
    return exercise(**sizes)


def test_every_chapter_has_solutions():
    chapters = {path.stem for path in (ROOT / "chapters").glob("*.py")}
    assert {chapter_of(name).stem for name in NAMES} == chapters


@pytest.mark.parametrize("name", NAMES)
def test_a_chapter_ends_with_three_exercises_and_names_their_solutions(name):
    *_, last = chapter_of(name).read_text(encoding="utf-8").split("# %% [markdown]\n")
    assert all(line.startswith("#") for line in last.splitlines())
    assert last.startswith("# ## What to observe\n")
    assert re.findall(r"^# (\d)\. \S", last, re.MULTILINE) == ["1", "2", "3"]
    assert f"[`solutions/{name}.py`](solutions/{name}.py)" in last
    module = importlib.import_module(f"solutions.{name}")
    answers = [getattr(module, f"exercise_{number}").__doc__ for number in (1, 2, 3)]
    assert all(answers)
    assert not hasattr(module, "exercise_4")


def test_the_exercises_of_a_chapter_run_as_a_command(monkeypatch, capsys):
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.setattr(sys, "argv", ["solutions", "ch08_1"])
    runpy.run_path(str(FOLDER), run_name="__main__")
    printed = capsys.readouterr().out
    assert re.findall(r"^(\d)\. ", printed, re.MULTILINE) == ["1", "2", "3"]
    assert printed.count("\n   -> ") == 3


@pytest.mark.parametrize("arguments", [[], ["ch99_9"]])
def test_a_chapter_without_solutions(arguments, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["solutions", *arguments])
    with pytest.raises(SystemExit, match=r"Name a chapter: .*ch08_1"):
        runpy.run_path(str(FOLDER), run_name="__main__")


# --- 8-1 ------------------------------------------------------------------------------------------


def test_8_1():
    first, second = solution("ch08_1", 1)
    assert first == second
    assert solution("ch08_1", 2) < 1e-6
    _, one, above = found = list(solution("ch08_1", 3).values())
    assert found[0] < 1e-12
    assert 0.5 < one < 1
    assert above > 50


def test_8_1_observation():
    """The input alone is (1.1, 1.1) at step 2."""
    from solutions import ch08_1

    np.testing.assert_allclose(2 * ch08_1.W_IN + ch08_1.B, [1.1, 1.1])


# --- 8-2 ------------------------------------------------------------------------------------------


def test_8_2():
    assert solution("ch08_2", 1) == pytest.approx(10, abs=0.5)
    weights, error = solution("ch08_2", 2)
    np.testing.assert_allclose(weights, [-1, 2 * np.cos(0.01)], rtol=1e-9)
    assert error < 1e-12
    assert all(error < 1e-6 for error in solution("ch08_2", 3).values())


@pytest.mark.slow
def test_8_2_a_network_drifts_from_the_sine(run_chapter, tmp_path):
    from solutions.ch08_2 import follow

    variables = run_chapter("ch08_2_predict_sine", "--output-dir", tmp_path)
    network = variables["network"]

    def predict(window):
        return network.predict_on_batch(window.reshape(1, 1, 10).astype("float32")).item()

    errors = follow(predict, 200)
    assert errors[0] < 0.02
    assert 10 < np.argmax(errors > 0.1) < 100  # seeds 1 and 2: 23 and 45


# --- 9-1 ------------------------------------------------------------------------------------------


def test_9_1():
    losses, equation = solution("ch09_1", 1)
    np.testing.assert_allclose(losses, [0.32656264, 0.46436879], atol=1e-5)
    assert np.isnan(equation).all()
    gradient, difference = solution("ch09_1", 2)
    np.testing.assert_allclose(gradient, difference, atol=1e-6)
    found = solution("ch09_1", 3)
    assert found["best"] == pytest.approx(found["entropy"], abs=1e-4)
    assert found["best"] == pytest.approx(1.246, abs=1e-3)
    assert found["certain"] > found["best"] + 0.5


# --- 9-2, 9-3, 9-4 --------------------------------------------------------------------------------


def test_9_2():
    share, covered = solution("ch09_2", 1)
    assert f"{share:.0%}, {covered:.0%}" == "4%, 41%"
    same, most_common = solution("ch09_2", 2)
    assert same
    assert most_common[0][0] == "。"
    size, different, (train, test) = solution("ch09_2", 3)
    assert 0.6 < size / different < 0.72
    assert test < 0.94 < 0.949 < train


def test_9_3():
    assert solution("ch09_3", 1) == (1, "She bought a <unk>.")
    assert solution("ch09_3", 2)
    (unknown, length), (no_unknown, longer) = solution("ch09_3", 3).values()
    assert 0.15 < unknown < 0.25
    assert no_unknown == 0
    assert longer / length == pytest.approx(2, abs=0.3)


def test_9_4():
    assert solution("ch09_4", 1) == [[5, 6, 7, 8, 9], [15, 16, 17, 18, 19]]
    found = solution("ch09_4", 2)
    assert f"{found['words']:.0f} and {found['pairs']:.0f}" == "185 and 14"
    assert found["pairs"] < found["words"] < found["uniform"]
    found = solution("ch09_4", 3)
    assert found["norm"] > 0 == found["stopped"]
    assert found["difference"] != 0


# --- 9-5 to 9-8 -----------------------------------------------------------------------------------


def test_9_5():
    assert solution("ch09_5", 1) == pytest.approx(0, abs=1e-6)
    by_steps, of_the_call = solution("ch09_5", 2)
    assert by_steps == pytest.approx(of_the_call, rel=1e-5)


@pytest.mark.slow
def test_9_5_reading_backwards_helps_to_copy():
    found = solution("ch09_5", 3)
    assert found["backward"] > found["forward"] + 15  # 66.5 and 35.5


def test_9_6():
    assert solution("ch09_6", 1)
    assert solution("ch09_6", 2)
    scores, lengths = zip(*solution("ch09_6", 3).values(), strict=True)
    assert list(scores) == sorted(scores)
    assert lengths[-1] < lengths[0] / 2


def test_9_7():
    np.testing.assert_allclose(solution("ch09_7", 1), [0.25] * 4)
    cosine, dot = solution("ch09_7", 2)
    assert cosine[0] > 0.9
    assert dot[1] > 0.99


@pytest.mark.slow
def test_9_7_attention_is_the_only_way_from_the_source():
    with pytest.warns(UserWarning, match="Gradients do not exist for variables .*encoder"):
        found = solution("ch09_7", 3)
    assert found["attention"] > 90  # 97
    assert found["no attention"] < 5


def test_9_8():
    rows, columns = solution("ch09_8", 1)
    np.testing.assert_allclose(rows, 1)
    assert columns.min() < 0.2 < 1.5 < columns.max()
    words = [word for _, word in solution("ch09_8", 2)]
    assert words.count("bought") == 2
    assert "a" not in words


@pytest.mark.slow
def test_9_8_words_that_attention_neglects():
    words, shares = solution("ch09_8", 3)
    assert set(words) == {"on", "The", "that"}
    assert shares[words[0]] > 0.3


# --- Beyond the book ------------------------------------------------------------------------------


def test_beyond_1():
    counts = list(solution("beyond_1", 1).values())
    assert counts == sorted(counts)
    assert len(set(counts)) == 5
    thirds = solution("beyond_1", 2)
    assert thirds == sorted(thirds)
    assert thirds[-1] - thirds[0] > 0.3


@pytest.mark.slow
def test_beyond_1_a_wider_context_holds_more():
    narrow, wide = solution("beyond_1", 3).values()
    assert narrow < 10 < 40 < wide  # 1 and 60.5


def test_beyond_2():
    assert solution("beyond_2", 1) == {0.0: 4, 0.3: 4, 0.6: 8, 1.0: 8}
    shares = list(solution("beyond_2", 2).values())
    assert shares == sorted(shares)
    assert shares[0] < 0.8 < 0.99 < shares[-1]
    without, distinct = solution("beyond_2", 3)
    assert without > 0 == distinct


def test_beyond_3():
    counts = solution("beyond_3", 1)
    readout = 512 * 256 + 256
    assert counts["free"] - counts["tied"] == 8000 * 512 - readout
    of_package, of_logits = solution("beyond_3", 2)
    assert of_package < 1e-6
    assert of_logits > 0.01
    few, many = solution("beyond_3", 3).values()
    assert f"{few:.0%}" == "68%"
    assert many == 1


def test_beyond_5():
    assert solution("beyond_5", 1) == [[0, 4, 8], [1, 5, 9], [2, 6], [3, 7]]
    found = solution("beyond_5", 2)
    assert found["sums of the workers"] == pytest.approx(found["all words"])
    assert found["mean of their means"] < found["all words"] - 1
    found = solution("beyond_5", 3)
    assert 0 < found["float32"] < 5e-6
    assert found["float16"] > 0.1


@pytest.mark.slow
def test_beyond_4():
    pytest.importorskip("tensorflow_serving", reason="the extra `serve` is not installed")
    right, wrong = solution("beyond_4", 1)
    assert right > wrong + 5
    assert solution("beyond_4", 2) > 5
    translation, share = solution("beyond_4", 3)
    assert translation == "她买了一本新书。"
    assert share == 1


@pytest.mark.slow
def test_beyond_6(run_chapter, tmp_path):
    chapter = run_chapter("beyond_6_new_domain", "--output-dir", tmp_path)
    of_chapter = chapter["rows"][-1]
    assert of_chapter["model"] == "new vocabulary"
    frozen, vectors, mixed = (solution("beyond_6", n, chapter=chapter) for n in (1, 2, 3))
    assert frozen["new"] < of_chapter["new_value"] < vectors["new"] < mixed["new"]
    assert frozen["first"] < of_chapter["first_value"] + 2
    assert mixed["first"] > of_chapter["first_value"] + 15


@pytest.mark.slow
def test_beyond_7(run_chapter, tmp_path):
    chapter = run_chapter("beyond_7_distillation", "--output-dir", tmp_path)
    losses, choices, more = (solution("beyond_7", n, chapter=chapter) for n in (1, 2, 3))
    assert losses["small"] < losses["small-original"]
    assert choices["closest"] > choices["most probable"] + 5
    assert more["with more"] > more["small"] + 5


def test_minimal():
    """tests/chapters/test_minimal.py has the others, which need the trained model."""
    assert solution("minimal", 2) < 1e-6


def test_quickstart():
    whole, *shorter = solution("quickstart", 1).values()
    assert whole == pytest.approx(100)
    assert 100 > shorter[0] > shorter[1] > 0
    few, many = solution("quickstart", 2).values()
    assert few / many == pytest.approx(10**0.5, rel=0.2)
    assert solution("quickstart", 3) == pytest.approx(54, abs=0.5)
