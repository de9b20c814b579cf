"""Plots in files, and in the notebook if a chapter runs as one."""

from __future__ import annotations

import sys
from pathlib import Path

from matplotlib.figure import Figure


def show(figure: Figure, path: Path, title: str = "Plot: ") -> None:
    """Save a plot, print where it is, and show it below the cell of a notebook.

    Args:
        figure: the plot.
        path: the file to write.
        title: the words to print before the path.
    """
    figure.savefig(path)
    print(f"{title}{path}")
    if "ipykernel" in sys.modules:
        from IPython.display import Image, display

        display(Image(filename=path))
