"""What the comparisons share: the sides, their turns, and the tables."""

import contextlib
import dataclasses
import os
import platform
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from sides.configurations import LANGUAGE_MODELS
from sides.parent import Side, start_package, start_torch

from tf_seq2seq.cli.settings import setting
from tf_seq2seq.errors import InputError

PACKAGE, TORCH, PLAIN = "tf_seq2seq", "PyTorch", "plain Keras"


@dataclasses.dataclass(frozen=True)
class SideSettings:
    """The settings of the processes."""

    no_torch: bool = setting(False, "leave PyTorch out")
    compile: str = setting(
        "compiled", "how PyTorch fuses its steps", choices=("compiled", "autotuned", "eager")
    )
    threads: int = setting(2, "threads of each side", least=1)
    python: str | None = setting(None, "the Python of the package (default: this one)")
    torch_python: str | None = setting(None, "the Python of PyTorch (default: this one)")
    torch_pythonpath: str = setting("", "the PYTHONPATH of PyTorch's side")
    timeout: float = setting(600.0, "seconds to wait for an answer of a side", above=0)
    tiny: bool = setting(False, "use small models, to see that it runs")

    def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
        if self.no_torch:
            yield "with --no-torch", ("compile", "torch_python", "torch_pythonpath")


def precision_setting(default="all"):
    return setting(default, "the precision of the products", choices=("all", "float32", "bfloat16"))


def precisions(settings):
    return ("float32", "bfloat16") if settings.precision == "all" else (settings.precision,)


def start_sides(settings, names):
    """Start a process for each side, by name, with the same number of threads."""
    threads = str(settings.threads)
    package = {f"TF_NUM_{kind}_THREADS": threads for kind in ("INTRAOP", "INTEROP")}
    torch = {"OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
    starts = {PACKAGE: (start_package, package), PLAIN: (start_package, {"name": PLAIN, **package})}
    starts[TORCH] = start_torch, torch
    return {name: starts[name][0](settings, **starts[name][1]) for name in names}


@contextlib.contextmanager
def running_sides(settings, keras=False):
    """Start the package, PyTorch unless it is left out, and plain Keras; print the machine.

    Yields:
        `(sides, folder)`: the sides by name, which end with the context, and a temporary folder.
    """
    used = {PACKAGE: True, PLAIN: keras, TORCH: not settings.no_torch}
    with Side.closing(), tempfile.TemporaryDirectory() as folder:
        sides = start_sides(settings, [name for name, is_used in used.items() if is_used])
        print_machine(sides, settings.threads)
        yield sides, Path(folder)


def processor():
    """Return the model of the CPU, and which products it has instructions for."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    values = dict(line.split(":", 1) for line in lines if ":" in line)
    values = {name.strip(): value.strip() for name, value in values.items()}
    flags = set(values.get("flags", "").split()) & {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}
    return f"{values.get('model name', platform.machine())} ({', '.join(sorted(flags))})"


def commit():
    """Return the commit of the package, with a mark if files have changed."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def print_machine(sides, threads):
    print(f"{processor()}, {os.cpu_count()} cores, {platform.platform()}")
    print(f"commit {commit()}, {threads} threads for each side, load {os.getloadavg()[0]:.1f}")
    for name, side in sides.items():
        print(f"{name}: {side.ask('hello')['versions']}")


def spread(values, digits):
    """Return the median with the range."""
    low, median, high = np.min(values), np.median(values), np.max(values)
    return f"{median:,.{digits}f} ({low:,.{digits}f} - {high:,.{digits}f})"


def check_same(found, precision):
    """Print and compare what each side computed: losses, gradient norms, parameters.

    Args:
        found: answers of `prepare` by side; the first is the reference.
        precision: float32 must agree to about five decimals.

    Raises:
        InputError: if the sides do not compute the same.
    """
    is_exact = precision == "float32"
    tolerances = {"loss": 1e-5 if is_exact else 1e-2, "gradient_norm": 1e-4 if is_exact else 1e-3}
    tolerances["parameters"] = 0
    (first, expected), *others = found.items()
    for name, tolerance in tolerances.items():
        values = [expected[name], *(answer[name] for _, answer in others)]
        print(f"{name}: " + ", ".join(f"{value:.7g}" for value in values))
        for (side, _), value in zip(others, values[1:], strict=True):
            if not abs(value - values[0]) <= tolerance * abs(values[0]):
                raise InputError(
                    f"The sides do not compute the same in {precision}: {name} is {values[0]:.7g} "
                    f"for {first} and {value:.7g} for {side}."
                )


def take_turns(rounds, asks):
    """Let the sides take turns, and return the answers of each by name.

    Args:
        rounds: the number of turns.
        asks: for each side a function that lets it work for a turn and returns its answer.
    """
    answers = {name: [] for name in asks}
    for i in range(rounds):
        # The order alternates, so that none always works on a processor that is still warm.
        for name in list(asks)[:: 1 if i % 2 == 0 else -1]:
            answers[name].append(asks[name]())
    return answers


def print_table(answers, amount, unit, per_turn=1):
    """Print speeds and their ratios.

    Args:
        answers: of `take_turns`, with `seconds` and `processor_seconds`; ratios are to the last.
        amount: the units of work of a turn.
        unit: what they are, such as `sentences`.
        per_turn: the number of calls or steps of a turn, for the milliseconds of each.

    Returns:
        The seconds of each call or step of the sides, by name, a list with one for each turn.
    """
    columns = "{:12}{:>34}{:>32}{:>24}{:>24}".format
    reference = list(answers)[-1]
    print(
        columns(
            *("median (range) of", f"{unit}/s", "milliseconds"), f"x {reference}", "in CPU time"
        )
    )
    seconds = {
        name: {
            kind: np.array([each[kind] for each in turns])
            for kind in ("seconds", "processor_seconds")
        }
        for name, turns in answers.items()
    }
    for name, times in seconds.items():
        wall, processor_ = (
            seconds[reference][kind] / times[kind] for kind in ("seconds", "processor_seconds")
        )
        speed = spread(amount / times["seconds"], 0)
        milliseconds = spread(1e3 * times["seconds"] / per_turn, 1)
        print(columns(name, speed, milliseconds, spread(wall, 2), spread(processor_, 2)))
    return {name: (times["seconds"] / per_turn).tolist() for name, times in seconds.items()}


def words_of(c):
    return c.batch_size * c.length


def is_language_model(model):
    return model in LANGUAGE_MODELS
