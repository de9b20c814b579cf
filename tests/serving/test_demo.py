"""The translation explorer, in a headless browser."""

import html
import json
import re
import shutil
import subprocess
import urllib.parse

import pytest
from explorer import read_recorded
from helpers import ROOT

DEMO = ROOT / "saved_models" / "demo"
NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="module")
def show(tmp_path_factory):
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (on Debian: apt-get install chromium)")
    folder = tmp_path_factory.mktemp("explorer")

    def page_after(script="", **query):
        """Return the page after its scripts have run, and then another one."""
        shutil.copytree(DEMO, folder / "demo", dirs_exist_ok=True)
        page = folder / "demo" / "index.html"
        with page.open("a", encoding="utf-8") as file:
            file.write(f"<script>{script}</script>")
        process = subprocess.run(
            [
                *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
                *(f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=10000"),
                f"{page.as_uri()}?{urllib.parse.urlencode(query)}",
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        return process.stdout

    return page_after


@pytest.fixture(scope="module")
def run(show):
    """Return a function that runs a script in the page, which fills `result`, and returns that."""

    def result_of(script, **query):
        done = "document.body.append(Object.assign(document.createElement('pre'), { textContent: "
        page = show(f"{HELPERS}{{ {script} }}\n{done}JSON.stringify(result) }}));", **query)
        return json.loads(html.unescape(re.search(r"<pre>(.*)</pre></body>", page, re.DOTALL)[1]))

    return result_of


HELPERS = """
const result = {};
const all = selector => [...document.querySelectorAll(selector)];
const text = id => document.getElementById(id).textContent;
const on = () => all(".words .on").map(word => word.firstChild.textContent);
const percents = id => [...at(id).children].map(word => word.lastChild.textContent);
"""


def address(server):
    return f"http://{server.host}:{server.rest_port}"


# --- Without a server -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded():
    return read_recorded()


LOOK = """
result.origin = text("origin");
result.translation = text("translation");
result.resources = performance.getEntriesByType("resource").map(({ name }) => name);

const character = document.querySelector("[data-j='1']");
character.dispatchEvent(new MouseEvent("mouseenter"));
result.underMouse = { on: on(), source: percents("source"), said: text("said") };
character.dispatchEvent(new MouseEvent("mouseleave"));
result.afterMouse = { on: on(), said: text("said") };
document.querySelector("[data-i='1']").focus();
result.withFocus = { on: on(), target: percents("target") };
document.querySelector("td[data-i='4'][data-j='3']").dispatchEvent(new MouseEvent("mouseenter"));
result.square = { words: on(), table: all("#alignment .on").length };

const branches = () => all("#tree g").map(branch => branch.getAttribute("class"));
result.branches = branches();
at("all").click();
result.allBranches = branches();
const ends = all("#tree [aria-label*='number 2 by score']");
ends[0].dispatchEvent(new MouseEvent("click"));
result.second = text("translation");
result.node = text("node");
document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft" }));
result.parent = text("node");

at("example").value = 4;
at("example").onchange();
result.rows = all("#options tbody tr").map(row => row.innerText);
result.marks = all("#options tbody tr").map(row => row.querySelectorAll("mark").length);
at("language").click();
result.chinese = {
  origin: text("origin"), heading: text("grown"), page: document.documentElement.lang,
};
"""


def test_it_explores_the_recorded_examples(run, recorded):
    result = run(LOOK, search=2)
    first = recorded["examples"][0]
    best = [first["translations"][n] for n in first["results"][2]["best"]]
    assert result["origin"].startswith("Recorded, no server is asked: en_zh, version 1")
    assert all(name.startswith("file:") for name in result["resources"])
    assert result["translation"] == best[0]["text"]

    # The mouse on a character shows the source words, and the focus on a word the characters.
    weights = [first["weights"][row] for row in best[0]["weights"]]
    assert result["underMouse"]["on"] == ["昨"]
    percents = [int(each or 0) for each in result["underMouse"]["source"]]
    assert percents == pytest.approx([weight / 10 for weight in weights[1]], abs=0.51)
    assert result["underMouse"]["said"].startswith("昨 attended to: yesterday 95 %")
    assert result["afterMouse"] == {"on": [], "said": ""}
    assert result["withFocus"]["on"] == ["book"]
    percents = [int(each or 0) for each in result["withFocus"]["target"]]
    assert percents == pytest.approx([row[1] / 10 for row in weights], abs=0.51)
    assert result["square"] == {"words": ["bought", "买"], "table": 3}

    # Each candidate is a branch: those of the best hypotheses, those that were pruned, the rest.
    tree = first["trees"][first["results"][2]["tree"]]
    fates = [fate for row in tree for *_, fate in row]
    assert len(result["allBranches"]) == 1 + len(fates)
    assert len(result["branches"]) == 1 + len(fates) - fates.count(0)
    assert result["branches"].count("chosen") == 1 + len(best[0]["tokens"])
    prefixes = {tuple(each["tokens"][:n]) for each in best for n in range(len(each["tokens"]) + 1)}
    assert len(result["branches"]) - result["branches"].count("lost") == len(prefixes)
    assert result["second"] == best[1]["text"]
    assert f"log P = {best[1]['log_p'] / 100:.2f}" in result["node"]
    assert "a complete translation, number 2 by score" in result["node"]
    assert "The most probable candidates for the next token: <eos>" in result["parent"]

    # What the options change.
    novels = recorded["examples"][4]
    assert len(result["rows"]) == len(recorded["searches"])
    for row, found in zip(result["rows"], novels["results"], strict=True):
        translation = novels["translations"][found["best"][0]]
        for shown in (translation["text"], f"{translation['log_p'] / 100:.2f}"):
            assert shown in row
        assert f"{found['scores'][0] / 100:.2f}" in row
    assert result["rows"][5].startswith("beam 5, α = 2")
    assert result["marks"][0] == 0  # greedy search
    assert result["marks"][4] == 1  # without a length penalty, it is shorter
    assert result["chinese"]["page"] == "zh-CN"
    assert result["chinese"]["heading"] == "候选译文组成的树"
    assert result["chinese"]["origin"].startswith("录制的结果，没有询问服务器：en_zh")


# --- With a server --------------------------------------------------------------------------------


def test_the_translation_of_a_server(show, served):
    translator, server = served
    page = html.unescape(show(text="a b c", server=address(server)))
    (translation,) = translator(["a b c"])
    assert f'<p id="translation" lang="zh">{translation.text}</p>' in page
    assert f"Answer of the server {address(server)}, model en_zh" in page
    assert "Recorded" not in page
    assert f"log P = {translation.score:.3f}" in page
    weights = translation.alignment
    assert page.count("<td data-i") == weights.size
    assert f"{weights[0, 0]:.3f}" in page
    assert 'class="on"' not in page
    assert page.count('role="treeitem"') == 1 + len(translation.target_tokens)


# The page has shown an answer when it has drawn the tree.
WHEN_READY = """
new MutationObserver((_, watch) => {{ watch.disconnect(); {} }})
  .observe(document.getElementById("tree"), {{ childList: true }});
"""


def test_the_tree_of_the_beam_of_a_server(show, served):
    translator, server = served
    page = show(WHEN_READY.format("choose(1, 0)"), text="a b c", server=address(server))
    (best,) = translator.n_best(["a b c"], beam_width=5, n_best=5)
    assert f'<p id="translation" lang="zh">{html.escape(best[0].text)}</p>' in page
    prefixes = {each.target_tokens[:n] for each in best for n in range(len(each.target_tokens) + 1)}
    assert page.count('role="treeitem"') == len(prefixes)


def test_typing_a_prefix_translates_the_rest_again(show, served):
    translator, server = served
    typing = 'at("prefix").value = "丙"; at("prefix").dispatchEvent(new InputEvent("input"));'
    (translation,) = translator.complete(["a b c"], ["丙"])
    assert translation.text.startswith("丙")
    page = show(WHEN_READY.format(typing), text="a b c", server=address(server))
    assert f'<p id="translation" lang="zh">{translation.text}</p>' in page
    assert f"log P = {translation.score:.3f}" in page


def test_no_server(show):
    page = show(text="a", server="http://localhost:9")
    assert "No answer from http://localhost:9. Is the server running" in page
    assert '<main id="found" hidden="">' in page  # nothing that was shown before


def test_no_model(show, served):
    page = show(text="a", model="nobody", server=address(served[1]))
    assert "Servable not found" in page


def test_unknown_values_in_the_address_are_ignored(show):
    for wrong in ("99", "constructor", ""):
        page = show(lang=wrong, example=wrong, search=wrong)
        assert "Recorded, no server is asked" in page
        assert page.count('type="radio" name="search"') == len(read_recorded()["searches"])


ANSWERS = """
window.fetch = async () => ANSWER;
at("server").value = "http://localhost:9";
document.querySelector("[value=live]").checked = true;
showMode();
showLive();
"""


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        ("""new Response("<b>Bad gateway</b>", { status: 502 })""", "HTTP 502"),
        ("""new Response("{}", { status: 404 })""", "HTTP 404"),
        ("""new Response(JSON.stringify({ outputs: { logits: [[1]] } }))""", "undefined"),
    ],
)
def test_an_answer_of_something_else(show, answer, problem):
    page = html.unescape(show(ANSWERS.replace("ANSWER", answer)))
    (error,) = re.findall(r'<p id="error" role="alert">(.*?)</p>', page)
    assert error.startswith("The answer of http://localhost:9 is not that of a translation model")
    assert problem in error
    assert '<main id="found" hidden="">' in page


def test_the_words_of_a_server_are_shown_as_text(show):
    """And alignments and other hypotheses may be missing."""
    bad = "<img src=x onerror=document.title='run'>"
    outputs = {
        **{"source_tokens": [[bad]], "source_length": [1], "translation": [bad]},
        **{"target_tokens": [[bad]], "target_length": [1], "score": [-1.0]},
        **{"translations": [[bad]], "scores": [[-3.4e38]], "target_lengths": [[1]]},
    }
    answer = f"new Response({json.dumps(json.dumps({'outputs': outputs}))})"
    page = show(ANSWERS.replace("ANSWER", answer))
    assert "<title>Translation explorer</title>" in page
    assert f'<p id="translation" lang="zh">{html.escape(bad, quote=False)}</p>' in page
    assert "<img" not in page.partition("<script")[0]
    assert page.count('type="radio" name="search"') == 1
