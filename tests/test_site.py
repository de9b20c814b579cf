"""The site: links, equations of docstrings, notebooks. `make docs` tests the rest."""

import ast
import json
import re

import pytest
from helpers import ROOT


@pytest.fixture(autouse=True)
def _modules_of_the_site(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    monkeypatch.syspath_prepend(ROOT / "tools")


@pytest.mark.parametrize(
    ("equation", "tex"),
    [
        ("s_j = RNN(s_{j-1}, x_j)", r"s_{j} = \operatorname{RNN}(s_{j-1}, x_{j})"),
        ("sum_i alpha_ij h_i", r"\sum _{i} \alpha _{ij} h_{i}"),
        ("e(h, s) = h^T s / sqrt(size)", r"e(h, s) = h^{\top} s / \sqrt{\operatorname{size}}"),
        ("m <- sqrt(a (b + c)) d", r"m \leftarrow  \sqrt{a (b + c)} d"),
        ("lp(y) = (5 + |y|)^alpha", r"\operatorname{lp}(y) = (5 + |y|)^{\alpha}"),
        ("context = attention(query)", None),
        ('tokenize("a")', None),
    ],
)
def test_an_equation(equation, tex):
    from equations import tex_of

    assert tex_of(equation) == tex


def test_a_docstring():
    from equations import convert

    docstring = [
        "Summary.",
        "",
        "    h_i = E w_i   if so",
        "",
        "More.",
        "",
        "    a(b)",
        "",
        "Args:",
    ]
    assert list(convert([*docstring, "    units: x = y."])) == [
        *("Summary.", "", ".. math::", "", r"    \begin{aligned}"),
        r"    & h_{i} = E w_{i} && \quad \text{if so} \\",
        *(r"    \end{aligned}", "", "More.", "", "::", "", "    a(b)", "", "", "Args:"),
        *("    units: x = y.", ""),
    ]


def test_an_equation_needs_no_script():
    pytest.importorskip("docutils", reason="docutils comes with the extra docs")
    from mathml import mathml

    found = mathml(r"\operatorname{learning\_rate} = c \dots")
    assert found.startswith("<math ") and "learning_rate" in found and "…" in found
    found = mathml(
        r"\begin{aligned} & a && \quad \text{50\% \& more} \\ \end{aligned}", as_block=True
    )
    assert 'display="block"' in found and "50% &amp; more" in found


def test_markdown_in_a_docstring():
    from equations import convert

    table = ["| a | b |", "|---|---|", "| `c` | |", ""]
    fence = ["```python", "x = 1", "", "y = 2", "```", "", "`<pad>`=0 and `x`."]
    assert list(convert([*table, *fence])) == [
        *(".. list-table::", "    :header-rows: 1", ""),
        *("    * - a", "      - b", "    * - `c`", "      - ", "", ""),
        *(".. code-block:: python", "", "    x = 1", "    ", "    y = 2", ""),
        *(r"`<pad>`\ =0 and `x`.", ""),
    ]


def test_each_layer_has_equations():
    from equations import convert

    for module in ("attention", "decoder", "steps", "cells", "readout"):
        tree = ast.parse((ROOT / "tf_seq2seq" / "layers" / f"{module}.py").read_text())
        docstrings = [
            ast.get_docstring(node) or ""
            for node in ast.walk(tree)
            if isinstance(node, ast.ClassDef | ast.FunctionDef)
        ]
        assert any(".. math::" in convert(text.splitlines()) for text in docstrings), module


def names_in_all(package) -> set[str]:
    """Return the public names of a package, without importing it."""
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    lists = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and "__all__" in ast.unparse(node)
    ]
    return {name for names in lists for name in ast.literal_eval(names)}


def test_the_reference_has_each_public_name_once():
    text = "".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "api").glob("*.md")
    )
    pages = dict(re.findall(r"automodule:: (\S+)\n((?:   .*\n)*)", text))
    packages = {
        ".".join(path.parent.relative_to(ROOT).parts): names_in_all(path.parent)
        for path in (ROOT / "tf_seq2seq").rglob("__init__.py")
        if names_in_all(path.parent)
    }
    assert len(packages) > 8
    for package, names in packages.items():
        above = packages.get(package.rpartition(".")[0], set()) | packages["tf_seq2seq"]
        if package == "tf_seq2seq" or names - above:
            excluded = re.search(r":exclude-members: (.*)", pages[package])
            twice = names & above if package != "tf_seq2seq" else set()
            assert set(excluded[1].split(", ") if excluded else ()) == twice, package


def test_the_reference_lists_its_pages():
    pages = {path.stem for path in (ROOT / "docs" / "api").glob("*.md")} - {"index"}
    assert pages <= set((ROOT / "docs" / "api" / "index.md").read_text(encoding="utf-8").split())


