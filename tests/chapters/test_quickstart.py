import subprocess
import sys

import pytest
from helpers import ROOT
from sentencepiece_models import sentencepiece_model

import tf_seq2seq as s2s
from common.workers import LocalWorkers

SCRIPT = ROOT / "chapters" / "quickstart.py"


@pytest.fixture
def run(run_chapter, tmp_path):
    """Run the chapter with its output below `tmp_path`."""
    places = ("--output-dir", tmp_path / "out", "--model-dir", tmp_path / "model")
    return lambda *arguments: run_chapter("quickstart", *arguments, *places)


def write(path, lines, encoding="utf-8"):
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
    return path


SMALL = ("--units", 16, "--embedding-size", 8, "--epochs", 1, "--held-out", 10)


@pytest.mark.usefixtures("no_fresh_process")
def test_training_on_tab_separated_pairs(run, few_signatures, tmp_path, capsys):
    pairs = s2s.data.synthetic_corpus(train=300, dev=0, test=0).train
    file = write(tmp_path / "pairs.tsv", [f"{s}\t{t}\tCC-BY" for s, t in pairs])
    with few_signatures():
        run("--pairs", file, "--sentence", "She reads.", *SMALL)

    printed = capsys.readouterr().out
    assert "Pairs:    285 read, 285 kept" in printed
    assert "Held-out sentences, before training: BLEU" in printed
    assert "Held-out sentences, after training:  10 sentences\nBLEU" in printed
    assert "tok:zh" in printed
    assert "source:      She reads." in printed
    assert "the same translations" in printed
    for name in ("learning_curves.png", "alignment.png", "alignment_2.png"):
        assert (tmp_path / "out" / name).stat().st_size > 5000
    assert (tmp_path / "model" / "1" / "saved_model.pb").exists()
    saved = s2s.Translator.load_card(tmp_path / "out" / "translator")
    assert saved.card["metric"]["name"] == "BLEU"


@pytest.mark.slow
def test_two_workers_train_and_the_chief_alone_goes_on(tmp_path):
    pairs = s2s.data.synthetic_corpus(train=300, dev=0, test=0).train
    options = {
        "pairs": write(tmp_path / "pairs.tsv", [f"{s}\t{t}" for s, t in pairs]),
        "strategy": "multi_worker",
        "output_dir": tmp_path / "out",
        "model_dir": tmp_path / "model",
        **dict(zip((name[2:] for name in SMALL[::2]), SMALL[1::2], strict=True)),
    }
    with LocalWorkers([SCRIPT], 2, options, chief_prints=False) as workers:
        assert workers.wait(400) == [0, 0], workers.log(0) + workers.log(1)
        chief, other = workers.log(0), workers.log(1)
    assert "Training uses 2 replicas of 2 workers; this is worker 0, the chief," in chief
    assert "the same translations" in chief
    assert (tmp_path / "model" / "1" / "saved_model.pb").exists()
    assert not {"BLEU", "loss:", "Warning"} & set(other.split())
    assert "loss:" in chief


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pairs", "nowhere.tsv"], "nowhere.tsv"),
        (["--source", "nowhere.de", "--target", "nowhere.en"], "nowhere.de"),
        (["--source", SCRIPT], "both --source and --target"),
        (["--source-model", "nowhere.model"], "Cannot read 'nowhere.model'"),
        (
            ["--pairs", SCRIPT, "--source", SCRIPT, "--target", SCRIPT],
            "either --pairs, or both --source",
        ),
    ],
)
def test_missing_files(run, arguments, message):
    with pytest.raises(s2s.InputError, match=message):
        run(*arguments)


PAIRS = ["a b\t甲乙", "b c\t乙丙", "c d\t丙丁", "d e\t丁戊", "e f\t戊己", "f g\t己庚"]


def test_a_sentencepiece_model(run_chapter_until, tmp_path, capsys):
    model = tmp_path / "en.model"
    model.write_bytes(sentencepiece_model())
    file = write(tmp_path / "pairs.tsv", PAIRS)
    options = ("--source-model", model, "--output-dir", tmp_path, "--model-dir", tmp_path)
    options = (*options, "--units", 4, "--embedding-size", 4, "--held-out", 2)
    run_chapter_until(s2s, "Translator", "quickstart", "--pairs", file, *options)
    assert "Source: SentencePieceTokenizer, 13 tokens" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("lines", "encoding", "arguments", "message"),
    [
        ([*PAIRS, "one column"], "utf-8", [], r"pairs\.tsv.*7"),
        ([*PAIRS, "Käse\t奶酪"], "gb18030", [], r"pairs\.tsv.*1"),
        ([], "utf-8", [], r"pairs\.tsv"),
        (PAIRS, "utf-8", ["--held-out", 100], "100"),
        (PAIRS, "utf-8", ["--held-out", 2, "--max-length", 2], "max_length=2"),
    ],
)
def test_files_that_cannot_be_used(run, tmp_path, lines, encoding, arguments, message):
    file = write(tmp_path / "pairs.tsv", lines, encoding)
    with pytest.raises(s2s.InputError, match=message):
        run("--pairs", file, *arguments)


