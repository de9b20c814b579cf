"""Learning curves, predictions, token frequencies, comparisons and alignment heat maps.

Figures are made as objects, without `pyplot`: no window, no backend and no global setting is
touched, and a server without a screen draws them as well as a notebook.
"""

from __future__ import annotations

import functools
import math
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from matplotlib import font_manager
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter, MaxNLocator

from tf_seq2seq.errors import InputError

if TYPE_CHECKING:
    import keras

DPI = 150
CELL = 0.3  # inches of the side of one cell of a heat map

CHINESE_FONTS = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Noto Sans CJK JP",  # the face that matplotlib sees in Noto's collection of all languages
    "PingFang SC",
    "Hiragino Sans GB",
    "Heiti SC",
    "Heiti TC",
    "STHeiti",
    "Microsoft YaHei",
    "SimHei",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "Noto Serif CJK SC",
    "Noto Serif CJK JP",
    "Arial Unicode MS",
    "SimSun",
    "AR PL UMing CN",
    "AR PL UKai CN",
)
CHINESE_FONT_FILE = re.compile(
    r"noto.*cjk|noto.*sc\b|sourcehan|pingfang|hiragino|heiti|msyh|simhei|simsun|wqy|droid.*fallback"
    r"|arial.*unicode|uming|ukai",
    re.IGNORECASE,
)
CHINESE_CHARACTER = re.compile(
    "[\u2e80-\u303f\u3100-\u312f\u31c0-\u31ef\u3400-\u9fff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef"
    "\U00020000-\U0003ffff]"
)


