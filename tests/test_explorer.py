"""The files of the translation explorer fit each other and the committed model."""

import re

import explorer
import pytest
from helpers import ROOT

DEMO = ROOT / "saved_models" / "demo"
PAGE, SCRIPT, TEXTS = (
    (DEMO / name).read_text(encoding="utf-8") for name in ("index.html", "explorer.js", "texts.js")
)
RECORDED = explorer.read_recorded()


def test_it_was_recorded_with_the_committed_model():
    """If not, `make explorer` records it again."""
    assert RECORDED["model"] == explorer.facts()
    assert RECORDED["searches"] == explorer.SEARCHES
    given = [(each["text"], each["reference"], each["prefix"]) for each in RECORDED["examples"]]
    assert given == explorer.EXAMPLES
    assert explorer.RECORDED.stat().st_size < 300_000


@pytest.mark.parametrize("example", RECORDED["examples"], ids=lambda example: example["text"][:20])
def test_the_parts_of_an_example_fit_each_other(example):
    tokens, weights = example["tokens"], example["weights"]
    for row in weights:
        assert len(row) == len(example["source"])
        assert sum(row) == pytest.approx(1000, abs=len(row))
    for translation in example["translations"]:
        assert len(translation["weights"]) == len(translation["tokens"])
        assert tokens[translation["tokens"][-1]] == "<eos>"
    for result, search in zip(example["results"], RECORDED["searches"], strict=True):
        assert len(result["best"]) == len(result["scores"]) <= search["beam_width"]
        assert result["scores"] == sorted(result["scores"], reverse=True)
        ended, followed = {}, [()]
        for step in example["trees"][result["tree"]]:
            extended = [((*followed[parent], token), p, fate) for parent, token, p, fate in step]
            ended |= {ids: p for ids, p, fate in extended if fate == explorer.ENDED}
            followed = [ids for ids, _, fate in extended if fate == explorer.FOLLOWED]
            assert len(followed) <= search["beam_width"]
        for place in result["best"]:
            found = example["translations"][place]
            assert ended[tuple(found["tokens"])] == pytest.approx(found["log_p"], abs=1)


def test_the_options_change_something():
    changed = [0] * len(RECORDED["searches"])
    for example in RECORDED["examples"]:
        best = [result["best"][0] for result in example["results"]]
        base = explorer.SEARCHES.index(explorer.BEAM)
        changed = [n + (each != best[base]) for n, each in zip(changed, best, strict=True)]
    del changed[base]
    assert min(changed) >= 1


def test_the_page_refers_only_to_what_there_is():
    files = re.findall(r'(?:src|href)="([^"]+)"', PAGE)
    assert {DEMO / name for name in files} == {*DEMO.glob("*.js")}
    ids = re.findall(r'\bid="([^"]+)"', PAGE)
    assert len(ids) == len(set(ids))
    assert {*re.findall(r'\bat\("([^"]+)"\)', SCRIPT)} <= set(ids)
    assert {*re.findall(r'(?:labelledby|for)="([^"]+)"', PAGE)} <= set(ids)
    addresses = re.findall(r"https?://[^\s\"'`]+", PAGE + SCRIPT + TEXTS)
    assert set(addresses) == {"http://localhost:8501", "http://www.w3.org/2000/svg"}  # a name


def test_all_texts_exist_in_both_languages():
    english, chinese = re.search(
        r"en: \{\n(.*)\n  \},\n  zh: \{\n(.*)\n  \},", TEXTS, re.S
    ).groups()
    keys = re.findall(r"^    (\w+):", english, re.M)
    assert keys == re.findall(r"^    (\w+):", chinese, re.M)
    parts = (
        re.split(r"^    (?=\w+:)", english, flags=re.M),
        re.split(r"^    (?=\w+:)", chinese, flags=re.M),
    )
    for one, other in zip(*parts, strict=True):
        assert sorted(re.findall(r"\{\w+\}", one)) == sorted(re.findall(r"\{\w+\}", other))
    used = re.findall(r'data-(?:text|label)="(\w+)"', PAGE)
    used += re.findall(r'(?:\bsay|setOrigin)\("(\w+)"', SCRIPT)
    assert set(used) <= set(keys)
    options = {name for search in explorer.SEARCHES for name in search} - {"beam_width", "prefix"}
    assert options <= set(keys)
