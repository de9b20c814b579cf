"""What all chapters have in common: options, folders, and that they run as notebooks."""

import re
import subprocess
import sys

import pytest
from helpers import ROOT

import tf_seq2seq as s2s
from tf_seq2seq.cli import settings

CHAPTERS = sorted((ROOT / "chapters").glob("*.py"))
NAMES = [path.stem for path in CHAPTERS]
WITH_OPTIONS = [name for name in NAMES if name != "minimal"]


def test_no_preset_overwrites_what_another_has_written(run_chapter, monkeypatch):
    class ReachedError(Exception):
        pass

    folders = []

    def presets_of(fields, presets=None):
        defaults = {name: field.default for name, field in fields.__dataclass_fields__.items()}
        for preset, values in (presets or {}).items():
            folder = (defaults | values).get("output_dir")
            # Two chapters have a folder for each preset below that.
            below = name.startswith(("ch09_2", "ch09_3"))
            folders.append(folder / preset if below else folder)
        raise ReachedError

    monkeypatch.setattr(settings, "from_command_line", presets_of)
    for name in WITH_OPTIONS:
        with pytest.raises(ReachedError):
            run_chapter(name)
    written = [folder for folder in folders if folder is not None]
    assert len(written) > 15
    assert len(set(written)) == len(written)


@pytest.mark.parametrize(
    ("chapter", "arguments", "message"),
    [
        ("ch09_4_ptb_language_model", ("--learning-rate", "1e9"), "expected 10 or less, got 1e9"),
        ("ch09_4_ptb_language_model", ("--units", 10**9), "--units: expected 10000 or less"),
        ("ch09_5_train_seq2seq", ("--batch-size", 0), "--batch-size: expected 1 or more, got 0"),
        ("ch09_7_train_attention", ("--units", 10**9), "--units: expected 10000 or less"),
        ("beyond_1_feeding_schemes", ("--string-units", 10**9), "expected 10000 or less"),
        ("beyond_3_multi30k", ("--learning-rate", 11), "expected 10 or less, got 11"),
        ("quickstart", ("--embedding-size", 10**9), "expected 10000 or less"),
        *(
            (name, ("--seed", seed), f"--seed: expected {bound}, got {seed}")
            for name in (
                "ch08_2_predict_sine",
                "beyond_2_beam_search",
                "beyond_4_serve",
                "quickstart",
            )
            for seed, bound in ((-1, "0 or more"), (2**32, "4294967295 or less"))
        ),
    ],
)
def test_values_with_which_nothing_can_be_trained(refused, chapter, arguments, message):
    refused(chapter, *arguments, message=message)


@pytest.mark.parametrize(
    ("chapter", "arguments", "message"),
    [
        ("ch09_6_translate_seq2seq", ("--file", "nowhere"), "nowhere cannot be read"),
        ("ch09_8_translate_attention", ("--file", "."), "Is a directory"),
        ("beyond_4_serve", ("--name", "a/b"), "letters, digits.* got 'a/b'"),
        ("beyond_4_serve", ("--name", ".."), r"letters, digits.* got '\.\.'"),
    ],
)
def test_names_that_would_fail_after_the_training(run_chapter, chapter, arguments, message):
    with pytest.raises(s2s.InputError, match=message):
        run_chapter(chapter, *arguments)


def test_make_clean_keeps_what_was_trained():
    lines = subprocess.run(
        ["make", "--dry-run", "clean"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert "rm -rf" in lines
    assert not re.search(r"\b(output|saved_models)\b", lines)


# --- As notebooks ---------------------------------------------------------------------------------


def cells(path):
    """Return the code of the cells of a chapter; Markdown cells are comments."""
    return re.split(r"^# %%.*$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("path", CHAPTERS, ids=NAMES)
def test_each_cell_is_complete_and_needs_no_file(path):
    code = cells(path)
    assert len(code) > 3
    for number, cell in enumerate(code):
        assert "__file__" not in cell
        compile(cell, f"{path.name}, cell {number}", "exec")
        # `show` also shows a plot below the cell.
        assert ".savefig(" not in cell


@pytest.mark.parametrize("path", CHAPTERS, ids=NAMES)
def test_no_cell_is_indented(path):
    assert not re.search(r"^ +# %%", path.read_text(encoding="utf-8"), re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "plots"),
    [("ch08_2_predict_sine", 1), ("ch09_8_translate_attention", 1), ("beyond_4_serve", 1)],
)
def test_as_a_notebook(name, plots, tmp_path, monkeypatch):
    jupytext = pytest.importorskip("jupytext", reason="the extra `notebooks` is not installed")
    nbclient = pytest.importorskip("nbclient", reason="the extra `notebooks` is not installed")
    pytest.importorskip("ipykernel", reason="the extra `notebooks` is not installed")
    monkeypatch.setenv("PYTHONPATH", f"{ROOT}:{ROOT / 'chapters'}")
    notebook = jupytext.read(ROOT / "chapters" / f"{name}.py")
    kernel = {"name": "python3", "language": "python", "display_name": sys.executable}
    notebook.metadata["kernelspec"] = kernel
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=600, resources=resources).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(shown) == plots