def learning_curves(
    history: Mapping[str, Sequence[float]] | keras.callbacks.History,
    title: str | None = None,
    reference: Mapping[str, Sequence[float]] | None = None,
    reference_label: str = "reference",
) -> Figure:
    """Draws each metric of a training run over the epochs, training and validation together.

    A perplexity that falls to less than a tenth gets a logarithmic axis, or its last epochs would
    all look alike.

    Args:
        history: what `fit` returns, or its `history`: the values of each metric, one an epoch; a
            name that starts with `val_` is the validation curve of the metric it ends with.
        title: a line above the figure.
        reference: curves of another run, by the same names, drawn dashed beside these.
        reference_label: what to call that run.

    Returns:
        A figure with one panel for each metric; save it with `figure.savefig(path)`.

    Raises:
        InputError: if `history` holds no value.

    Example:

    ```python
    learning_curves(model.fit(train, validation_data=dev, epochs=5)).savefig("curves.png")
    ```
    """
    curves = getattr(history, "history", history)
    curves = {name: values for name, values in curves.items() if len(values)}
    if not curves:
        raise InputError("The history holds no epoch: train for at least one epoch.")
    # A run that was resumed does not start at epoch 0.
    first_epoch = 1 + next(iter(getattr(history, "epoch", None) or [0]))

    metrics = list(dict.fromkeys(name.removeprefix("val_") for name in curves))
    columns = min(len(metrics), 3)
    rows = math.ceil(len(metrics) / columns)
    figure = Figure(figsize=(4 * columns, 3 * rows), dpi=DPI, layout="constrained")
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for panel in panels[len(metrics) :]:
        panel.remove()
    for panel, metric in zip(panels[: len(metrics)], metrics, strict=True):
        for name, label, color in (
            (metric, "training", "tab:blue"),
            (f"val_{metric}", "validation", "tab:orange"),
        ):
            if name not in curves:
                continue
            values = curves[name]
            epochs = range(first_epoch, first_epoch + len(values))
            # A single epoch makes no line; its dot is all there is to see.
            marker = "o" if len(values) <= 20 else None
            panel.plot(epochs, values, color=color, marker=marker, markersize=4, label=label)
            if reference and name in reference:
                others = reference[name]
                dashed = {"linestyle": "--", "alpha": 0.7, "label": f"{label}, {reference_label}"}
                panel.plot(range(1, 1 + len(others)), others, color=color, **dashed)
        panel.set_title(metric.replace("_", " "))
        panel.set_xlabel("epoch")
        panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        low, high = panel.dataLim.intervaly
        if metric.endswith("perplexity") and high > 10 * low > 0:
            panel.set_yscale("log")
            panel.yaxis.set_major_formatter(LogFormatter())  # 100 rather than 10²
            panel.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))
        panel.grid(which="both", alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
        panel.legend(frameon=False)
    if title:
        _set_font(figure.suptitle(*_drawable(title)))
    return figure


def step_losses(
    curves: Mapping[str, Sequence[float]],
    points: Mapping[int, float] | None = None,
    points_label: str = "printed in the book",
    window: int = 20,
    title: str | None = None,
) -> Figure:
    """Draws the cost of each training step, pale, and its running mean.

    The axis of the costs ends a little above the highest running mean: spikes that are higher
    leave the picture.

    Args:
        curves: the costs of one or several trainings, by the name that stands in the legend.
        points: costs to compare with, by their step, drawn as dots.
        points_label: what the legend calls them.
        window: over how many steps the running mean goes.
        title: a line above the figure.

    Returns:
        A figure; save it with `figure.savefig(path)`.

    Raises:
        InputError: if there is no curve, or one without a step.

    Example:

    ```python
    step_losses({"here": history.step_losses}, {0: 8.29, 1802: 3.71}).savefig("losses.png")
    ```
    """
    if not curves or not all(map(len, curves.values())):
        raise InputError("There is no cost to draw: train for at least one step.")
    figure = Figure(figsize=(7, 4), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    top = max((points or {}).values(), default=0.0)
    for name, costs in curves.items():
        costs = np.asarray(costs, float)
        width = min(window, len(costs))
        mean = np.convolve(costs, np.full(width, 1 / width), "valid")
        # The mean of the steps that a point of the curve closes.
        (line,) = axes.plot(np.arange(width - 1, len(costs)), mean, label=name, zorder=3)
        axes.plot(costs, color=line.get_color(), alpha=0.25, linewidth=0.8)
        top = max(top, mean.max())
    if points:
        dots = {"color": "black", "marker": "o", "linestyle": "none", "zorder": 4}
        axes.plot(list(points), list(points.values()), label=points_label, **dots)
    axes.set(xlabel="step", ylabel="cost of a token, nats", ylim=(0, 1.15 * top))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    _set_font(*axes.legend(frameon=False).get_texts())
    if title:
        _set_font(figure.suptitle(*_drawable(title)))
    return figure


def prediction(
    x: Sequence[float], truth: Sequence[float], predicted: Sequence[float], title: str | None = None
) -> Figure:
    """Draws a predicted curve over the true one, and below them what they differ by.

    Args:
        x: where each value stands, `(n,)`.
        truth: the true values, `(n,)`.
        predicted: the predicted values, `(n,)`.
        title: a line above the figure.

    Returns:
        A figure with two panels; save it with `figure.savefig(path)`.

    Raises:
        InputError: if the three are not of one length, or empty.

    Example:

    ```python
    prediction(t, np.sin(t), network.predict(windows)[:, 0]).savefig("prediction.png")
    ```
    """
    x, truth, predicted = map(np.asarray, (x, truth, predicted))
    if not (x.shape == truth.shape == predicted.shape == (x.size,)) or not x.size:
        raise InputError(
            f"Got x of shape {x.shape}, truth of {truth.shape} and predicted of {predicted.shape}: "
            "give three sequences of one length, at least 1."
        )
    figure = Figure(figsize=(7, 4.5), dpi=DPI, layout="constrained")
    curves, errors = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    # The truth wide and pale, or an exact prediction would hide it.
    curves.plot(x, truth, color="tab:blue", alpha=0.35, linewidth=5, label="truth")
    curves.plot(x, predicted, color="tab:orange", label="prediction")
    curves.legend(frameon=False)
    errors.axhline(0, color="0.7", linewidth=0.8)
    errors.plot(x, predicted - truth, color="tab:red")
    errors.set_ylabel("prediction − truth")
    for panel in (curves, errors):
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    if title:
        _set_font(figure.suptitle(*_drawable(title)))
    return figure


def token_frequencies(
    counts: Mapping[str, Sequence[int]], kept: Mapping[str, int], title: str | None = None
) -> Figure:
    """Draws how often tokens occur, and how much of its text a vocabulary covers.

    Args:
        counts: for each text, by its name, how often each token occurs, in descending order.
        kept: for each text, how many tokens its vocabulary keeps; a dot on the curves.
        title: a line above the figure.

    Returns:
        A figure with two panels; save it with `figure.savefig(path)`.

    Example:

    ```python
    token_frequencies({"Treebank": list(vocabulary.counts.values())}, {"Treebank": 10_000})
    ```
    """
    figure = Figure(figsize=(10, 4), dpi=DPI, layout="constrained")
    frequencies, coverage = figure.subplots(1, 2)
    for name, occurrences in counts.items():
        occurrences = np.asarray(occurrences)
        ranks = np.arange(1, len(occurrences) + 1)
        dot = {"label": name, "marker": "o", "markevery": [kept[name] - 1]}
        frequencies.plot(ranks, occurrences, **dot)
        coverage.plot(ranks, 100 * np.cumsum(occurrences) / occurrences.sum(), **dot)

    frequencies.set(xscale="log", yscale="log", xlabel="rank", ylabel="occurrences")
    coverage.set(xscale="log", xlabel="tokens kept (dot: the vocabulary)")
    coverage.set(ylabel="% of the text", ylim=(0, 105))
    for panel in (frequencies, coverage):
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    legend = frequencies.legend(labels=_drawable(*counts), frameon=False)
    _set_font(*legend.get_texts())
    if title:
        _set_font(figure.suptitle(*_drawable(title)))
    return figure


class Panel(NamedTuple):
    """One panel of a `comparison`.

    Args:
        title: what stands above it.
        xlabel: what `x` is.
        x: `n` numbers, or `n` names of groups.
        curves: for each competitor, by its name, float `(runs, n)`: a row for each of its runs. NaN
            leaves a gap.
    """

    title: str
    xlabel: str
    x: Sequence[float] | Sequence[str]
    curves: Mapping[str, Sequence[Sequence[float]]]


def comparison(panels: Sequence[Panel], ylabel: str, title: str | None = None) -> Figure:
    """Draws the mean of several runs of each competitor, on a band from the least to the greatest.

    Args:
        panels: one or more, side by side; a competitor has the same look in all of them.
        ylabel: what all panels show, from 0 to 100.
        title: a line above the figure.

    Returns:
        A figure with the competitors' names beside the panels; save it with `figure.savefig(path)`.

    Raises:
        InputError: if there is no panel, or curves of other than `n` points.

    Example:

    ```python
    scores = {"ours": [[30.0, 28.0], [32.0, 29.0]], "theirs": [[25.0, 20.0]]}
    comparison([Panel("dev", "words", ["1-10", "11-"], scores)], "BLEU").savefig("scores.png")
    ```
    """
    names = list(dict.fromkeys(name for panel in panels for name in panel.curves))
    if not names:
        raise InputError("There is nothing to compare: give at least one panel with a curve.")
    figure = Figure(figsize=(3.4 * len(panels) + 2.6, 3.6), dpi=DPI, layout="constrained")
    lines = {}
    for axes, panel in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False).flat, panels, strict=True
    ):
        for name, runs in panel.curves.items():
            runs = np.asarray(runs, dtype=float)
            if runs.ndim != 2 or runs.shape[1] != len(panel.x) or not runs.size:
                raise InputError(
                    f"The curves of {name!r} have the shape {runs.shape} over {len(panel.x)} "
                    f"points: give one or more runs, ({len(panel.x)},) each."
                )
            number = names.index(name)
            look = {"color": f"C{number}", "marker": "osD^vP*X"[number % 8], "markersize": 4.5}
            (lines[name],) = axes.plot(panel.x, runs.mean(axis=0), **look)
            if len(runs) > 1:
                low, high = runs.min(axis=0), runs.max(axis=0)
                axes.fill_between(panel.x, low, high, color=f"C{number}", alpha=0.18, linewidth=0)
        axes.set(xlabel=panel.xlabel, ylim=(-3, 103))
        _set_font(axes.set_title(*_drawable(panel.title)))
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.label_outer()
    figure.axes[0].set_ylabel(ylabel)
    legend = figure.legend(
        [lines[name] for name in names],
        _drawable(*names),
        loc="outside right center",
        frameon=False,
    )
    _set_font(*legend.get_texts())
    if title:
        _set_font(figure.suptitle(*_drawable(title)))
    return figure


