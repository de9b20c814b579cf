import io
import warnings
from types import SimpleNamespace
from typing import ClassVar

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot

from tf_seq2seq import fonts, plotting
from tf_seq2seq.errors import InputError
from tf_seq2seq.plotting import (
    Curve,
    Panel,
    alignment,
    bars,
    comparison,
    curves,
    learning_curves,
    prediction,
    step_losses,
    token_frequencies,
)

HISTORY = {
    "loss": [7.0, 4.0, 3.0],
    "perplexity": [1097.0, 55.0, 20.0],
    "token_accuracy": [0.1, 0.4, 0.5],
    "val_loss": [6.0, 4.5, 3.5],
    "val_perplexity": [403.0, 90.0, 33.0],
}


def png(figure):
    """Draw the figure; any warning on the way fails the test."""
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure.savefig(file, format="png", dpi=30)
    return file.getvalue()


def drawn(text):
    """Return a label as it is drawn: with boxes where no font has the characters."""
    return fonts.drawable(text)[0]


def assert_nothing_is_clipped(figure):
    box = figure.get_tightbbox()
    width, height = figure.get_size_inches()
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= width
    assert box.y1 <= height


def uniform(target, source):
    return np.full((target, source), 1 / source)


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


@pytest.fixture(autouse=True)
def _quiet(monkeypatch):
    """Machines without a Chinese font draw boxes; `test_fonts` has the warning."""
    monkeypatch.setattr(fonts, "_warn_once", lambda characters: None)


class TestLearningCurves:
    def test_one_panel_for_a_metric_holds_both_curves(self):
        panels = learning_curves(HISTORY).axes
        assert [panel.get_title() for panel in panels] == ["loss", "perplexity", "token accuracy"]
        assert [len(panel.lines) for panel in panels] == [2, 2, 1]
        training, validation = panels[0].lines
        np.testing.assert_array_equal(training.get_xydata(), [[1, 7], [2, 4], [3, 3]])
        np.testing.assert_array_equal(validation.get_ydata(), [6, 4.5, 3.5])

    def test_a_perplexity_that_falls_far_is_logarithmic(self):
        assert [panel.get_yscale() for panel in learning_curves(HISTORY).axes] == [
            "linear",
            "log",
            "linear",
        ]
        (panel,) = learning_curves({"perplexity": [30.0, 20.0]}).axes
        assert panel.get_yscale() == "linear"

    def test_epochs_are_whole_numbers(self):
        for epochs in (1, 2, 3, 50):
            (panel,) = learning_curves({"loss": [1.0] * epochs}).axes
            assert all(tick == int(tick) for tick in panel.get_xticks())

    def test_one_epoch_is_a_dot(self):
        (panel,) = learning_curves({"loss": [1.0]}).axes
        assert panel.lines[0].get_marker() == "o"

    def test_takes_the_history_of_a_resumed_run(self):
        history = SimpleNamespace(history={"loss": [3.0, 2.0]}, epoch=[4, 5])
        (panel,) = learning_curves(history).axes
        np.testing.assert_array_equal(panel.lines[0].get_xdata(), [5, 6])

    def test_validation_only_and_more_than_a_row(self):
        figure = learning_curves({**HISTORY, "val_bleu": [1.0, 2.0, 3.0]}, title="第一次 $1 $2")
        assert len(figure.axes) == 4
        assert png(figure).startswith(b"\x89PNG")
        assert_nothing_is_clipped(figure)

    @pytest.mark.parametrize("history", [{}, {"loss": []}])
    def test_no_epoch(self, history):
        with pytest.raises(InputError, match="no epoch"):
            learning_curves(history)


class TestPrediction:
    def test_curves_above_and_their_difference_below(self):
        figure = prediction([0, 1, 2], [1.0, 2.0, 3.0], [1.0, 2.5, 2.0], title="$1 一")
        curves, errors = figure.axes
        truth, predicted = curves.lines
        np.testing.assert_array_equal(truth.get_xydata(), [[0, 1], [1, 2], [2, 3]])
        np.testing.assert_array_equal(predicted.get_ydata(), [1, 2.5, 2])
        np.testing.assert_array_equal(errors.lines[-1].get_ydata(), [0, 0.5, -1])
        png(figure)
        assert_nothing_is_clipped(figure)

    @pytest.mark.parametrize(
        ("x", "truth", "predicted"),
        [([0, 1], [1, 2], [[1], [2]]), ([0], [1, 2], [1, 2]), ([], [], [])],
    )
    def test_unequal_lengths(self, x, truth, predicted):
        with pytest.raises(InputError, match="three sequences of the same length"):
            prediction(x, truth, predicted)


