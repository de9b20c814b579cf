"""Run the chapters as notebooks, with the preset `quick`, for the site:    make notebooks

    python tools/notebooks.py                     all chapters, in order
    python tools/notebooks.py ch08_1 beyond_4     those whose names begin like this

A notebook is written to docs/chapters/NAME.ipynb, with what its cells print and plot. The chapters
find each other's results in output/notebooks.
"""

from __future__ import annotations

import os
import re
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import jupytext
import nbclient
from nbformat.v4 import new_code_cell

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "chapters"
CHAPTERS = sorted((ROOT / "chapters").glob("*.py"))
WORK = ROOT / "output" / "notebooks"
PYTHON = {"name": "python3", "language": "python", "display_name": "Python 3"}
LOGGED = re.compile(r"^[A-Z]+:tensorflow:.*\n?", re.MULTILINE)
TIME_LIMIT = 1200  # seconds for a cell; a whole chapter should take at most 90


def repository() -> str | None:
    """Return the address of the package's repository, if pyproject.toml has one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["urls"].get("Repository")


def notebook_of(script: Path) -> Any:
    """Return a chapter as a notebook without outputs. Its first line becomes the title."""
    notebook = jupytext.read(script)
    notebook.metadata["kernelspec"] = PYTHON
    first = notebook.cells[0]
    title, _, text = first.source.partition("\n\n")
    first.source = f"# {' '.join(title.removeprefix('# ').split()).rstrip('.')}\n\n{text}"
    return notebook


def add_colab(notebook: Any, name: str, address: str) -> None:
    """Add a link to Colab, and a first cell that installs the package there.

    Args:
        notebook: a chapter.
        name: the chapter's name.
        address: the repository on GitHub, whose branch `gh-pages` holds the site.
    """
    place = address.removeprefix("https://github.com/").removesuffix(".git")
    site = f"https://colab.research.google.com/github/{place}/blob/gh-pages"
    notebook.cells[0].source += f"\n\n[Open in Colab]({site}/chapters/{name}.ipynb)"
    install = (
        f"!git clone --quiet --depth 1 {address} tf_seq2seq_repository\n"
        "%cd tf_seq2seq_repository/chapters\n"
        "%pip install --quiet '..[serve]'"
    )
    notebook.cells.insert(1, new_code_cell(install, metadata={"tags": ["install"]}))


def write(notebook: Any, name: str) -> None:
    """Write a chapter's page, with a link to Colab if the repository's address is known."""
    address = repository()
    if address is not None:
        add_colab(notebook, name, address)
    PAGES.mkdir(exist_ok=True)
    jupytext.write(notebook, PAGES / f"{name}.ipynb")


def write_missing() -> None:
    """Write the pages that are missing or older than their chapter, without running them."""
    for script in CHAPTERS:
        page = PAGES / f"{script.stem}.ipynb"
        if not page.exists() or page.stat().st_mtime < script.stat().st_mtime:
            write(notebook_of(script), script.stem)


def run(notebook: Any, folder: Path) -> None:
    """Run all cells in a folder, and keep what they print and plot in the notebook."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "chapters")])
    environment = {"PYTHONPATH": path, "TF_CPP_MIN_LOG_LEVEL": "2", "MPLBACKEND": "agg"}
    client = nbclient.NotebookClient(
        notebook,
        timeout=TIME_LIMIT,
        coalesce_streams=True,  # of a progress bar, only its end
        resources={"metadata": {"path": str(folder)}},
    )
    client.execute(env=os.environ | environment)
    for cell in notebook.cells:
        if "outputs" in cell:
            cell.outputs = without_logs(cell.outputs)


def without_logs(outputs: list[Any]) -> list[Any]:
    """Return the outputs of a cell without TensorFlow's messages.

    Those about the machine are in stderr. In a notebook, its logger in Python writes to stdout.
    """
    kept = [output for output in outputs if output.get("name") != "stderr"]
    for output in kept:
        if "text" in output:
            output["text"] = LOGGED.sub("", output["text"])
    return [output for output in kept if output.get("text") != ""]


def main(beginnings: list[str]) -> None:
    """Run and write the chapters whose names begin with one of some words; all without words."""
    scripts = [path for path in CHAPTERS if path.stem.startswith(tuple(beginnings) or "")]
    if not scripts:
        raise SystemExit(f"No chapter begins with {' or '.join(beginnings)}.")
    WORK.mkdir(parents=True, exist_ok=True)
    for script in scripts:
        start = time.monotonic()
        notebook = notebook_of(script)
        run(notebook, WORK)
        write(notebook, script.stem)
        print(f"{script.stem}: {time.monotonic() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