class Curve(NamedTuple):
    """A measured quantity over the values of an option, for `curves`.

    Args:
        title: what stands above it.
        xlabel, ylabel: the option and the quantity.
        x: the `n` values of the option, numbers or names.
        y: what was measured, `n` numbers.
    """

    title: str
    xlabel: str
    ylabel: str
    x: Sequence[float] | Sequence[str]
    y: Sequence[float]


def curves(panels: Sequence[Curve]) -> Figure:
    """Draws curves of different quantities side by side, each on a scale of its own.

    Args:
        panels: the curves, at least one.

    Returns:
        A figure; save it with `figure.savefig(path)`.

    Raises:
        InputError: if there is no curve, or one without points or with a point too many.

    Example:

    ```python
    curves([Curve("quality", "beam width", "BLEU", [1, 2, 5], [30.0, 31.2, 31.9])])
    ```
    """
    if not panels:
        raise InputError("There is nothing to draw: give at least one curve.")
    figure = Figure(figsize=(2.9 * len(panels), 3.2), dpi=DPI, layout="constrained")
    for axes, panel in zip(
        figure.subplots(1, len(panels), squeeze=False).flat, panels, strict=True
    ):
        if len(panel.x) != len(panel.y) or not len(panel.x):
            raise InputError(
                f"The curve of {panel.ylabel!r} over {panel.xlabel!r} has {len(panel.x)} values "
                f"of x and {len(panel.y)} of y: give as many, at least one."
            )
        axes.plot(panel.x, panel.y, color="C0", marker="o", markersize=4.5)
        axes.set(xlabel=panel.xlabel, ylabel=panel.ylabel)
        _set_font(axes.set_title(*_drawable(panel.title)))
        axes.margins(y=0.2)
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def alignment(
    source_tokens: Sequence[str],
    target_tokens: Sequence[str],
    weights: np.ndarray,
    title: str | None = None,
) -> Figure:
    """Draws the attention weights of one sentence: from where each target token took its context.

    Args:
        source_tokens: the tokens of the source sentence, across.
        target_tokens: the tokens of its translation, down.
        weights: float `(target_tokens, source_tokens)`, 0 to 1; a row sums to 1.
        title: a line above the heat map.

    Returns:
        A figure as large as the sentences need; save it with `figure.savefig(path)`.

    Raises:
        InputError: if a side is empty or the shape of the weights is another.

    Example:

    ```python
    alignment(["a", "black", "cat"], ["一", "只", "黑", "猫"], weights).savefig("alignment.png")
    ```
    """
    weights = np.asarray(weights)
    expected = (len(target_tokens), len(source_tokens))
    if weights.shape != expected or 0 in expected:
        raise InputError(
            f"weights has shape {weights.shape} for {expected[0]} target and {expected[1]} source "
            "tokens: give a (target_tokens, source_tokens) matrix of at least one token a side."
        )
    height, width = CELL * np.array(expected)
    # An axes of this size; the room that the labels take around it is measured at the end.
    figure = Figure(figsize=(width, height), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")

    axes.set_xticks(range(expected[1]), labels=_drawable(*source_tokens))
    axes.set_yticks(range(expected[0]), labels=_drawable(*target_tokens))
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=2)
    axes.set_xticks(np.arange(0.5, expected[1] - 1), minor=True)
    axes.set_yticks(np.arange(0.5, expected[0] - 1), minor=True)
    axes.grid(which="minor", color="0.9", linewidth=0.5)
    axes.tick_params(which="minor", length=0)

    for label in axes.get_xticklabels():
        # Only a character or two fits above a column without being turned.
        label.set_rotation(90 if len(label.get_text()) > 2 else 0)
    _set_font(*axes.get_xticklabels(), *axes.get_yticklabels())
    if title:
        _set_font(axes.set_title(*_drawable(title), loc="left"))
    bar = axes.inset_axes((1 + 0.15 / width, 0, 0.12 / width, 1))
    figure.colorbar(image, cax=bar, label="attention weight", ticks=np.linspace(0, 1, 3))
    _fit_around(figure, axes, margin=0.1)
    return figure


