"""Compare the speed of greedy search and of beam search with PyTorch.

    python benchmarks/decoding.py                              both models, about 20 minutes
    python benchmarks/decoding.py --model tuned --batches 1,64 --search greedy
    python benchmarks/decoding.py --file                       1,000 sentences, in seconds
    python benchmarks/decoding.py --model tuned --no-torch --shortlist train.de,train.en

Strings go in and translations come out: `Translator` on our side, and on PyTorch's side a program
that tokenizes by a dictionary. The models are `attention` and `tuned` of `training.py`, untrained,
with weights that end a translation at about the length of its source. The sentences are as long as
those of Multi30k. The translations of both sides are compared first. Each side is a process, and
they take turns; a ratio compares the times of one turn.

With `--shortlist`, the most frequent words of the files are the vocabulary. The package translates
the last sentences with a shortlist, which it has learned from the others, and among all words.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

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
from sides.workload import lengths, pairs, sentences, write_pairs

from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError

MODELS = ("attention", "tuned")
WIDTHS = {"greedy": 1, "beam": 5}
LENGTH_PENALTY = 1.0
FILE = 1_000
HELD_OUT = 1_000  # the last pairs of --shortlist, from which nothing is learned
FEW = 16  # the fewest sentences to translate with and without a shortlist


@dataclasses.dataclass(frozen=True)
class Settings(SideSettings):
    """Compare the speed of greedy search and of beam search with PyTorch."""

    model: str = setting("all", "the model that translates", choices=("all", *MODELS))
    precision: str = precision_setting()
    search: str = setting("all", "how to search", choices=("all", *WIDTHS))
    batches: str = setting("1,16,64,256", "numbers of sentences in a batch")
    file: bool = setting(False, f"translate {FILE:,} sentences instead, in batches of 64")
    shortlist: str | None = setting(
        None, "SOURCE,TARGET: compare with a shortlist from these pairs, line by line"
    )
    per_word: int = setting(50, "translations of each source word in the shortlist", least=1)
    most_frequent: int = setting(200, "frequent target words in the shortlist", least=0)
    vocabulary: int | None = setting(None, "target words (default: the model's)", least=100)
    rounds: int = setting(5, "number of turns", least=1)
    steps: int = setting(3, "translations of each batch per turn", least=1)

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        yield from super().without_effect()
        if self.file:
            yield "with --file", ("batches", "shortlist")
        if self.shortlist is None:
            yield "without --shortlist", ("per_word", "most_frequent", "vocabulary")
        if not self.no_torch:
            yield "without --no-torch", ("shortlist",)


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


def read_pairs(settings, model, changes):
    """Return the sources and the targets of `--shortlist`, in the words of a model."""
    files = settings.shortlist.split(",")
    if len(files) != 2:
        raise InputError(f"--shortlist takes two files, got {settings.shortlist!r}.")
    if missing := [file for file in files if not Path(file).is_file()]:
        raise InputError(f"{missing[0]} does not exist: check the paths of --shortlist.")
    return pairs(configuration(model, settings.tiny, **changes), None, files)


def compare_shortlist(settings, side, name, corpus, file):
    """Let the package search with a shortlist and without one in turns.

    Args:
        settings: the settings.
        side: the package.
        name: of the model and the precision.
        corpus: of `read_pairs`.
        file: where to write the pairs that the shortlist is learned from.
    """
    write_pairs(file, [texts[:-HELD_OUT] for texts in corpus])
    sizes = {"per_word": settings.per_word, "most_frequent": settings.most_frequent}
    side.ask("prepare_shortlist", pairs=str(file), **sizes)
    lines = corpus[0][-HELD_OUT:]
    for search, width in chosen_widths(settings).items():
        for batch in read_batches(settings):
            count = max(batch, FEW)
            what = {"sentences": lines[:count], "width": width, "batch_size": batch}
            what |= {"length_penalty": LENGTH_PENALTY}
            found, asks = {}, {}
            for kind, few in (("shortlist", True), ("all words", False)):
                found[kind] = side.ask("prepare_search", **what, shortlist=few)
                asks[kind] = lambda few=few: side.ask("search", steps=settings.steps, shortlist=few)
            words = [
                sum(len(line.split()) for line in each["translations"]) / count
                for each in found.values()
            ]
            own, together = found["shortlist"]["candidates"]
            print(
                f"\n{name}, {search} {width}, batches of {batch}: {own:.0f} candidates of a "
                f"sentence and {together:.0f} of a batch, {words[0]:.1f} and {words[1]:.1f} words "
                "per translation"
            )
            answers = take_turns(settings.rounds, asks)
            print_table(answers, count * settings.steps, "sentences", settings.steps)


def chosen_widths(settings):
    """Return the widths of the beams, by search."""
    return {search: width for search, width in WIDTHS.items() if settings.search in ("all", search)}


def main():
    settings = from_command_line(Settings)
    changes = {} if settings.vocabulary is None else {"target_vocabulary": settings.vocabulary}
    batches = [64] if settings.file else read_batches(settings)
    different = []
    with running_sides(settings) as (sides, folder):
        for model in MODELS if settings.model == "all" else (settings.model,):
            for precision in precisions(settings):
                what = {"model": model, "precision": precision, "tiny": settings.tiny}
                what |= {"ends": True, "weights": str(folder / "weights.npz"), **changes}
                modes = {TORCH: {"mode": settings.compile}}
                found = {
                    name: side.ask("prepare", **what, **modes.get(name, {}))
                    for name, side in sides.items()
                }
                print(f"\n{model}, {precision}, {found[PACKAGE]['parameters']:,} parameters")
                check_same(found, precision)
                if settings.shortlist:
                    name, corpus = f"{model}, {precision}", read_pairs(settings, model, changes)
                    compare_shortlist(settings, sides[PACKAGE], name, corpus, folder / "pairs.json")
                    continue
                for search, width in chosen_widths(settings).items():
                    for batch in batches:
                        count = FILE if settings.file and not settings.tiny else batch
                        vocabulary = configuration(model, settings.tiny).source_vocabulary
                        lines = sentences(lengths(count, 3)[0], vocabulary, 4)
                        title = f"{model}, {precision}, {search} {width}, {count} sentences"
                        _, same = compare(settings, sides, title, lines, width, batch)
                        if precision == "float32" and same < 0.95:
                            different.append(title)
    if different:
        raise InputError(f"The sides find different translations: {'; '.join(different)}.")


if __name__ == "__main__":
    main()
