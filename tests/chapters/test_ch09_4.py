import re

import keras
import pytest

import tf_seq2seq as s2s
from common.settings import ANOTHER_CORPUS

QUICK = ("ch09_4_ptb_language_model",)


@pytest.mark.usefixtures("no_fresh_process")
def test_the_quick_preset_learns_generates_scores_and_exports(run_chapter, tmp_path, capsys):
    variables = run_chapter(*QUICK, "--epochs", 3, "--output-dir", tmp_path)
    printed = capsys.readouterr().out

    # Seed 1 reaches 7.4 after three of the four epochs. An untrained model has the perplexity of
    # its vocabulary's size, unigrams have about 180, and bigrams, which see one word, about 13.
    assert variables["test_perplexity"] < 10 < variables["tokenizer"].vocabulary_size / 50
    assert re.search(r"Test perplexity: \d\.\d{3}", printed)
    # Sentences of the synthetic text have little to do with those before them.
    assert variables["cached_perplexity"] < 1.1 * variables["test_perplexity"]
    assert "Test perplexity with a cache of 500 words: " in printed
    assert ANOTHER_CORPUS in printed
    right, reversed_ = map(float, re.findall(r"Perplexity +([\d.]+) of", printed))
    assert right < reversed_ / 10
    assert len(re.findall(r"Temperature 0.7: \S", printed)) == 2
    ours, theirs = re.search(r"is (\S+) in a fresh process, and (\S+) here", printed).groups()
    assert abs(float(ours) - float(theirs)) <= 0.002
    assert (tmp_path / "learning_curves.png").stat().st_size > 5000
    assert (tmp_path / "saved_model" / "1" / "saved_model.pb").exists()


@pytest.mark.slow
def test_on_two_replicas_and_resumed(train_chapter, tmp_path, capsys):
    small = ("--units", 8, "--length", 200, "--strategy", "mirrored", "--output-dir", tmp_path)
    first = train_chapter(*QUICK, *small, "--epochs", 1)
    with pytest.raises(s2s.InputError, match="it was written with seed=1, but `seed` is 2 now"):
        train_chapter(*QUICK, *small, "--epochs", 2, "--resume", "--seed", 2)
    both = train_chapter(*QUICK, *small, "--epochs", 2, "--resume")
    assert "Training is resumed with epochs=2 instead of 1." in capsys.readouterr().out
    assert both.history["loss"][:1] == first.history["loss"]
    assert len(both.history["loss"]) == 2


def test_the_book_s_figures_are_printed(run_chapter_until, small_data, tmp_path, capsys):
    small = ("--units", 4, "--batch-size", 1, "--data-dir", small_data, "--output-dir", tmp_path)
    run_chapter_until(s2s, "TextModel", *QUICK, "--preset", "book", *small)
    printed = capsys.readouterr().out
    assert "(the book: 104.901)" in printed
    assert ANOTHER_CORPUS not in printed
    for figure in ("376.035", "191.894", "77.541", "108.727"):
        assert figure in printed


def test_the_regularized_preset(run_chapter, small_data, tmp_path, monkeypatch):
    """It trains with everything that the chapter explains."""

    class _TrainingError(Exception):
        pass

    given = {}

    def fit(model, train, dev, **options):
        given.update(options, model=model, dev=dev)
        raise _TrainingError

    monkeypatch.setattr(s2s.training, "fit", fit)
    small = ("--units", 4, "--batch-size", 1, "--data-dir", small_data, "--output-dir", tmp_path)
    small += ("--epochs", 10, "--average", 0.3, "--dev-rows", 2)
    with pytest.raises(_TrainingError):
        run_chapter(*QUICK, "--preset", "regularized", *small)
    keras.config.set_dtype_policy("float32")
    config = given["model"].get_config()
    rates = ("dropout", "word_dropout", "weight_dropout", "activation_penalty", "change_penalty")
    assert all(config[name] > 0 for name in rates)
    assert config["locked_dropout"]
    (average,) = given["callbacks"]
    assert average.begin == 7
    assert given["dev"].element_spec[0].shape[0] == 2
    assert given["checkpoint_every"] == "auto"


def test_a_folder_of_the_corpus_without_effect(refused):
    message = (
        "--data-dir has no effect with --preset quick, whose corpus is synthetic: add --preset"
    )
    refused(*QUICK, "--data-dir", "x", message=message)
