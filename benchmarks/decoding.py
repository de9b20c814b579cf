"""Compare the speed of greedy search and of beam search with PyTorch.

    python benchmarks/decoding.py                              both models, about 20 minutes
    python benchmarks/decoding.py --model tuned --batches 1,64 --search greedy
    python benchmarks/decoding.py --file                       1,000 sentences, in seconds

Strings go in and translations come out: `Translator` on our side, and on PyTorch's side a program
that tokenizes by a dictionary. The models are `attention` and `tuned` of `training.py`, untrained,
with weights that end a translation at about the length of its source. The sentences are as long as
those of Multi30k. The translations of both sides are compared first. Each side is a process, and
they take turns; a ratio compares the times of one turn.
"""

import dataclasses
from collections.abc import Iterator, Sequence

from comparison import (
    PACKAGE,
    TORCH,
    SideSettings,
    check_same,
    precision_setting,
    precisions,
    print_table,
    running_sides,
    take_turns,
)
from sides.configurations import configuration
from sides.workload import lengths, sentences

from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError

MODELS = ("attention", "tuned")
WIDTHS = {"greedy": 1, "beam": 5}
LENGTH_PENALTY = 1.0
FILE = 1_000


@dataclasses.dataclass(frozen=True)
class Settings(SideSettings):
    """Compare the speed of greedy search and of beam search with PyTorch."""

    model: str = setting("all", "the model that translates", choices=("all", *MODELS))
    precision: str = precision_setting()
    search: str = setting("all", "how to search", choices=("all", *WIDTHS))
    batches: str = setting("1,16,64,256", "numbers of sentences in a batch")
    file: bool = setting(False, f"translate {FILE:,} sentences instead, in batches of 64")
    rounds: int = setting(5, "number of turns", least=1)
    steps: int = setting(3, "translations of each batch per turn", least=1)

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        yield from super().without_effect()
        if self.file:
            yield "with --file", ("batches",)


def read_batches(settings):
    sizes = settings.batches.split(",")
    if not all(size.isdecimal() and int(size) for size in sizes):
        raise InputError(f"--batches takes numbers separated by commas, got {settings.batches!r}.")
    return [int(size) for size in sizes]


def compare(settings, sides, title, lines, width, batch_size):
    """Let the sides translate in turns."""
    what = {"width": width, "length_penalty": LENGTH_PENALTY, "batch_size": batch_size}
    found = {
        name: side.ask("prepare_search", sentences=lines, **what)["translations"]
        for name, side in sides.items()
    }
    ours = found[PACKAGE]
    words = sum(len(line.split()) for line in ours) / len(ours)
    same = [
        sum(a == b for a, b in zip(ours, theirs, strict=True)) / len(ours)
        for theirs in found.values()
    ]
    print(f"\n{title}: {words:.1f} words per translation, {min(same):.1%} of them the same")
    asks = {
        name: lambda side=side: side.ask("search", steps=settings.steps)
        for name, side in sides.items()
    }
    answers = take_turns(settings.rounds, asks)
    return print_table(answers, len(lines) * settings.steps, "sentences", settings.steps), min(same)


def main():
    settings = from_command_line(Settings)
    batches = [64] if settings.file else read_batches(settings)
    different = []
    with running_sides(settings) as (sides, folder):
        for model in MODELS if settings.model == "all" else (settings.model,):
            for precision in precisions(settings):
                what = {"model": model, "precision": precision, "tiny": settings.tiny}
                what |= {"ends": True, "weights": str(folder / "weights.npz")}
                modes = {TORCH: {"mode": settings.compile}}
                found = {
                    name: side.ask("prepare", **what, **modes.get(name, {}))
                    for name, side in sides.items()
                }
                print(f"\n{model}, {precision}, {found[PACKAGE]['parameters']:,} parameters")
                check_same(found, precision)
                for search in WIDTHS if settings.search == "all" else (settings.search,):
                    for batch in batches:
                        count = FILE if settings.file and not settings.tiny else batch
                        vocabulary = configuration(model, settings.tiny).source_vocabulary
                        lines = sentences(lengths(count, 3)[0], vocabulary, 4)
                        width = WIDTHS[search]
                        title = f"{model}, {precision}, {search} {width}, {count} sentences"
                        _, same = compare(settings, sides, title, lines, width, batch)
                        if precision == "float32" and same < 0.95:
                            different.append(title)
    if different:
        raise InputError(f"The sides find different translations: {'; '.join(different)}.")


if __name__ == "__main__":
    main()