class TestStepLosses:
    def test_running_mean_steps_and_points(self):
        figure = step_losses({"here": [9.0, 3.0, 6.0, 0.0]}, {0: 8.0, 3: 2.0}, window=3)
        png(figure)
        mean, steps, points = figure.axes[0].get_lines()
        np.testing.assert_allclose(mean.get_xdata(), [2, 3])
        np.testing.assert_allclose(mean.get_ydata(), [6, 3])
        np.testing.assert_allclose(steps.get_ydata(), [9, 3, 6, 0])
        np.testing.assert_allclose(points.get_xydata(), [[0, 8], [3, 2]])
        assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == [
            "here",
            "reference",
        ]

    def test_a_spike_does_not_set_the_axis(self):
        figure = step_losses({"a": [4.0] * 99 + [400.0], "b": [5.0] * 3}, window=50)
        png(figure)
        assert 10 < figure.axes[0].get_ylim()[1] < 20

    @pytest.mark.parametrize("window", [0, 1.5, True])
    def test_a_window_out_of_range(self, window):
        with pytest.raises(InputError, match="`window` must be an integer of at least 1"):
            step_losses({"a": [1.0]}, window=window)

    @pytest.mark.parametrize("curves", [{}, {"a": [1.0], "b": []}])
    def test_nothing_to_draw(self, curves):
        with pytest.raises(InputError, match="at least one step"):
            step_losses(curves)


class TestTokenFrequencies:
    def test_occurrences_and_the_share_of_the_text(self):
        counts = {"a": [50, 30, 20], "文": [6, 2, 1, 1]}
        figure = token_frequencies(counts, {"a": 3, "文": 2}, title="$1")
        frequencies, coverage = figure.axes
        np.testing.assert_array_equal(
            frequencies.lines[0].get_xydata(), [[1, 50], [2, 30], [3, 20]]
        )
        np.testing.assert_allclose(coverage.lines[0].get_ydata(), [50, 80, 100])
        np.testing.assert_allclose(coverage.lines[1].get_ydata(), [60, 80, 90, 100])
        assert [line.get_markevery() for line in coverage.lines] == [[2], [1]]
        assert (frequencies.get_xscale(), frequencies.get_yscale()) == ("log", "log")
        png(figure)
        assert_nothing_is_clipped(figure)

    @pytest.mark.parametrize(
        ("counts", "kept"), [({}, {}), ({"a": [1]}, {"b": 1}), ({"a": []}, {"a": 1})]
    )
    def test_no_text_or_another(self, counts, kept):
        with pytest.raises(InputError, match="for the same texts"):
            token_frequencies(counts, kept)


def test_a_reference_is_dashed_next_to_the_curves_of_its_name():
    history = {"perplexity": [9.0, 5.0, 4.0], "val_perplexity": [8.0, 6.0, 5.0], "loss": [2, 1, 1]}
    reference = {"perplexity": [10.0, 6.0], "val_perplexity": [9.0, 7.0], "test": 8.0}
    figure = learning_curves(history, reference=reference, reference_label="the book")
    perplexity, loss = figure.axes
    own, dashed, own_dev, dashed_dev = perplexity.lines
    np.testing.assert_array_equal(dashed.get_xydata(), [[1, 10], [2, 6]])
    np.testing.assert_array_equal(dashed_dev.get_ydata(), [9, 7])
    assert own.get_color() == dashed.get_color() != own_dev.get_color() == dashed_dev.get_color()
    assert dashed.get_linestyle() == "--"
    assert len(loss.lines) == 1
    png(figure)
    assert_nothing_is_clipped(figure)


