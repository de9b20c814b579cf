import json

import pytest

import tf_seq2seq as s2s

CHAPTER = "beyond_3_multi30k"
SMALL = ("--units", 8, "--embedding-size", 4)


@pytest.mark.parametrize(
    "systems",
    [
        ["tuned"],  # the test of two files trains a plain one
        pytest.param(["lstm", "gru", "attention", "tuned"], marks=pytest.mark.slow),
    ],
    ids=len,
)
def test_trains_and_measures_systems(run_chapter, smaller_corpus, systems, tmp_path, capsys):
    small = ("--beam-width", 2, "--batch-size", 16, "--learning-rate", 0.012)
    with smaller_corpus(train=1500, dev=50, test=50):
        arguments = (*small, "--systems", ",".join(systems), "--output-dir", tmp_path)
        variables = run_chapter(CHAPTER, *arguments)
    rows = json.loads((tmp_path / "results.json").read_text())
    assert [row["system"] for row in rows] == systems
    # Seed 1 reaches 33, 7, 24 and 23. An untrained model has a perplexity of its vocabulary's size:
    # some hundred words.
    assert all(row["perplexity"] < 60 for row in rows)
    assert all("±" in row["beam"] and "tok:zh" in row["signature"] for row in rows)
    printed = capsys.readouterr().out
    assert "Quick preset, another corpus: not comparable with the published results." in printed
    for row in rows:
        assert f"{row['system']:10} {row['parameters']:10,}" in printed
        assert (tmp_path / row["system"] / "learning_curves.png").exists()
        saved = s2s.Translator.load_card(tmp_path / row["system"] / "translator")
        assert saved.card["data"] == "synthetic corpus, 1,500 sentence pairs"
        assert saved.card["languages"] == {"source": "en", "target": "zh"}
        assert saved.card["metric"]["signature"] == row["signature"]
        assert saved.sentences == list(variables["corpus"].dev.source)
        s2s.Translator.load(tmp_path / row["system"] / "translator")
    assert "\nPairs:    1500 read, 1500 kept\nBatches:  " in printed
    assert "\nSource: " in printed and "\nTarget: ChineseTokenizer, " in printed

    forms = [variables["build"](name, 20, 20).decoder for name in ("lstm", "gru", "attention")]
    assert [decoder.cell for decoder in forms] == ["lstm", "gru", "gru"]
    assert [decoder.feeding for decoder in forms[:2]] == ["initial_state", "context_and_previous"]
    assert [decoder.attention is not None for decoder in forms] == [False, False, True]


@pytest.fixture
def two_files(tmp_path):
    """The arguments for a user's corpus of two files."""
    corpus = s2s.data.copy_corpus("abcdefgh", (2, 6), train=120, dev=1, test=1)
    source, target = (tmp_path / name for name in ("own.x", "own.y"))
    for path, lines in ((source, corpus.train.source), (target, corpus.train.target)):
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    both = f"{source},{target}"
    files = ("--source", source, "--target", target, "--dev", both, "--test", both)
    return ("--corpus", "files", *files, "--lowercase", "--output-dir", tmp_path)


@pytest.mark.slow
def test_files_two_replicas_resumed_and_an_ensemble(
    run_chapter, train_chapter, two_files, tmp_path
):
    small = (*SMALL, "--systems", "lstm", "--strategy", "mirrored")
    first = train_chapter(CHAPTER, *two_files, *small, "--epochs", 1)
    variables = run_chapter(CHAPTER, *two_files, *small, "--epochs", 2, "--resume")
    losses = variables["history"].history["loss"]
    assert losses[:1] == first.history["loss"]
    assert len(losses) == 2
    assert len(variables["corpus"].dev) == 120
    assert variables["translator"].source_tokenizer.vocabulary_size == 4 + 8
    card, _ = s2s.Translator.load_card(tmp_path / "lstm" / "translator")
    assert card["data"] == f"{tmp_path / 'own.x'}, {tmp_path / 'own.y'}, 120 sentence pairs"
    assert "languages" not in card
    (alone,) = json.loads((tmp_path / "results.json").read_text())
    assert alone["system"] == "lstm" and "case:lc" in alone["signature"]

    # An ensemble of two equal members translates as each of them does.
    member = tmp_path / "lstm" / "translator"
    run_chapter(CHAPTER, *two_files, "--ensemble", f"{member},{member}")
    (ensemble,) = json.loads((tmp_path / "ensemble.json").read_text())
    assert ensemble["system"] == "ensemble"
    assert ensemble["parameters"] == 2 * alone["parameters"]
    assert ensemble["greedy"] == alone["greedy"] and ensemble["beam"] == alone["beam"]
    assert ensemble["perplexity"] == pytest.approx(alone["perplexity"], rel=1e-5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--systems", "lstm,transformer"), "no system 'transformer'"),
        (("--corpus", "files"), "--source and --target"),
        (("--ensemble", "nowhere,nowhere"), "No translator in nowhere"),
        (("--ensemble", ""), "No translator in"),
        (
            ("--corpus", "files", "--source", __file__, "--target", __file__, "--dev", "a"),
            "--dev takes two files.*'a'",
        ),
        (
            ("--corpus", "files", "--source", __file__, "--target", __file__, "--test", "a,b"),
            "--test takes two files.*'a,b'",
        ),
    ],
)
def test_errors_of_the_input(run_chapter, tmp_path, arguments, message):
    with pytest.raises(s2s.InputError, match=message):
        run_chapter(CHAPTER, "--output-dir", tmp_path, *arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--ensemble", "a,b", "--systems", "tuned", "--epochs", 3, "--resume"),
            "--systems, --resume and --epochs have no effect with --ensemble",
        ),
        (("--ensemble", "a,b", "--seed", 2), "--seed has no effect with --ensemble"),
        (("--data-dir", "x"), "--data-dir has no effect with --corpus synthetic: add the"),
        (("--preset", "plain", "--dev", "x,y"), "--dev has no effect with --corpus multi30k: add"),
        (
            ("--source", __file__),
            "--source has no effect with --corpus synthetic: add --corpus files",
        ),
        (("--corpus", "files", "--data-dir", "x"), "--data-dir has no effect with --corpus files"),
        (("--beam-width", 1, "--length-penalty", 2), "--length-penalty has no effect with --beam"),
    ],
)
def test_options_without_effect(refused, arguments, message):
    refused(CHAPTER, *arguments, message=message)
