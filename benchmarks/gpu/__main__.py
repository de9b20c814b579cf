"""Compare the package with PyTorch on the same GPU: training steps and greedy search.

    python benchmarks/gpu                                        both models, both precisions
    python benchmarks/gpu --torch-python OTHER/bin/python        PyTorch in another environment
    python benchmarks/gpu --tiny --torch compiled                on a CPU, to see that it runs

PyTorch's side is written for speed and for these models alone: cuDNN runs the encoder, the
gradients of the decoder are written out, `torch.compile` fuses its steps, and a CUDA graph holds a
whole training step or a whole search. Both sides start with the same weights, and their losses,
gradients and translations are compared first. Each side is a process; they take turns, and each
ratio compares the times of one turn.

A training step is forward pass, backward pass, clipping and update on a batch without padding, with
dropout. Greedy search runs a fixed number of steps, since `<eos>` has a low bias. In float32, both
sides use TF32 products on a GPU.
"""

import dataclasses
import itertools
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # for `sides`

import numpy as np
from sides.configurations import PAD_ID, configuration
from sides.parent import Side, SideError, start_package, start_torch

from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError

MODELS = ("tuned", "gnmt")
VARIANTS = {
    "eager": [("eager", False)],
    "compiled": [("compiled", False), ("eager", False)],
    "graph": [("eager", True), ("eager", False)],
    "best": [("compiled", True), ("eager", True), ("compiled", False), ("eager", False)],
    "autotuned": [("autotuned", True), ("compiled", True), ("eager", True), ("eager", False)],
}
"""For each value of --torch what to try, in this order: the mode of `torch.compile`, and whether to
use a CUDA graph."""


@dataclasses.dataclass(frozen=True)
class Settings:
    """Compare the speed of the package with that of PyTorch on one GPU."""

    model: str = setting("all", "the model to time", choices=("all", *MODELS))
    precision: str = setting(
        "all", "the precision of the products", choices=("all", "float32", "bfloat16")
    )
    work: str = setting("all", "the work to time", choices=("all", "train", "greedy"))
    torch: str = setting("best", "how PyTorch runs its steps", choices=tuple(VARIANTS))
    rounds: int = setting(7, "number of turns", least=1)
    steps: int = setting(20, "training steps or batches of each side per turn", least=1)
    python: str | None = setting(None, "the Python of the package (default: this one)")
    torch_python: str | None = setting(None, "the Python of PyTorch (default: this one)")
    torch_pythonpath: str = setting("", "the PYTHONPATH of PyTorch's side")
    timeout: float = setting(300.0, "seconds to wait for an answer of a side", above=0)
    tiny: bool = setting(False, "use small models, also without a GPU")


def spread(values, digits):
    low, median, high = np.min(values), np.median(values), np.max(values)
    return f"{median:,.{digits}f} ({low:,.{digits}f} - {high:,.{digits}f})"


def relative(a, b):
    return abs(a - b) / abs(b)


