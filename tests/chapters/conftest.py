import runpy
import sys

import pytest
from helpers import ROOT


@pytest.fixture
def run_chapter(monkeypatch):
    """Run a chapter in this process, by its name and arguments; returns its variables."""

    def run(name, *arguments):
        script = str(ROOT / "chapters" / f"{name}.py")
        monkeypatch.setattr(sys, "excepthook", sys.excepthook)
        monkeypatch.setattr(sys, "argv", [script, *map(str, arguments)])
        return runpy.run_path(script, run_name="__main__")

    return run