def _fit_around(figure: Figure, axes, margin: float) -> None:
    """Enlarges the figure to hold the axes, at its present size, with all that stands around it."""
    width, height = figure.get_size_inches()
    box = axes.get_tightbbox().transformed(figure.dpi_scale_trans.inverted()).padded(margin)
    figure.set_size_inches(box.width, box.height)
    axes.set_position(
        (-box.x0 / box.width, -box.y0 / box.height, width / box.width, height / box.height)
    )


def _drawable(*texts: str) -> list[str]:
    """Puts boxes for Chinese characters if there is no font to draw them with, and warns."""
    if any(map(CHINESE_CHARACTER.search, texts)) and _chinese_font() is None:
        _warn_of_missing_font()
        # What matplotlib would draw anyway, less a warning for every character.
        return [CHINESE_CHARACTER.sub("□", text) for text in texts]
    return list(texts)


def _set_font(*labels: Text) -> None:
    """Gives Chinese labels a font that holds their characters, and takes a `$` for a dollar."""
    chinese = [label for label in labels if CHINESE_CHARACTER.search(label.get_text())]
    font = _chinese_font() if chinese else None
    for label in labels:
        label.set_parse_math(False)
    for label in chinese:
        label.set_fontproperties(FontProperties(fname=font, size=label.get_fontsize()))


def _chinese_font() -> str | None:
    """The file of a font on this machine that holds Chinese characters, regular if there is one."""

    def known():
        for name in CHINESE_FONTS:
            faces = [face for face in font_manager.fontManager.ttflist if face.name == name]
            if faces:
                return min(faces, key=lambda face: face.weight not in (400, "normal")).fname
        return None

    if known() is None:
        # matplotlib lists the fonts once and keeps the list; one may have been installed since.
        for path in font_manager.findSystemFonts():
            if CHINESE_FONT_FILE.search(Path(path).name):
                font_manager.fontManager.addfont(path)
    return known()


@functools.cache
def _warn_of_missing_font() -> None:
    """Warns once in a process."""
    warnings.warn(
        "No font with Chinese characters found: install one, e.g. "
        "`apt-get install fonts-noto-cjk`.",
        stacklevel=4,
    )
