"""Draw what `growth.py` measured: python benchmarks/plots.py"""

import dataclasses
import json
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from tf_seq2seq.cli.settings import from_command_line, setting

LABELS = {"length": "words per sentence", "batch_size": "sentences per batch"}
LABELS["vocabulary"] = "target words in the vocabulary"


@dataclasses.dataclass(frozen=True)
class Settings:
    """Draw the cost of a training step by length, batch and vocabulary."""

    results: Path = setting(Path("output/growth.json"), "what growth.py wrote", reads=True)
    plot: Path = setting(Path("docs/training_step_growth.png"), "the file for the plot")
    precision: str = setting("bfloat16", "the precision", choices=("float32", "bfloat16"))


def main():
    settings = from_command_line(Settings)
    results = json.loads(settings.results.read_text())
    figure, axes = plt.subplots(1, 3, figsize=(12, 3.6), layout="constrained", sharey=True)
    for axis, (by, label) in zip(axes, LABELS.items(), strict=True):
        points = sorted(
            (
                each
                for each in results
                if (each["by"], each["precision"]) == (by, settings.precision)
            ),
            key=lambda each: each["size"],
        )
        sizes = [each["size"] for each in points]
        for side in points[0]["seconds"] if points else ():
            times = np.array([each["seconds"][side] for each in points]) * 1e3
            middle = np.median(times, axis=1)
            errors = middle - times.min(axis=1), times.max(axis=1) - middle
            axis.errorbar(sizes, middle, errors, marker="o", capsize=3, label=side)
        axis.set(xlabel=label, xscale="log", yscale="log", xticks=sizes, xticklabels=sizes)
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    axes[0].set_ylabel(f"ms per training step, {settings.precision}")
    axes[0].legend()
    figure.savefig(settings.plot, dpi=100)
    print(f"Plot: {settings.plot}")


if __name__ == "__main__":
    main()