def test_links_lead_to_pages_of_the_site():
    pytest.importorskip("mdit_py_plugins", reason="the extra `docs` is not installed")
    from links import rewrite_links, slug

    text = (
        "[a](docs/notes.md#s1) ![b](docs/alignment.png) [c](chapters/minimal.py) [d](chapters) "
        "[`e`](tf_seq2seq/layers/steps.py) [f](tf_seq2seq/errors.py) [`g`](LICENSE) [h](tests) "
        "[i](https://keras.io) [j](#k) [l](missing.md) [m](README.md#n)"
    )
    assert rewrite_links(text, ROOT, 0) == (
        "[a](notes.md#s1) ![b](alignment.png) [c](chapters/minimal.ipynb) [d](chapters.md) "
        "[`e`](api/layers.md) [f](api/tf_seq2seq.md) {download}`g <../LICENSE>` h "
        "[i](https://keras.io) [j](#k) [l](missing.md) [m](index.md#n)"
    )
    explorer = "[a](saved_models/demo/index.html)"
    assert rewrite_links(explorer, ROOT, 0) == '<a href="explorer/index.html">a</a>'
    chinese = '<a href="../explorer/index.html?lang=zh">a</a>'
    assert rewrite_links(explorer, ROOT, 1, chinese=True) == chinese
    assert rewrite_links("[a](../notes.md)", ROOT / "docs" / "api", 1) == "[a](../notes.md)"
    assert slug("S1: the encoder, and the last state") == slug("S1：编码器") == "s1"
    assert slug("The task and the symbols") == "the-task-and-the-symbols"


def test_a_chinese_page_leads_to_the_chinese_chapters_that_there_are(tmp_path, monkeypatch):
    pytest.importorskip("mdit_py_plugins", reason="the extra `docs` is not installed")
    import links

    monkeypatch.setattr(links, "HERE", tmp_path)
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "minimal.zh-CN.ipynb").touch()
    text = "[a](chapters/minimal.py) [b](chapters/quickstart.py)"
    chinese = "[a](chapters/minimal.zh-CN.ipynb) [b](chapters/quickstart.ipynb)"
    assert links.rewrite_links(text, ROOT, 0, chinese=True) == chinese
    assert links.rewrite_links(text, ROOT, 0) == text.replace(".py", ".ipynb")


# --- Notebooks ------------------------------------------------------------------------------------


@pytest.fixture
def notebooks():
    for name in ("jupytext", "nbclient", "ipykernel"):
        pytest.importorskip(name, reason="the extra `notebooks` is not installed")
    import notebooks

    return notebooks


def test_every_chapter_has_a_title(notebooks):
    titles = [notebooks.notebook_of(path).cells[0].source for path in notebooks.CHAPTERS]
    assert all(title.startswith("# ") for title in titles)
    assert "# Beyond the book, 4: serving a translator" in [x.partition("\n")[0] for x in titles]


def test_a_link_to_colab(notebooks):
    notebook = notebooks.notebook_of(notebooks.CHAPTERS[0])
    number = len(notebook.cells)
    notebooks.add_colab(notebook, "name", "https://github.com/owner/project.git")
    assert "github/owner/project/blob/gh-pages/chapters/name.ipynb" in notebook.cells[0].source
    assert "https://github.com/owner/project.git" in notebook.cells[1].source
    assert len(notebook.cells) == number + 1


@pytest.mark.parametrize(
    ("chapter", "result"),
    [("ch08_1", "1.56128388"), pytest.param("ch09_2", "<sos>", marks=pytest.mark.slow)],
)
def test_a_chapter_runs(notebooks, chapter, result, tmp_path, monkeypatch):
    """Those that need the least time; `make notebooks` runs all."""
    monkeypatch.setattr(notebooks, "PAGES", tmp_path / "pages")
    monkeypatch.setattr(notebooks, "WORK", tmp_path / "work")
    notebooks.main([chapter])
    (page,) = (tmp_path / "pages").iterdir()
    cells = json.loads(page.read_text(encoding="utf-8"))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    assert not any(output.get("name") == "stderr" for output in outputs)
    printed = "".join("".join(output.get("text", "")) for output in outputs)
    assert result in printed


def test_messages_of_tensorflow_are_left_out(notebooks):
    kept = {"output_type": "display_data", "data": {"text/plain": "a plot"}}
    outputs = [
        {"name": "stderr", "text": "no GPU"},
        {"name": "stdout", "text": "INFO:tensorflow:Assets written to: x\n"},
        {"name": "stdout", "text": "before\nINFO:tensorflow:Assets written\nafter\n"},
        kept,
    ]
    assert notebooks.without_logs(outputs) == [{"name": "stdout", "text": "before\nafter\n"}, kept]


def test_a_chapter_that_does_not_exist(notebooks):
    with pytest.raises(SystemExit, match="No chapter begins with nothing"):
        notebooks.main(["nothing"])
