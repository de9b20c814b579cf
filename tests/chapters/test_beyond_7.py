import json

import pytest

import tf_seq2seq as s2s

CHAPTER = "beyond_7_distillation"
SMALL = ("--units", 8, "--embedding-size", 4, "--small-units", 4, "--small-embedding-size", 4)
SHORT = ("--teacher-epochs", 1, "--epochs", 1, "--beam-width", 2)


@pytest.mark.slow
def test_students_of_a_teacher_and_of_the_corpus(run_chapter, smaller_corpus, tmp_path, capsys):
    arguments = (*SMALL, *SHORT, "--mixed", "--output-dir", tmp_path)
    students = "small,small-original"
    with smaller_corpus(train=60, dev=10, test=10):
        variables = run_chapter(CHAPTER, *arguments, "--students", students)
        printed = capsys.readouterr().out
        assert "\nPart 1 of 1\n" in printed
        rows = json.loads((tmp_path / "results.json").read_text())
        names = ["teacher", *students.split(",")]
        assert [row["model"] for row in rows] == [name for name in names for _ in range(2)]
        assert all(row["seconds"] > 0 and row["speed"] > 0 for row in rows)
        assert "p_value" not in rows[0] and 0 < rows[-1]["p_value"] <= 1
        for search in ("greedy", "beam"):
            assert f"small compared with small-original, {search}: " in printed
        assert len(variables["of_teacher"]) == 120
        teacher = s2s.Translator.load(tmp_path / "teacher" / "translator")
        source = variables["corpus"].train.source[:3]
        texts = [each.text for each in teacher(source, **variables["beam"])]
        assert list(variables["of_teacher"].target[:3]) == texts

        # Nothing is trained or translated again, except the student that is new.
        (tmp_path / "small" / "checkpoint").rename(tmp_path / "moved")
        run_chapter(CHAPTER, *arguments, "--resume", "--students", students)
        assert "Part 1" not in capsys.readouterr().out
        # An ensemble of trained translators as the teacher.
        folder = tmp_path / "teacher" / "translator"
        variables = run_chapter(
            *(CHAPTER, *SMALL, *SHORT[2:], "--teacher-dir", f"{folder},{folder}"),
            *("--students", "small", "--output-dir", tmp_path / "ensemble"),
        )
        assert len(variables["teacher"].model.members) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data-dir", "x"), "--data-dir has no effect with --preset quick"),
        (("--teacher-dir", "x", "--teacher-epochs", 2), "no effect with --teacher-dir"),
        (("--students", "full-original", "--mixed"), "--mixed has no effect with --students"),
        (("--students", "full", "--small-units", 8), "--small-units has no effect with --students"),
        (("--beam-width", 1), "--beam-width: expected 2 or more, got 1"),
    ],
)
def test_options_that_are_refused(refused, arguments, message):
    refused(CHAPTER, *arguments, message=message)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--students", "tiny"), "no student 'tiny': --students takes full, small, full-original"),
        (("--teacher-dir", "nowhere"), "no translator in nowhere: .* --teacher-dir"),
        (("--preset", "multi30k", "--teacher-dir", "a,b"), "no translator in a: "),
    ],
)
def test_names_of_nothing(run_chapter, arguments, message):
    with pytest.raises(s2s.InputError, match=message):
        run_chapter(CHAPTER, *arguments)