class TestComparison:
    CURVES: ClassVar = {"c $1": [[10, 20, 30], [30, 20, 10]], "一": [[50, 60, np.nan]]}

    def test_a_line_of_the_means_on_a_band_from_least_to_greatest(self):
        figure = comparison([Panel("dev", "words", [1, 2, 4], self.CURVES)], "BLEU")
        (axes,) = figure.axes
        means, single = axes.lines
        np.testing.assert_array_equal(means.get_xydata(), [[1, 20], [2, 20], [4, 20]])
        np.testing.assert_array_equal(single.get_ydata(), [50, 60, np.nan])
        (band,) = axes.collections  # a single run has none
        corners = band.get_paths()[0].vertices
        assert {(1, 10), (1, 30), (2, 20), (4, 10), (4, 30)} == set(map(tuple, corners))
        assert (axes.get_xlabel(), axes.get_ylabel()) == ("words", "BLEU")

    def test_a_competitor_looks_the_same_in_all_panels(self):
        groups = ["1-5", "6-10", "11-"]
        panels = [
            Panel("two", "length", groups, self.CURVES),
            Panel("one", "length", groups, {"一": self.CURVES["一"]}),
        ]
        figure = comparison(panels, "BLEU", title="$2 一")
        assert png(figure).startswith(b"\x89PNG")
        assert_nothing_is_clipped(figure)
        two, one = figure.axes
        assert two.lines[1].get_color() == one.lines[0].get_color() != two.lines[0].get_color()
        assert two.lines[1].get_marker() == one.lines[0].get_marker()
        (legend,) = figure.legends
        assert [text.get_text() for text in legend.get_texts()] == ["c $1", drawn("一")]
        assert tick_labels(one.xaxis) == groups

    @pytest.mark.parametrize("runs", [[[1, 2]], [1, 2, 3], []])
    def test_a_wrong_number_of_points(self, runs):
        with pytest.raises(InputError, match=r"'ours' have the shape .* over 3 points"):
            comparison([Panel("dev", "words", [1, 2, 3], {"ours": runs})], "BLEU")

    @pytest.mark.parametrize("panels", [[], [Panel("dev", "words", [1], {})]])
    def test_nothing_to_compare(self, panels):
        with pytest.raises(InputError, match="at least one panel with a curve"):
            comparison(panels, "BLEU")


class TestBars:
    SERIES: ClassVar = {"新领域": [20.04, 0, 65.4], "first $x$": [50.0, 24.0, 34.2]}

    def test_a_bar_for_each_value_with_its_interval(self):
        names, intervals = ["from scratch", "旧", "new"], {"first $x$": [1.0, 2.0, 3.0]}
        figure = bars(names, self.SERIES, "BLEU", "both $ domains", intervals)
        (axes,) = figure.axes
        drawn_bars = [patch for patch in axes.patches if patch.get_width()]
        heights = [bar.get_height() for bar in drawn_bars]
        np.testing.assert_allclose(heights, [*self.SERIES["新领域"], *self.SERIES["first $x$"]])
        middles = [bar.get_x() + bar.get_width() / 2 for bar in drawn_bars]
        np.testing.assert_allclose(middles, [-0.2, 0.8, 1.8, 0.2, 1.2, 2.2], atol=1e-9)
        assert [text.get_text() for text in axes.texts][:3] == ["20.0", "0.0", "65.4"]
        assert tick_labels(axes.xaxis) == [drawn(name) for name in names]
        (lines,) = axes.collections
        reach = [(path.vertices[0, 1], path.vertices[1, 1]) for path in lines.get_paths()]
        np.testing.assert_allclose(reach, [(49, 51), (22, 26), (31.2, 37.2)])
        assert [text.get_text() for text in figure.legends[0].get_texts()] == [
            drawn(name) for name in self.SERIES
        ]
        assert png(figure).startswith(b"\x89PNG")
        assert_nothing_is_clipped(figure)

    def test_a_wrong_number_of_values(self):
        with pytest.raises(InputError, match="'a' has 1 numbers for 2 names: pass one for each"):
            bars(["x", "y"], {"a": [1]}, "BLEU")
        with pytest.raises(InputError, match="'a' has 3 numbers for 1 names"):
            bars(["x"], {"a": [1]}, "BLEU", intervals={"a": [1, 2, 3]})
        for names, series in (([], {"a": []}), (["x"], {})):
            with pytest.raises(InputError, match="at least one name and one series"):
                bars(names, series, "BLEU")