class Comparison:
    """A model in a precision on both sides.

    `differences` are sentences about results that should be the same. The times are measured all
    the same.
    """

    def __init__(self, settings, package, model, precision, on_gpu):
        self.differences = []
        self.settings, self.package = settings, package
        self.model, self.precision, self.on_gpu = model, precision, on_gpu
        self.c = configuration(model, settings.tiny)
        self.torch, self.variants = None, list(VARIANTS[settings.torch])

    def run(self, directory):
        print(f"\n{self.model}, {self.precision}")
        print(", ".join(f"{name} {value}" for name, value in dataclasses.asdict(self.c).items()))
        self.weights = str(Path(directory) / f"{self.model}.npz")
        self.expected = self.package.ask("prepare", **self._what())
        with_batches = [("prepare_greedy", {"rows": rows}) for rows in self.c.greedy_batches]
        jobs = {"greedy": with_batches, "train": [("prepare_train", {})]}
        self._start_torch()
        for work, preparations in jobs.items():
            if self.settings.work in ("all", work):
                if self.variants != VARIANTS[self.settings.torch]:
                    # What fails in a search need not fail in training.
                    self.torch.close()
                    self.variants = list(VARIANTS[self.settings.torch])
                    self._start_torch()
                for preparation, arguments in preparations:
                    self._race(work, preparation, arguments)
        self.torch.close()

    def _what(self):
        return {
            "model": self.model,
            "precision": self.precision,
            "tiny": self.settings.tiny,
            "weights": self.weights,
        }

    def _start_torch(self):
        """Start PyTorch's side with the first variant, or the next that works."""
        while True:
            mode, graph = self.variants[0]
            self.torch = start_torch(self.settings)
            try:
                found = self.torch.ask("prepare", **self._what(), mode=mode, graph=graph)
                break
            except SideError as failure:
                self._next_variant(failure)
        self._check(found)

    def _next_variant(self, failure):
        """Drop a variant that failed; its process may be unusable."""
        if len(self.variants) == 1 or failure.is_timeout:
            raise failure
        mode, graph = self.variants.pop(0)
        how = f"{mode}{' in a CUDA graph' if graph else ''}"
        print(f"WARNING: PyTorch failed {how}, trying the next variant: {failure}")
        self.torch.close()

    def _check(self, found):
        mode, graph = self.variants[0]
        if self.precision == "bfloat16":
            tolerances = {"loss": 1e-2, "gradient_norm": 1e-1}
        elif self.on_gpu:  # TF32
            tolerances = {"loss": 1e-3, "gradient_norm": 1e-2}
        else:
            tolerances = {"loss": 1e-4, "gradient_norm": 1e-3}
        tolerances["parameters"] = 0
        graph = " in a CUDA graph" if graph and self.on_gpu else ""
        print(f"PyTorch: {mode}{graph}, {found['note']}")
        for name, tolerance in tolerances.items():
            ours, theirs = self.expected[name], found[name]
            print(f"{name}: {ours:.6g} and {theirs:.6g}, relative difference ", end="")
            print(f"{relative(ours, theirs):.1e}")
            if not relative(ours, theirs) <= tolerance:
                self._differ(f"{name} is {ours:.6g} in the package and {theirs:.6g} in PyTorch")

    def _differ(self, difference):
        self.differences.append(f"{self.model}, {self.precision}: {difference}")
        print(f"WARNING: {difference}")

    def _race(self, work, preparation, arguments):
        start = time.monotonic()
        self.package.send(preparation, **arguments)  # both sides prepare at the same time
        while True:
            try:
                theirs = self.torch.ask(preparation, **arguments)
                break
            except SideError as failure:
                self._next_variant(failure)
                self._start_torch()
        ours = self.package.receive()
        print(f"prepared in {time.monotonic() - start:.1f} s")
        if work == "greedy":
            rows, length = arguments["rows"], self.c.greedy_steps
            self._compare_ids(np.array(ours["ids"]), np.array(theirs["ids"]))
            title = f"greedy search, {rows} sentences x {length} steps"
        else:
            rows, length, title = self.c.batch_size, self.c.length, "training"
        seconds, losses = {"tf_seq2seq": [], "PyTorch": []}, {}
        for _ in range(self.settings.rounds):
            for name, side in (("tf_seq2seq", self.package), ("PyTorch", self.torch)):
                last = side.ask(work, steps=self.settings.steps)
                seconds[name].append(last["seconds"] / self.settings.steps)
                losses[name] = last.get("loss")
        columns = "{:12}{:>34}{:>30}{:>26}".format
        print(f"{title}, {self.settings.rounds} rounds of {self.settings.steps}")
        if work == "train":  # with dropout, so they need not be the same
            print("last losses: " + ", ".join(f"{n} {loss:.3f}" for n, loss in losses.items()))
            if not np.all(np.isfinite(list(losses.values()))):
                self._differ("a loss is not finite")
        print(columns("median (min - max) of", "target words/s", "milliseconds", "x PyTorch"))
        for name, times in seconds.items():
            times = np.array(times)
            ratio = spread(np.array(seconds["PyTorch"]) / times, 3)
            print(columns(name, spread(rows * length / times, 0), spread(times * 1e3, 3), ratio))

    def _compare_ids(self, ours, theirs):
        if ours.shape != theirs.shape or np.any(ours == PAD_ID):
            self._differ(f"greedy search ended early, with ids {ours.shape} and {theirs.shape}")
            return
        # After the first difference, a row goes its own way.
        same = ours == theirs
        agreed = np.cumprod(same, axis=1).sum()
        differing_rows = np.count_nonzero(~same.all(axis=1))
        share = agreed / (agreed + differing_rows)
        print(
            f"greedy ids: {len(np.unique(ours))} different ones, the same in {same.mean():.1%} of "
            f"the positions, and in {share:.1%} up to a row's first difference"
        )
        if self.precision == "float32" and share < 0.95:
            self._differ(f"only {share:.1%} of the greedy ids are the same")


def main():
    settings = from_command_line(Settings)
    sys.stdout.reconfigure(line_buffering=True)  # to see the results so far in a log
    with Side.closing(), tempfile.TemporaryDirectory() as directory:
        # PyTorch first, as it may be missing.
        torch, package = start_torch(settings), start_package(settings)
        hellos = {"tf_seq2seq": package.ask("hello"), "PyTorch": torch.ask("hello")}
        torch.close()
        for name, hello in hellos.items():
            if hello["gpu"] is None and not settings.tiny:
                raise InputError(
                    f"{name} finds no GPU; --tiny runs small models on a CPU, to see that it works."
                )
            print(f"{name}: {hello['versions']}, on {hello['gpu'] or 'a CPU'}")
        on_gpu = hellos["PyTorch"]["gpu"] is not None
        models = MODELS if settings.model == "all" else [settings.model]
        precisions = (
            ["float32", "bfloat16"] if settings.precision == "all" else [settings.precision]
        )
        differences = []
        for model, precision in itertools.product(models, precisions):
            comparison = Comparison(settings, package, model, precision, on_gpu)
            comparison.run(directory)
            differences += comparison.differences
        if differences:
            raise InputError(f"The sides do not compute the same ({'; '.join(differences)}).")


main()
