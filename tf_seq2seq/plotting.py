"""Plots of training, predictions, token frequencies, comparisons and alignments.

Figures are created without `pyplot`: they do not need a window, choose a backend or change global
settings, so they work on a server as well as in a notebook.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text
from matplotlib.ticker import LogFormatter, MaxNLocator
from matplotlib.transforms import Bbox

from tf_seq2seq import fonts
from tf_seq2seq.checks import check_integer
from tf_seq2seq.errors import InputError
from tf_seq2seq.strings import check_not_one_string

if TYPE_CHECKING:
    import keras

    from tf_seq2seq.training import History

DPI = 150
CELL = 0.3
"""Side of a cell of a heat map, in inches."""


def learning_curves(
    history: Mapping[str, Sequence[float]] | History | keras.callbacks.History,
    title: str | None = None,
    reference: Mapping[str, Sequence[float]] | None = None,
    reference_label: str = "reference",
) -> Figure:
    """Plot each metric of a training run over the epochs, training and validation together.

    A perplexity that falls to less than a tenth gets a logarithmic axis; on a linear one its last
    epochs would all look the same.

    Args:
        history: the result of `fit`, or its `history`: the values of each metric, one per epoch.
            A name that starts with `val_` is the validation curve of the metric named after it.
        title: a line above the figure.
        reference: curves of another run, under the same names, drawn as dashed lines.
        reference_label: the name of that run in the legend.

    Returns:
        A figure with one panel for each metric; save it with `figure.savefig(path)`.

    Raises:
        InputError: if `history` contains no values.

    Example:

    >>> figure = learning_curves({"loss": [3.0, 2.0], "val_loss": [3.1, 2.4]})
    >>> figure.savefig(tmp_path / "curves.png")
    """
    recorded: Any = getattr(history, "history", history)
    curves = {name: values for name, values in recorded.items() if len(values)}
    if not curves:
        raise InputError("The history contains no epochs: train for at least one epoch.")
    # A resumed run does not start at epoch 0.
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
            # A single epoch would make an invisible line.
            marker = "o" if len(values) <= 20 else None
            panel.plot(epochs, values, color=color, marker=marker, markersize=4, label=label)
            if reference and name in reference:
                others = reference[name]
                label = f"{label}, {reference_label}"
                steps = range(1, 1 + len(others))
                panel.plot(steps, others, color=color, linestyle="--", alpha=0.7, label=label)
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
    _set_title(figure, title)
    return figure


def step_losses(
    curves: Mapping[str, Sequence[float]],
    points: Mapping[int, float] | None = None,
    points_label: str = "reference",
    window: int = 20,
    title: str | None = None,
) -> Figure:
    """Plot the loss of each training step in a pale color, and its moving average.

    The axis of the losses ends slightly above the highest moving average or point; higher spikes
    are cut off.

    Args:
        curves: the losses of one or more training runs, by their names in the legend.
        points: losses to compare with, by step, drawn as dots.
        points_label: the name of `points` in the legend.
        window: number of steps that are averaged, at least 1.
        title: a line above the figure.

    Returns:
        A figure; save it with `figure.savefig(path)`.

    Raises:
        InputError: if there are no curves, a curve has no steps, or `window` is out of range.

    Example:

    >>> figure = step_losses({"here": [8.3, 6.0, 4.1]}, {0: 8.29, 2: 3.71}, window=2)
    """
    window = check_integer("window", window, minimum=1)
    if not curves or not all(map(len, curves.values())):
        raise InputError("There is no loss to plot: train for at least one step.")
    figure = Figure(figsize=(7, 4), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    top = max((points or {}).values(), default=0.0)
    for name, curve in curves.items():
        losses = np.asarray(curve, float)
        width = min(window, len(losses))
        mean = np.convolve(losses, np.full(width, 1 / width), "valid")
        # Each mean is drawn at the last of its steps.
        (line,) = axes.plot(np.arange(width - 1, len(losses)), mean, label=name, zorder=3)
        axes.plot(losses, color=line.get_color(), alpha=0.25, linewidth=0.8)
        top = max(top, mean.max())
    if points:
        dots: dict[str, Any] = {"color": "black", "marker": "o", "linestyle": "none", "zorder": 4}
        axes.plot(list(points), list(points.values()), label=points_label, **dots)
    axes.set(xlabel="step", ylabel="loss per token, nats", ylim=(0, 1.15 * top))
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    _set_legend(axes.legend(frameon=False))
    _set_title(figure, title)
    return figure


def prediction(
    x: Sequence[float], truth: Sequence[float], predicted: Sequence[float], title: str | None = None
) -> Figure:
    """Plot a predicted curve over the true one, with their difference below.

    Args:
        x: the position of each value, `(n,)`.
        truth: the true values, `(n,)`.
        predicted: the predicted values, `(n,)`.
        title: a line above the figure.

    Returns:
        A figure with two panels; save it with `figure.savefig(path)`.

    Raises:
        InputError: if the three have different lengths or are empty.

    Example:

    >>> t = np.linspace(0, 6, 50)
    >>> figure = prediction(t, np.sin(t), np.sin(t) + 0.1)
    """
    xs, true, guess = (np.asarray(values) for values in (x, truth, predicted))
    if not (xs.shape == true.shape == guess.shape == (xs.size,)) or not xs.size:
        raise InputError(
            f"Got x, truth and predicted of shapes {xs.shape}, {true.shape} and {guess.shape}: "
            "pass three sequences of the same length, at least 1."
        )
    figure = Figure(figsize=(7, 4.5), dpi=DPI, layout="constrained")
    curves, errors = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    # The truth is wide and pale, so that an exact prediction does not hide it.
    curves.plot(xs, true, color="tab:blue", alpha=0.35, linewidth=5, label="truth")
    curves.plot(xs, guess, color="tab:orange", label="prediction")
    curves.legend(frameon=False)
    errors.axhline(0, color="0.7", linewidth=0.8)
    errors.plot(xs, guess - true, color="tab:red")
    errors.set_ylabel("prediction − truth")
    for panel in (curves, errors):
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    _set_title(figure, title)
    return figure


def token_frequencies(
    counts: Mapping[str, Sequence[int]], kept: Mapping[str, int], title: str | None = None
) -> Figure:
    """Plot how often tokens occur, and how much of the text a vocabulary covers.

    Args:
        counts: for each text, by name, the number of occurrences of each token, in descending
            order.
        kept: for each text, the number of tokens in its vocabulary; a dot on the curves.
        title: a line above the figure.

    Returns:
        A figure with two panels; save it with `figure.savefig(path)`.

    Raises:
        InputError: if there is no text, or a text has no tokens or no entry in `kept`.

    Example:

    >>> figure = token_frequencies({"corpus": [50, 30, 20, 1]}, {"corpus": 2})
    """
    if not counts or counts.keys() != kept.keys() or not all(map(len, counts.values())):
        raise InputError(
            f"There are counts for the texts {list(counts)} and numbers of kept tokens for "
            f"{list(kept)}: pass both for the same texts, each with at least one token."
        )
    figure = Figure(figsize=(10, 4), dpi=DPI, layout="constrained")
    frequencies, coverage = figure.subplots(1, 2)
    for name, numbers in counts.items():
        occurrences = np.asarray(numbers)
        ranks = np.arange(1, len(occurrences) + 1)
        dot: dict[str, Any] = {"label": name, "marker": "o", "markevery": [kept[name] - 1]}
        frequencies.plot(ranks, occurrences, **dot)
        coverage.plot(ranks, 100 * np.cumsum(occurrences) / occurrences.sum(), **dot)

    frequencies.set(xscale="log", yscale="log", xlabel="rank", ylabel="occurrences")
    coverage.set(xscale="log", xlabel="tokens kept (dot: the vocabulary)")
    coverage.set(ylabel="% of the text", ylim=(0, 105))
    for panel in (frequencies, coverage):
        panel.grid(alpha=0.3)
        panel.spines[["top", "right"]].set_visible(False)
    _set_legend(frequencies.legend(frameon=False))
    _set_title(figure, title)
    return figure


class Panel(NamedTuple):
    """One panel of a `comparison`.

    Args:
        title: the line above it.
        xlabel: the label of `x`.
        x: `n` numbers, or `n` names of groups.
        curves: for each competitor, by name, float `(runs, n)`, a row per run. NaN leaves a gap.
    """

    title: str
    xlabel: str
    x: Sequence[float] | Sequence[str]
    curves: Mapping[str, Sequence[Sequence[float]]]


def comparison(panels: Sequence[Panel], ylabel: str, title: str | None = None) -> Figure:
    """Plot the mean of each competitor's runs, with a band from minimum to maximum.

    Args:
        panels: one or more, side by side; a competitor has the same color and marker in all.
        ylabel: the quantity of all panels, from 0 to 100.
        title: a line above the figure.

    Returns:
        A figure with a legend next to the panels; save it with `figure.savefig(path)`.

    Raises:
        InputError: if there is no curve, or a curve does not have `n` points.

    Example:

    >>> scores = {"ours": [[30.0, 28.0], [32.0, 29.0]], "theirs": [[25.0, 20.0]]}
    >>> figure = comparison([Panel("dev", "words", ["1-10", "11-"], scores)], "BLEU")
    """
    names = list(dict.fromkeys(name for panel in panels for name in panel.curves))
    if not names:
        raise InputError("There is nothing to compare: pass at least one panel with a curve.")
    figure = Figure(figsize=(3.4 * len(panels) + 2.6, 3.6), dpi=DPI, layout="constrained")
    lines = {}
    for axes, panel in zip(
        figure.subplots(1, len(panels), sharey=True, squeeze=False).flat, panels, strict=True
    ):
        for name, curve in panel.curves.items():
            runs = np.asarray(curve, dtype=float)
            if runs.ndim != 2 or runs.shape[1] != len(panel.x) or not runs.size:
                raise InputError(
                    f"The curves of {name!r} have the shape {runs.shape} over {len(panel.x)} "
                    f"points: pass an array of shape (runs, {len(panel.x)}), with at least one run."
                )
            number = names.index(name)
            color, marker = f"C{number}", "osD^vP*X"[number % 8]
            (lines[name],) = axes.plot(
                panel.x, runs.mean(axis=0), color=color, marker=marker, markersize=4.5
            )
            if len(runs) > 1:
                low, high = runs.min(axis=0), runs.max(axis=0)
                axes.fill_between(panel.x, low, high, color=color, alpha=0.18, linewidth=0)
        axes.set(xlabel=panel.xlabel, ylim=(-3, 103))
        _set_title(axes, panel.title)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.label_outer()
    figure.axes[0].set_ylabel(ylabel)
    handles = [lines[name] for name in names]
    _set_legend(figure.legend(handles, names, loc="outside right center", frameon=False))
    _set_title(figure, title)
    return figure


def bars(
    names: Sequence[str],
    series: Mapping[str, Sequence[float]],
    ylabel: str,
    title: str | None = None,
    intervals: Mapping[str, Sequence[float]] | None = None,
) -> Figure:
    """Plot the values of each series as bars, next to one another for each name.

    Args:
        names: `n` names of groups, such as systems.
        series: for each series, by name, `n` numbers that are not negative.
        ylabel: the quantity.
        title: a line above the figure.
        intervals: for each series, half the widths of `n` confidence intervals; None for none.

    Returns:
        A figure with the values above the bars; save it with `figure.savefig(path)`.

    Raises:
        InputError: if `names` or `series` is empty, or a series or its intervals do not have `n`
            numbers.

    Example:

    >>> figure = bars(["before", "after"], {"news": [20.0, 18.5], "talks": [9.0, 15.0]}, "BLEU")
    """
    if not names or not series:
        raise InputError("There is nothing to plot: pass at least one name and one series.")
    intervals = {} if intervals is None else intervals
    figure = Figure(figsize=(max(4.0, 1.7 * len(names) + 1), 3.6), dpi=DPI, layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(series)
    places = np.arange(len(names)) - 0.4 + width / 2
    for number, (name, values) in enumerate(series.items()):
        for numbers in (values, intervals.get(name, values)):
            if len(numbers) != len(names):
                raise InputError(
                    f"The series {name!r} has {len(numbers)} numbers for {len(names)} names: pass "
                    "one for each."
                )
        drawn = axes.bar(
            places + number * width,
            values,
            width,
            label=name,
            yerr=intervals.get(name),
            error_kw={"ecolor": "0.3", "capsize": 3, "elinewidth": 1},
        )
        axes.bar_label(drawn, fmt="%.1f", padding=2, fontsize=8)
    axes.set_xticks(np.arange(len(names)), fonts.drawable(*names))
    _set_fonts(*axes.get_xticklabels())
    axes.set_ylabel(ylabel)
    axes.margins(y=0.12)
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    _set_legend(figure.legend(loc="outside right upper", frameon=False))
    _set_title(figure, title)
    return figure


class Curve(NamedTuple):
    """A measured quantity over the values of an option, for `curves`.

    Args:
        title: the line above it.
        xlabel, ylabel: the option and the quantity.
        x: the `n` values of the option, numbers or names.
        y: the measured values, `n` numbers.
    """

    title: str
    xlabel: str
    ylabel: str
    x: Sequence[float] | Sequence[str]
    y: Sequence[float]


def curves(panels: Sequence[Curve]) -> Figure:
    """Plot curves of different quantities side by side, each with its own scale.

    Args:
        panels: the curves, at least one.

    Returns:
        A figure; save it with `figure.savefig(path)`.

    Raises:
        InputError: if there is no curve, a curve has no point, or x and y differ in length.

    Example:

    >>> figure = curves([Curve("quality", "beam width", "BLEU", [1, 2, 5], [30.0, 31.2, 31.9])])
    """
    if not panels:
        raise InputError("There is nothing to plot: pass at least one curve.")
    figure = Figure(figsize=(2.9 * len(panels), 3.2), dpi=DPI, layout="constrained")
    for axes, panel in zip(
        figure.subplots(1, len(panels), squeeze=False).flat, panels, strict=True
    ):
        if len(panel.x) != len(panel.y) or not len(panel.x):
            raise InputError(
                f"The curve of {panel.ylabel!r} over {panel.xlabel!r} has {len(panel.x)} values "
                f"of x and {len(panel.y)} of y: pass the same number of both, at least one."
            )
        axes.plot(panel.x, panel.y, color="C0", marker="o", markersize=4.5)
        axes.set(xlabel=panel.xlabel, ylabel=panel.ylabel)
        _set_title(axes, panel.title)
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
    """Plot the attention weights of a sentence: which source tokens each target token attends to.

    Args:
        source_tokens: the tokens of the source sentence, across.
        target_tokens: the tokens of its translation, down.
        weights: float `(target_tokens, source_tokens)`, 0 to 1; a row sums to 1.
        title: a line above the heat map.

    Returns:
        A figure sized to fit the sentences; save it with `figure.savefig(path)`.

    Raises:
        InputError: if a side is empty or the weights have the wrong shape.
        TypeError: if a side is one string instead of a list of tokens.

    Example:

    >>> figure = alignment(["black", "cat"], ["chat", "noir"], [[0.1, 0.9], [0.8, 0.2]])
    >>> figure.savefig(tmp_path / "alignment.png")
    """
    check_not_one_string("source_tokens", source_tokens)
    check_not_one_string("target_tokens", target_tokens)
    weights = np.asarray(weights)
    expected = (len(target_tokens), len(source_tokens))
    if weights.shape != expected or 0 in expected:
        raise InputError(
            f"`weights` has the shape {weights.shape} for {expected[0]} target and {expected[1]} "
            "source tokens: pass a (target_tokens, source_tokens) matrix with at least one token "
            "on each side."
        )
    height, width = CELL * np.array(expected)
    # The axes keep this size; the figure is enlarged to fit the labels at the end.
    figure = Figure(figsize=(width, height), dpi=DPI)
    axes = figure.add_axes((0, 0, 1, 1))
    image = axes.imshow(weights, cmap="Blues", vmin=0, vmax=1, aspect="auto")

    axes.set_xticks(range(expected[1]), labels=fonts.drawable(*source_tokens))
    axes.set_yticks(range(expected[0]), labels=fonts.drawable(*target_tokens))
    axes.tick_params(top=True, labeltop=True, bottom=False, labelbottom=False, length=2)
    axes.set_xticks(np.arange(0.5, expected[1] - 1), minor=True)
    axes.set_yticks(np.arange(0.5, expected[0] - 1), minor=True)
    axes.grid(which="minor", color="0.9", linewidth=0.5)
    axes.tick_params(which="minor", length=0)

    for label in axes.get_xticklabels():
        # Only one or two characters fit above a column unrotated.
        label.set_rotation(90 if len(label.get_text()) > 2 else 0)
    _set_fonts(*axes.get_xticklabels(), *axes.get_yticklabels())
    _set_title(axes, title, loc="left")
    bar = axes.inset_axes((1 + 0.15 / width, 0, 0.12 / width, 1))
    figure.colorbar(image, cax=bar, label="attention weight", ticks=np.linspace(0, 1, 3))
    _fit_around(figure, axes, margin=0.1)
    return figure


def _fit_around(figure: Figure, axes: Axes, margin: float) -> None:
    """Enlarge the figure to fit the axes, at their current size, and everything around them."""
    width, height = figure.get_size_inches()
    in_pixels = cast(Bbox, axes.get_tightbbox())
    box = in_pixels.transformed(figure.dpi_scale_trans.inverted()).padded(margin)
    figure.set_size_inches(box.width, box.height)
    axes.set_position(
        (-box.x0 / box.width, -box.y0 / box.height, width / box.width, height / box.height)
    )


def _set_title(target: Figure | Axes, title: str | None, **options: str) -> None:
    if title:
        set_title: Any = target.suptitle if isinstance(target, Figure) else target.set_title
        _set_fonts(set_title(*fonts.drawable(title), **options))


def _set_legend(legend: Legend) -> None:
    texts = legend.get_texts()
    for text, drawable in zip(texts, fonts.drawable(*(t.get_text() for t in texts)), strict=True):
        text.set_text(drawable)
    _set_fonts(*texts)


def _set_fonts(*labels: Text) -> None:
    """Set fonts for all scripts, and draw `$` as a dollar sign instead of starting a formula."""
    families = fonts.families(*(label.get_text() for label in labels))
    for label in labels:
        label.set_parse_math(False)
        label.set_fontfamily(families)