class TestCurves:
    PANELS = (
        Curve("quality", "beam width", "BLEU", ["1", "2", "10"], [30.1, 31.2, 31.0]),
        Curve("时间 $", "beam width", "times greedy", [1, 2, 10], [1, 1.5, 4]),
    )

    def test_each_on_its_own_scale(self):
        figure = curves(self.PANELS)
        quality, time = figure.axes
        np.testing.assert_allclose(quality.lines[0].get_ydata(), [30.1, 31.2, 31.0])
        np.testing.assert_allclose(time.lines[0].get_xydata(), [[1, 1], [2, 1.5], [10, 4]])
        assert (quality.get_xlabel(), quality.get_ylabel()) == ("beam width", "BLEU")
        assert time.get_title() == drawn("时间 $")
        assert quality.get_ylim()[0] > 20 > time.get_ylim()[1]
        assert png(figure).startswith(b"\x89PNG")
        assert tick_labels(quality.xaxis) == ["1", "2", "10"]
        assert_nothing_is_clipped(figure)

    def test_a_wrong_number_of_points(self):
        with pytest.raises(InputError, match="2 values of x and 1 of y"):
            curves([Curve("a", "b", "c", [1, 2], [1])])
        with pytest.raises(InputError, match="at least one"):
            curves([Curve("a", "b", "c", [], [])])
        with pytest.raises(InputError, match="at least one curve"):
            curves([])


class TestAlignment:
    def test_source_across_target_down(self):
        weights = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.5]])
        figure = alignment(["a", "black", "cat"], ["un", "chat"], weights, title="A black cat")
        axes = figure.axes[0]
        assert tick_labels(axes.xaxis) == ["a", "black", "cat"]
        assert tick_labels(axes.yaxis) == ["un", "chat"]
        (image,) = axes.images
        np.testing.assert_array_equal(image.get_array(), weights)
        assert image.get_clim() == (0, 1)
        assert axes.yaxis_inverted()

    @pytest.mark.parametrize("source,target", [(1, 1), (3, 40), (40, 2), (40, 40)])
    def test_grows_with_the_sentences_and_clips_nothing(self, source, target):
        words = ["internationalization", *["a"] * (source - 1)]
        figure = alignment(
            words, ["incomprehensibility"] * target, uniform(target, source), "T" * 9
        )
        png(figure)
        assert_nothing_is_clipped(figure)
        axes = figure.axes[0].get_window_extent().transformed(figure.dpi_scale_trans.inverted())
        assert axes.width == pytest.approx(plotting.CELL * source)
        assert axes.height == pytest.approx(plotting.CELL * target)

    def test_words_are_turned_and_characters_are_not(self):
        axes = alignment(["我", "<eos>"], ["I"], uniform(1, 2)).axes[0]
        assert [label.get_rotation() for label in axes.get_xticklabels()] == [0, 90]

    def test_dollars_and_braces_are_not_a_formula(self):
        png(alignment(["$5", "$_{", "\\"], ["$"], uniform(1, 3), title="$ to $"))

    def test_labels_in_all_scripts(self):
        axes = alignment(["où", "“ça”"], ["我", "是"], uniform(2, 2), title="我是").axes[0]
        assert tick_labels(axes.xaxis) == ["où", "“ça”"]
        assert tick_labels(axes.yaxis) == [drawn("我"), drawn("是")]
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels(), axes._left_title):
            assert {*fonts.families(label.get_text())} <= {*label.get_fontfamily()}

    @pytest.mark.parametrize("shape", [(2, 3), (3,), (3, 2, 1)])
    def test_weights_of_another_shape(self, shape):
        with pytest.raises(InputError, match="for 3 target and 2 "):
            alignment(["a", "b"], ["x", "y", "z"], np.zeros(shape))

    def test_an_empty_side(self):
        with pytest.raises(InputError, match="at least one token on each side"):
            alignment([], ["x"], np.zeros((1, 0)))


def test_no_global_state_is_touched():
    settings = dict(matplotlib.rcParams)
    png(alignment(["I"], ["我"], [[1.0]], title="我"))
    png(learning_curves(HISTORY, title="我"))
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == settings
