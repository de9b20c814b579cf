import json
from types import SimpleNamespace

import pytest

import tf_seq2seq as s2s
from common.more_pairs import read_more_pairs

CHAPTER = "beyond_6_new_domain"
SMALL = ("--units", 8, "--embedding-size", 4, "--first-epochs", 1, "--epochs", 1)


def test_the_domains_share_no_words_about_food(train_chapter, smaller_corpus, tmp_path, capsys):
    with smaller_corpus(train=600, dev=60, test=60):
        history = train_chapter(CHAPTER, *SMALL, "--output-dir", tmp_path)
    assert len(history.history["loss"]) == 1
    printed = capsys.readouterr().out
    old, new = (line for line in printed.splitlines() if "vocabulary: " in line)
    # Of Chinese characters; English is split into subwords, which are all known.
    known = [float(line.split(" and ")[-1].split(" %")[0]) for line in (old, new)]
    assert known[0] < known[1]


@pytest.mark.slow
def test_a_new_vocabulary_helps_in_the_new_domain(run_chapter, smaller_corpus, tmp_path, capsys):
    with smaller_corpus(train=5000, dev=200, test=400):
        arguments = ("--first-epochs", 4, "--output-dir", tmp_path)
        variables = run_chapter(CHAPTER, *arguments)
    rows = {row["model"]: row for row in json.loads((tmp_path / "results.json").read_text())}
    assert list(rows) == ["first domain", "from scratch", "old vocabulary", "new vocabulary"]
    best = rows["new vocabulary"]
    assert best["new_value"] > rows["old vocabulary"]["new_value"]
    assert best["new_value"] > rows["from scratch"]["new_value"]
    assert best["first_value"] > rows["from scratch"]["first_value"]
    assert " known, " in capsys.readouterr().out
    loaded = s2s.Translator.load(tmp_path / "new_vocabulary" / "translator")
    sentence = variables["new"].test.source[0]
    expected = variables["translators"]["new vocabulary"](sentence)[0].text
    assert loaded(sentence)[0].text == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--data-dir", "x"), "--data-dir has no effect with --preset quick"),
        (("--more-source", __file__), "--more-source has no effect with --preset quick"),
        (("--preset", "ted", "--units", 1), "--units: expected 2 or more, got 1"),
    ],
)
def test_options_that_are_refused(refused, arguments, message):
    refused(CHAPTER, *arguments, message=message)


@pytest.mark.parametrize(("side", "other"), [("source", "target"), ("target", "source")])
def test_more_pairs_need_both_sides(refused, side, other):
    message = f"--more-{side} has no effect without --more-{other}, the file"
    for chapter, preset in ((CHAPTER, "ted"), ("ch09_5_train_seq2seq", "book")):
        refused(chapter, "--preset", preset, f"--more-{side}", __file__, message=message)


def test_more_pairs(tmp_path):
    files = SimpleNamespace(more_source=tmp_path / "en", more_target=tmp_path / "zh")
    files.more_source.write_text("that 's it .\nwhy ?\n", encoding="utf-8")
    files.more_target.write_text("就 是 。\n“ 为什么 ” ？\n", encoding="utf-8")
    pairs = read_more_pairs(files)
    assert pairs == s2s.data.Pairs(["that's it.", "why?"], ["就 是 。", "“ 为什么 ” ？"])
    assert len(read_more_pairs(SimpleNamespace(more_source=None))) == 0


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("i 'm sure , we 'd 've said so !", "i'm sure, we'd've said so!"),
        ("THEY 'RE what 's-his-name", "THEY'RE what 's-his-name"),
        ("it ’s not , don ’t", "it’s not, don’t"),
        ("don 't , do n't , can 't .", "don't, don't, can't."),
        ("ma 'am , at six o 'clock , y 'all !", "ma'am, at six o'clock, y'all!"),
        ("c 'mon , mr. o 'neil", "c'mon, mr. o'neil"),
        ("why , 'he ' asks ?", "why, 'he ' asks?"),
        ("he said 'take it ' , then 'stop '", "he said 'take it ', then 'stop '"),
        ("in the '90s , 'cause i say 'd-day '", "in the '90s, 'cause i say 'd-day '"),
        ("the letter 's' , and 't was", "the letter 's', and 't was"),
        ("it costs .5 , or ...and so on ...", "it costs .5, or ...and so on..."),
        ('" hey , " he said ( twice ) .', '" hey, " he said ( twice ).'),
        ("“ hey ” , [ 1 ] ‘ no ’ « oui »", "“ hey ”, [ 1 ] ‘ no ’ « oui »"),
    ],
)
def test_spaces_that_are_removed_from_more_pairs(tmp_path, line, expected):
    files = SimpleNamespace(more_source=tmp_path / "en", more_target=tmp_path / "zh")
    files.more_source.write_text(line + "\n", encoding="utf-8")
    files.more_target.write_text("x\n", encoding="utf-8")
    assert read_more_pairs(files).source == (expected,)
