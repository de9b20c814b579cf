"""Measure the peak memory of training, compared with plain Keras layers.

    python benchmarks/memory.py

Each model trains for some steps in a process of its own, which reports the most memory that it has
used, less what it used after importing TensorFlow.
"""

import dataclasses
from collections.abc import Iterator, Sequence

from comparison import PACKAGE, PLAIN, SideSettings, precision_setting, precisions, start_sides
from sides.parent import Side

from tf_seq2seq.cli.settings import from_command_line, setting

MODELS = ("attention", "book", "large")


@dataclasses.dataclass(frozen=True)
class Settings(SideSettings):
    """Measure the peak memory of training, compared with plain Keras layers."""

    model: str = setting("all", "the model to train", choices=("all", *MODELS))
    precision: str = precision_setting()

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        reason = "on memory, which is not compared with PyTorch"
        yield reason, ("no_torch", "compile", "torch_python", "torch_pythonpath")


def main():
    settings = from_command_line(Settings)
    print("Peak memory of training, without that of the libraries, in MiB")
    columns = "{:12}{:10}{:>14}{:>14}".format
    print(columns("model", "precision", PACKAGE, PLAIN))
    for model in MODELS if settings.model == "all" else (settings.model,):
        for precision in precisions(settings):
            used = []
            for name in (PACKAGE, PLAIN):
                with Side.closing():
                    (side,) = start_sides(settings, [name]).values()
                    what = {"precision": precision, "tiny": settings.tiny, "plain": name == PLAIN}
                    used.append(side.ask("measure_memory", model=model, **what)["mebibytes"])
            print(columns(model, precision, *(f"{each:,.0f}" for each in used)), flush=True)


if __name__ == "__main__":
    main()