def test_sides_of_unequal_length(run, tmp_path):
    source = write(tmp_path / "x.de", ["a", "b"])
    target = write(tmp_path / "x.en", ["a", "b", "c"])
    with pytest.raises(s2s.InputError, match=r"has 2 lines .* has 3:"):
        run("--source", source, "--target", target)


class _ReadError(Exception):
    """The chapter has read its corpus."""


@pytest.fixture
def read_by(run, monkeypatch):
    """Run the chapter until it has read its corpus, and return that."""

    def stop(lines, max_size):
        raise _ReadError(sys._getframe(1).f_globals["corpus"])

    def read(*arguments):
        monkeypatch.setattr(s2s.text, "tokenizer_for", stop)
        with pytest.raises(_ReadError) as end:
            run(*arguments)
        return end.value.args[0]

    return read


def test_the_direction_and_the_held_out_parts_of_pairs(read_by, tmp_path, capsys):
    train = write(tmp_path / "pairs.tsv", [f"{i}\t{line}" for i, line in enumerate(PAIRS)])
    more = write(tmp_path / "more.tsv", ["1\ty z\t庚辛", "2\tz y\t辛庚"])
    corpus = read_by("--pairs", train, "--held-out", 2)
    assert list(map(len, corpus)) == [3, 1, 2]
    assert {*corpus.train.source, *corpus.dev.source, *corpus.test.source} == {
        line.split("\t")[0] for line in PAIRS
    }
    parts = "No sentence is in two parts: 3 for train, 1 for dev, 2 for test"
    assert parts in capsys.readouterr().out
    corpus = read_by("--pairs", train, "--columns", "3,2", "--dev", more, "--held-out", 2)
    assert list(map(len, corpus)) == [4, 2, 2]
    assert list(corpus.dev) == [("庚辛", "y z"), ("辛庚", "z y")]
    assert "The first of 6 pairs: '甲乙' -> 'a b'" in capsys.readouterr().out
    corpus = read_by("--pairs", train, "--dev", more, "--test", more)
    assert list(map(len, corpus)) == [6, 2, 2]
    assert corpus.train.target[0] == "甲乙"


def test_the_held_out_files_of_two_sides(read_by, run, tmp_path, capsys):
    sides = [write(tmp_path / f"x.{side}", [f"{side} {i}" for i in range(6)]) for side in "ab"]
    both = f"{sides[0]},{sides[1]}"
    files = ("--source", sides[0], "--target", sides[1])
    corpus = read_by(*files, "--test", both, "--held-out", 2)
    assert list(map(len, corpus)) == [5, 1, 6]
    assert corpus.test.target[0] == "b 0"
    # This test set has all sentences of the training set.
    printed = capsys.readouterr().out
    assert "No sentence is in two parts" not in printed
    assert "Numbers of pairs: 5 for train, 1 for dev, 6 for test" in printed
    with pytest.raises(s2s.InputError, match=r"--dev and --test take two files .* got 'alone'"):
        run(*files, "--dev", "alone")


def test_as_a_program_an_error_is_one_sentence_and_an_exit_code():
    process = subprocess.run(
        [sys.executable, SCRIPT, "--pairs", "nowhere.tsv"], capture_output=True, text=True
    )
    assert process.returncode == 1
    assert process.stderr.splitlines()[-1].startswith("error: ")
    assert "Traceback" not in process.stderr


def test_each_corpus_has_its_own_folders(run_chapter_until, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "mine.tsv", PAIRS)
    for arguments in ((), ("--pairs", "mine.tsv", "--held-out", 2)):
        run_chapter_until(s2s.text, "tokenizer_for", "quickstart", *arguments)
    folders = {path.parent.name: [] for path in tmp_path.glob("*/*/")}
    for path in tmp_path.glob("*/*/"):
        folders[path.parent.name].append(path.name)
    assert {name: sorted(each) for name, each in folders.items()} == {
        name: ["quickstart", "quickstart_mine"] for name in ("output", "saved_models")
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--held-out", 10, "--dev", "x"),
            "--held-out and --dev have no effect without --pairs, or",
        ),
        (("--source", "x", "--target", "y", "--columns", "1,2"), "--columns has no effect without"),
        (
            ("--pairs", "x", "--dev", "y", "--test", "z", "--held-out", 5),
            "--held-out has no effect with --dev and --test",
        ),
    ],
)
def test_options_without_effect(refused, arguments, message):
    refused("quickstart", *arguments, message=message)
