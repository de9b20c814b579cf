import json

import pytest

import tf_seq2seq as s2s

CHAPTER = "beyond_3_multi30k"
SMALL = ("--units", 8, "--embedding-size", 4)


def test_the_quick_preset_trains_four_systems(run_chapter, tmp_path, capsys):
    run_chapter(CHAPTER, "--output-dir", tmp_path)
    rows = json.loads((tmp_path / "results.json").read_text())
    assert [row["system"] for row in rows] == ["lstm", "gru", "attention", "tuned"]
    # An untrained model is as unsure as its vocabulary is large: some hundred words.
    assert all(row["perplexity"] < 60 for row in rows)
    assert all("±" in row["beam"] and "tok:zh" in row["signature"] for row in rows)
    printed = capsys.readouterr().out
    for row in rows:
        assert f"{row['system']:10} {row['weights']:10,}" in printed
        assert (tmp_path / row["system"] / "learning_curves.png").exists()
        s2s.Translator.load(tmp_path / row["system"] / "translator")


@pytest.fixture
def two_files(tmp_path):
    """A corpus of a user's own: the source and the target file."""
    corpus = s2s.data.copy_corpus("abcdefgh", (2, 6), train=400, dev=1, test=1)
    paths = [tmp_path / name for name in ("own.x", "own.y")]
    sides = corpus.train.source, corpus.train.target
    for path, lines in zip(paths, sides, strict=True):
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return paths


def test_any_other_pair_of_files(run_chapter, two_files, tmp_path):
    source, target = two_files
    variables = run_chapter(
        CHAPTER,
        *("--corpus", "files", "--source", source, "--target", target),
        *("--dev", f"{source},{target}", "--test", f"{source},{target}"),
        *("--systems", "attention,tuned", "--lowercase", "--output-dir", tmp_path, *SMALL),
    )
    assert len(variables["corpus"].dev) == 400
    assert variables["translator"].source_tokenizer.vocabulary_size == 4 + 8
    assert [row["system"] for row in variables["rows"]] == ["attention", "tuned"]
    assert all("case:lc" in row["signature"] for row in variables["rows"])

    # A member twice writes what it writes alone.
    member = tmp_path / "tuned" / "translator"
    run_chapter(
        CHAPTER,
        *("--corpus", "files", "--source", source, "--target", target),
        *("--dev", f"{source},{target}", "--test", f"{source},{target}"),
        *("--lowercase", "--output-dir", tmp_path, "--seed", 2),
        *("--ensemble", f"{member},{member}"),
    )
    (both,) = json.loads((tmp_path / "ensemble.json").read_text())
    alone = json.loads((tmp_path / "results.json").read_text())[1]
    assert both["system"] == "ensemble" and both["weights"] == 2 * alone["weights"]
    assert both["greedy"] == alone["greedy"] and both["beam"] == alone["beam"]
    assert both["perplexity"] == pytest.approx(alone["perplexity"], rel=1e-5)


def test_resumed_on_two_replicas(run_chapter, two_files, tmp_path):
    source, target = two_files
    held_out = f"{source},{target}"
    more = (
        *("--corpus", "files", "--source", source, "--target", target),
        *("--dev", held_out, "--test", held_out, "--systems", "tuned"),
        *("--strategy", "mirrored", "--output-dir", tmp_path, *SMALL),
    )
    first = run_chapter(CHAPTER, *more, "--epochs", 1)["history"]
    both = run_chapter(CHAPTER, *more, "--epochs", 2, "--resume")["history"]
    assert both.history["loss"][:1] == first.history["loss"]
    assert len(both.history["loss"]) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--systems", "lstm,transformer"), "no system 'transformer'"),
        (("--corpus", "files"), "--source and --target"),
        (("--ensemble", "nowhere,nowhere"), "No translator in nowhere"),
        (("--ensemble", ""), "No translator in"),
        (
            ("--corpus", "files", "--source", "a", "--target", "b", "--dev", "a"),
            "--dev takes two files.*'a'",
        ),
    ],
)
def test_faults_of_the_command_line(run_chapter, tmp_path, arguments, message):
    with pytest.raises(s2s.InputError, match=message):
        run_chapter(CHAPTER, "--output-dir", tmp_path, *SMALL, *arguments)
