"""Measure matrix products of both frameworks, and the share of their speed that training reaches.

    python benchmarks/products.py                    both models and precisions, about 5 minutes

The products are those of a training step: for each, its gradients are two more of the same size.
The share is the time that all products of a step need at the speed measured for each alone, divided
by the time of the step.
"""

import dataclasses

import numpy as np
from comparison import SideSettings, precision_setting, precisions, running_sides
from sides.configurations import configuration
from training import Training

from tf_seq2seq.cli.settings import from_command_line, setting

MODELS = ("attention", "tuned")


@dataclasses.dataclass(frozen=True)
class Settings(SideSettings):
    """Measure matrix products of both frameworks, and the share of their speed that is reached."""

    model: str = setting("all", "the model", choices=("all", *MODELS))
    precision: str = precision_setting()
    rounds: int = setting(3, "number of turns", least=1)
    steps: int = setting(3, "steps of each side per turn", least=1)


def products(c):
    """Return the products of a forward pass by name: `(number, (m, k, n))`."""
    batch, words, units = c.batch_size, c.batch_size * c.length, c.units
    attended = c.attention_units, c.readout_units
    found = {
        "encoder's input": (2, (words, c.embedding_size, 3 * units)),
        "encoder's steps": (2 * c.length, (batch, units, 3 * units)),
        "decoder's input": (1, (words, c.embedding_size, 3 * units)),
        "decoder's steps": (c.length, (batch, units, 3 * units)),
        "keys": (1, (words, c.memory_size, c.attention_units)),
        "logits": (1, (words, c.readout_units, c.target_vocabulary)),
    }
    if c.query == "current_state":
        found["readout before"] = c.length, (batch, c.readout_units, 3 * units)
        found["query and readout"] = c.length, (batch, units, sum(attended))
        found["context's readout"] = 1, (words, c.memory_size, c.readout_units)
    else:
        found["context"] = 1, (words, c.memory_size, 3 * units)
        found["query"] = c.length, (batch, units, c.attention_units)
        found["readout"] = 1, (words, units + c.memory_size, c.readout_units)
    return found


def main():
    settings = from_command_line(Settings)
    with running_sides(settings) as (sides, folder):
        for model in MODELS if settings.model == "all" else (settings.model,):
            for precision in precisions(settings):
                found = products(configuration(model, settings.tiny))
                counts, shapes = zip(*found.values(), strict=True)
                speeds = {
                    name: np.array(
                        side.ask("time_products", shapes=shapes, precision=precision)["gflops"]
                    )
                    for name, side in sides.items()
                }
                print(f"\n{model}, {precision}: GFLOP/s of {', '.join(sides)}")
                for i, (name, (count, shape)) in enumerate(found.items()):
                    each = "".join(f"{speed[i]:>10,.0f}" for speed in speeds.values())
                    print(f"{name:20}{count:>4} x {' x '.join(map(str, shape)):20}{each}")
                work = 3 * 2e-9 * np.array(counts) * np.prod(shapes, axis=1)
                times = Training(settings, sides, model, precision, folder).step()
                for name, speed in speeds.items():
                    needed, step = (work / speed).sum(), np.median(times[name])
                    print(
                        f"{name}: {work.sum():.0f} GFLOP need {1e3 * needed:.0f} ms of a step of "
                        f"{1e3 * step:.0f} ms: {needed / step:.0%}"
                    )


if __name__ == "__main__":
    main()
