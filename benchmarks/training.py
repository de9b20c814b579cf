"""Compare the speed of training with PyTorch, and with plain Keras layers.

    python benchmarks/training.py                              everything, about 30 minutes
    python benchmarks/training.py --model tuned --work fit --precision bfloat16
    python benchmarks/training.py --work fit --source train.de --target train.en
    python benchmarks/training.py --torch-python OTHER/bin/python
    python benchmarks/training.py --no-torch --keras           without PyTorch

A *step* is forward pass, backward pass, clipping and update on one batch without padding. *fit* is
the whole of `training.fit` on sentences as long as those of Multi30k, in the batches of
`data.batches`, with metrics and progress bar; PyTorch trains on the same batches.

The models are `attention` (a bidirectional GRU 512, and a GRU 512 with additive attention and the
book's readout), `tuned` (the preset of `chapters/beyond_3_multi30k.py`), `book` (the language model
of the book's section 9.2.3) and `large` (two LSTMs of 1024 units). All sides start with the same
weights; their losses and gradients are compared first, without dropout. Each side is a process, and
they take turns; a ratio compares the times of one turn.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from comparison import (
    PACKAGE,
    PLAIN,
    TORCH,
    SideSettings,
    check_same,
    is_language_model,
    precision_setting,
    precisions,
    print_table,
    running_sides,
    take_turns,
    words_of,
)
from sides.configurations import configuration
from sides.workload import pairs, write_pairs

from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError

MODELS = ("attention", "tuned", "book", "large")


@dataclasses.dataclass(frozen=True)
class Settings(SideSettings):
    """Compare the speed of training with PyTorch, and with plain Keras layers."""

    model: str = setting("all", "the model to train", choices=("all", *MODELS))
    precision: str = precision_setting()
    work: str = setting("all", "what to time", choices=("all", "step", "fit"))
    keras: bool = setting(False, "also compare with plain Keras layers")
    rounds: int = setting(5, "number of turns", least=1)
    steps: int = setting(5, "steps of each side per turn", least=1)
    pairs: int = setting(3840, "sentence pairs per turn of fit", least=1)
    source: Path | None = setting(
        None, "sources for fit, one per line, instead of meaningless sentences", reads=True
    )
    target: Path | None = setting(None, "the translations of --source, line by line", reads=True)
    batch_size: int | None = setting(None, "rows of a batch (default: the model's)", least=1)
    length: int | None = setting(None, "words of a sentence (default: the model's)", least=1)
    vocabulary: int | None = setting(None, "target words (default: the model's)", least=100)

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        yield from super().without_effect()
        if self.work == "step":
            yield "with --work step", ("source", "target", "pairs")
        if self.work == "fit":
            yield "with --work fit", ("steps", "length", "keras")
        if self.tiny:
            yield "with --tiny", ("pairs",)
        if self.model == "tuned":
            yield "with --model tuned, which has no plain layers", ("keras",)
        if is_language_model(self.model):
            yield "with a language model", ("source", "target", "pairs")


def changes_of(settings, model):
    """Return the changes to the model's configuration that the flags ask for."""
    vocabulary = "vocabulary" if is_language_model(model) else "target_vocabulary"
    changes = {
        "batch_size": settings.batch_size,
        "length": settings.length,
        vocabulary: settings.vocabulary,
    }
    return {name: value for name, value in changes.items() if value is not None}


class Training:
    """A model in a precision, on all sides that can train it."""

    def __init__(self, settings, sides, model, precision, folder, **changes):
        self.settings, self.model, self.precision, self.folder = settings, model, precision, folder
        self.changes = {"tiny": settings.tiny, **changes}
        self.c = configuration(model, **self.changes)
        # The plain layers are those of two models.
        self.sides = {
            name: side for name, side in sides.items() if name != PLAIN or model != "tuned"
        }

    def prepare(self, padded=False):
        what = {"model": self.model, "precision": self.precision, "padded": padded, **self.changes}
        options = {PLAIN: {"plain": True}, TORCH: {"mode": self.settings.compile}}
        found = {}
        for name, side in self.sides.items():
            weights = str(self.folder / f"{name}.npz")
            if name == TORCH and PACKAGE in self.sides:
                weights = str(self.folder / f"{PACKAGE}.npz")
            options.setdefault(name, {})
            found[name] = side.ask("prepare", weights=weights, **what, **options[name])
        check_same(found, self.precision)

    def step(self):
        print(f"\n{self.model}, {self.precision}: training step")
        print(", ".join(f"{name} {value}" for name, value in dataclasses.asdict(self.c).items()))
        self.prepare()
        for side in self.sides.values():
            side.ask("prepare_train")
        asks = {
            name: lambda side=side: side.ask("train", steps=self.settings.steps)
            for name, side in self.sides.items()
        }
        answers = take_turns(self.settings.rounds, asks)
        return print_table(
            answers, words_of(self.c) * self.settings.steps, "words", self.settings.steps
        )

    def fit(self):
        settings = self.settings
        count = 5 * self.c.batch_size if settings.tiny else settings.pairs
        corpus = (settings.source, settings.target) if settings.source else None
        found = pairs(self.c, count, corpus)
        print(
            f"\n{self.model}, {self.precision}: fit on {len(found[0])} pairs of Multi30k's lengths"
        )
        sides = {name: side for name, side in self.sides.items() if name != PLAIN}
        self.prepare(padded=True)
        files = {name: str(self.folder / name) for name in ("pairs.json", "batches.npz")}
        write_pairs(files["pairs.json"], found)
        sides[PACKAGE].ask("prepare_fit", pairs=files["pairs.json"], batches=files["batches.npz"])
        if TORCH in sides:
            sides[TORCH].ask("prepare_fit", batches=files["batches.npz"])
        asks = {name: lambda side=side: side.ask("fit") for name, side in sides.items()}
        answers = take_turns(self.settings.rounds, asks)
        sides[PACKAGE].ask("end_fit")
        target_words = sum(len(line.split()) + 1 for line in found[1])
        print("last losses: " + ", ".join(f"{n} {a[-1]['loss']:.3f}" for n, a in answers.items()))
        return print_table(answers, target_words, "words")


def main():
    settings = from_command_line(Settings)
    if (settings.source is None) != (settings.target is None):
        raise InputError("--source and --target belong together: give both or neither.")
    if settings.work == "fit" and is_language_model(settings.model):
        raise InputError("fit is measured for translators only: use --work step.")
    with running_sides(settings, settings.keras) as (sides, folder):
        for model in MODELS if settings.model == "all" else (settings.model,):
            for precision in precisions(settings):
                changes = changes_of(settings, model)
                training = Training(settings, sides, model, precision, folder, **changes)
                if settings.work in ("all", "step"):
                    training.step()
                if settings.work in ("all", "fit") and not is_language_model(model):
                    training.fit()


if __name__ == "__main__":
    main()
