"""The web page, in a browser without a window."""

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

    def page_after(**query):
        """What the page holds after its scripts have run."""
        process = subprocess.run(
            [
                *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
                *(f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=10000"),
                f"{PAGE.as_uri()}?{urllib.parse.urlencode(query)}",
            ],
            capture_output=True,
            text=True,
            timeout=60,
        )
        return process.stdout

    return page_after


def test_the_translation_and_its_heat_map(show, served):
    translator, server = served
    page = show(text="a b c", server=f"http://localhost:{server.rest_port}")
    (translation,) = translator(["a b c"])
    assert f'<p id="translation" lang="zh">{translation.text}</p>' in page.replace(
        "&lt;", "<"
    ).replace("&gt;", ">")
    assert f"log P = {translation.score:.3f}" in page
    weights = translation.alignment
    assert page.count("<td ") == weights.size
    assert f"{weights[0, 0]:.3f}" in page


def test_no_server(show):
    page = show(text="a", server="http://localhost:9")
    assert "No answer from http://localhost:9. Is the server running" in page


def test_no_model(show, served):
    page = show(text="a", model="nobody", server=f"http://localhost:{served[1].rest_port}")
    assert "Servable not found" in page
