"""The web page, in a headless browser."""

import shutil
import subprocess
import urllib.parse

import pytest
from helpers import ROOT

PAGE = ROOT / "saved_models" / "demo" / "index.html"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.fixture
def show(tmp_path):
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")

    def page_after(page=PAGE, **query):
        """Return the page after its scripts have run."""
        process = subprocess.run(
            [
                *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
                *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000"),
                f"{page.as_uri()}?{urllib.parse.urlencode(query)}",
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        return process.stdout

    return page_after


def address(server):
    return f"http://{server.host}:{server.rest_port}"


def test_the_translation_and_its_heat_map(show, served):
    translator, server = served
    page = show(text="a b c", server=address(server))
    (translation,) = translator(["a b c"])
    assert f'<p id="translation" lang="zh">{translation.text}</p>' in page.replace(
        "&lt;", "<"
    ).replace("&gt;", ">")
    assert f"log P = {translation.score:.3f}" in page
    weights = translation.alignment
    assert page.count("<td ") == weights.size
    assert f"{weights[0, 0]:.3f}" in page
    assert 'class="on"' not in page


def test_the_translation_goes_on_from_a_prefix(show, served):
    translator, server = served
    page = show(text="a b c", prefix="丙", server=address(server))
    (translation,) = translator.complete(["a b c"], ["丙"])
    assert translation.text.startswith("丙")
    assert f'<p id="translation" lang="zh">{translation.text}</p>' in page
    assert f"log P = {translation.score:.3f}" in page


TYPING = """
<script>
new MutationObserver((_, watch) => {
  watch.disconnect();
  at("prefix").value = "丙";
  at("prefix").dispatchEvent(new InputEvent("input"));
}).observe(document.getElementById("alignment"), { childList: true, subtree: true });
</script>
"""


def test_typing_a_prefix_translates_the_rest_again(show, served, tmp_path):
    translator, server = served
    page = tmp_path / "index.html"
    page.write_text(PAGE.read_text(encoding="utf-8") + TYPING, encoding="utf-8")
    (translation,) = translator.complete(["a b c"], ["丙"])
    shown = show(page, text="a b c", server=address(server))
    assert f'<p id="translation" lang="zh">{translation.text}</p>' in shown


# A headless browser has no mouse; a script enters a cell as soon as there are some.
MOUSE = """
<script>
new MutationObserver(() => {
  const square = document.querySelectorAll("td")[1];
  if (square) square.dispatchEvent(new MouseEvent("mouseenter"));
}).observe(document.getElementById("alignment"), { childList: true, subtree: true });
</script>
"""


def test_cells_under_the_mouse_are_highlighted(show, served, tmp_path):
    page = tmp_path / "index.html"
    page.write_text(PAGE.read_text(encoding="utf-8") + MOUSE, encoding="utf-8")
    shown = show(page, text="a b c", server=address(served[1]))
    assert shown.count('class="on"') == 3  # the square, its row and its column
    assert '<th class="on">b</th>' in shown


def test_no_server(show):
    page = show(text="a", server="http://localhost:9")
    assert "No answer from http://localhost:9. Is the server running" in page


def test_no_model(show, served):
    page = show(text="a", model="nobody", server=address(served[1]))
    assert "Servable not found" in page
