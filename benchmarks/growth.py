"""Measure how the cost of a training step grows with length, batch and vocabulary.

    python benchmarks/growth.py                      12 sizes, in bfloat16; about 10 minutes
    python benchmarks/growth.py --by length          four of them
    python benchmarks/plots.py                       draw the results

The model is `attention` of `training.py`. Results are added to --output, and replace older ones of
the same size.
"""

import dataclasses
import json
from pathlib import Path

from comparison import SideSettings, precision_setting, precisions, running_sides
from training import Training

from tf_seq2seq.cli.settings import from_command_line, setting

SIZES = {
    "length": (10, 20, 40, 80),
    "batch_size": (16, 64, 128, 256),
    "vocabulary": (4_000, 8_000, 16_000, 32_000),
}


@dataclasses.dataclass(frozen=True)
class Settings(SideSettings):
    """Measure how the cost of a training step grows with length, batch and vocabulary."""

    by: str = setting("all", "what to vary", choices=("all", *SIZES))
    precision: str = precision_setting("bfloat16")
    output: Path = setting(Path("output/growth.json"), "the file for the results")
    rounds: int = setting(3, "number of turns", least=1)
    steps: int = setting(2, "steps of each side per turn", least=1)


def read(file):
    return json.loads(file.read_text()) if file.exists() else []


def main():
    settings = from_command_line(Settings)
    results = read(settings.output)
    settings.output.parent.mkdir(parents=True, exist_ok=True)
    with running_sides(settings) as (sides, folder):
        for precision in precisions(settings):
            for by in SIZES if settings.by == "all" else (settings.by,):
                for size in SIZES[by][:1] if settings.tiny else SIZES[by]:
                    changes = {"target_vocabulary" if by == "vocabulary" else by: size}
                    model = "attention", precision, folder
                    times = Training(settings, sides, *model, **changes).step()
                    key = {"by": by, "size": size, "precision": precision}
                    results = [old for old in results if not key.items() <= old.items()]
                    results.append({**key, "seconds": times})
                    settings.output.write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
