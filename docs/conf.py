"""The settings of the site: `make docs` builds it, and warnings are errors.

The pages are the Markdown files of this folder, which also read well on GitHub, the docstrings, and
the chapters as notebooks. A link that leaves this folder leads, on the site, to the page of the
chapter or the package that it names.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE), str(ROOT / "tools")]

import catalogs
import mathml
import notebooks
from equations import convert
from links import EXPLORER, FRONT, rewrite_links
from sphinx.util import inspect

import tf_seq2seq

project = "tf_seq2seq"
author = "the authors of tf_seq2seq"
version = release = tf_seq2seq.__version__

extensions = [
    "myst_nb",  # Markdown and notebooks
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",  # sections of docstrings, such as `Args:`
    "sphinx.ext.viewcode",
]
exclude_patterns = ["_build", "diagrams"]
html_theme = "furo"
html_title = f"tf_seq2seq {version}"
html_show_copyright = False
html_math_renderer = "mathml"

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 4
myst_heading_slug_func = "links.slug"
nb_execution_mode = "off"  # `make notebooks` runs them
# Markdown has no role for a code span, so a docstring has none either.
default_role = "code"
autodoc_member_order = "bysource"
# The docstrings of Keras, whose methods are overridden, are not reST.
autodoc_inherit_docstrings = False
autodoc_typehints = "signature"
napoleon_custom_sections = [
    ("Call arguments", "params_style"),
    ("Update arguments", "params_style"),
]
napoleon_use_ivar = True
napoleon_attr_annotations = False

# The site must build without a network, and other sites move: only links within it are checked.
linkcheck_ignore = [r"https?://"]


def read_page(app, page, source) -> None:
    """Put the README before the table of contents, and keep links within the site.

    A chapter gets links to its notebook and to its other language.
    """
    chinese = page.endswith(".zh-CN")
    if page.startswith("chapters/"):
        notebook = json.loads(source[0])
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                text = "".join(cell["source"])
                cell["source"] = rewrite_links(text, ROOT / "chapters", 1, chinese)
        name = Path(page).name.removesuffix(".zh-CN")
        if chinese:
            more = f"本页的 notebook：{{download}}`{name}.zh-CN.ipynb`。"
            more += f"[English version]({name}.ipynb)"
        else:
            more = f"This page as a notebook: {{download}}`{name}.ipynb`"
            if catalogs.path_of(name).exists():
                more += f". [中文版]({name}.zh-CN.ipynb)"
        notebook["cells"][0]["source"] += f"\n\n{more}"
        source[0] = json.dumps(notebook)
        return
    text = rewrite_links(source[0], (HERE / page).parent, page.count("/"), chinese)
    for name, front in FRONT.items():
        if front == f"{page}.md" and (ROOT / name).exists():
            _, _, contents = text.partition("\n")  # without the title
            front_page = (ROOT / name).read_text(encoding="utf-8")
            text = rewrite_links(front_page, ROOT, 0, chinese) + contents
    # GitHub needs these anchors; here, `links.slug` makes them.
    source[0] = re.sub(r'^<a id="s\d"></a>\n', "", text, flags=re.MULTILINE)


def show_equations(app, what, name, thing, options, lines) -> None:
    """Render the equations of a docstring, and link to the notes that define its labels."""
    lines[:] = [
        line if r"\text{" in line else re.sub(r"`?docs/(notes)\.md`?", r":doc:`\1 </\1>`", line)
        for line in convert(lines)
    ]


def skip_fields(app, what, name, thing, skip, options) -> bool | None:
    """Skip the fields of a NamedTuple, which the section `Attributes` describes."""
    return True if str(thing.__doc__).startswith("Alias for field number") else None


def show_arguments(app, what, name, thing, options, signature, returns) -> tuple | None:
    """Show the arguments of `__init__` for a class of Keras, whose `__new__` takes anything."""
    if what != "class" or signature != "(*args, **kwargs)":
        return None
    arguments = inspect.signature(thing.__init__, bound_method=True)
    return inspect.stringify_signature(arguments, unqualified_typehints=True), returns


def copy_explorer(app, error) -> None:
    """Copy the translation explorer, which Sphinx does not build, into the site."""
    if error is None and app.builder.format == "html":
        page = Path(app.outdir) / EXPLORER
        shutil.copytree(ROOT / "saved_models" / "demo", page, dirs_exist_ok=True)


def setup(app) -> None:
    """Convert what is read before Sphinx parses it."""
    notebooks.write_missing()
    catalogs.write_pages()
    app.add_html_math_renderer("mathml", (mathml.show_inline, None), (mathml.show_block, None))
    app.connect("source-read", read_page)
    app.connect("build-finished", copy_explorer)
    app.connect("autodoc-skip-member", skip_fields)
    app.connect("autodoc-process-signature", show_arguments)
    # Before napoleon, which uses the default priority of 500, takes the sections apart.
    app.connect("autodoc-process-docstring", show_equations, priority=400)
