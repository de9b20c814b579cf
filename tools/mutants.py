"""Introduce small errors, one at a time, and check whether the module's tests notice them.

    make mutants
    make mutants ARGS="--sample 50 --seed 2"

A mutant is caught if a test of the mutated module fails or times out. The tests of a module are
those in the file of its name: `tests/layers/test_bridge.py` for `tf_seq2seq/layers/bridge.py`.
Cosmic Ray makes the mutants; a line gets at most one, so that the sample is spread over the code.
"""

from __future__ import annotations

import ast
import concurrent.futures
import dataclasses
import difflib
import itertools
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

from cosmic_ray import plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

from tf_seq2seq.cli.settings import from_command_line, setting

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tf_seq2seq"
ROOMS = ("layers", "search", "training", "data", "losses.py", "translat*.py")
# The grammar is data: a checksum of the corpus in its tests notices any change.
LEFT_OUT = (
    "data/synthetic/constructions/*",
    "data/synthetic/phrases.py",
    "data/synthetic/lexicon/[!k]*",  # all but kinds.py, which defines the kinds of entries
)
# Most of these fail at the first call, which would flatter the tests.
UNLIKELY = re.compile(r"_(FloorDiv|Mod|Pow|RShift|LShift|BitXor|Is|IsNot)$")
COPIED = ("tf_seq2seq", "tests", "chapters", "saved_models", "conftest.py", "pyproject.toml")


@dataclasses.dataclass(frozen=True)
class Settings:
    """Sample mutants of the package and count those that the tests of their module catch."""

    sample: int = setting(200, "how many mutants", least=1)
    seed: int = setting(1, "seed of the sample")
    workers: int = setting(2, "how many mutants are tested at a time", least=1)
    timeout: float = setting(
        300.0, "seconds after which a hanging mutant counts as caught", least=1
    )
    threshold: float = setting(95.0, "percentage that must be caught", least=0, most=100)
    modules: str = setting("*", "which modules, such as 'layers/*'")


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A module with one error in it.

    Attributes:
        module: path relative to the package.
        line: number of the mutated line.
        operator: the kind of mutation.
        code: the mutated module.
    """

    module: Path
    line: int
    operator: str
    code: str

    @property
    def tests(self) -> Path:
        """The module's test file, relative to the project's root."""
        return Path("tests", self.module.parent, f"test_{self.module.name}")

    @property
    def diff(self) -> str:
        """The lines before and after."""
        before = (PACKAGE / self.module).read_text(encoding="utf-8").splitlines()
        lines = difflib.unified_diff(before, self.code.splitlines(), n=0, lineterm="")
        return "\n".join(list(lines)[3:])


def sample_mutants(settings: Settings) -> list[Mutant]:
    """Draw mutants, at most one for each line."""
    places = defaultdict(list)
    for module in modules(settings.modules):
        for operator, occurrence, line in mutations(PACKAGE / module):
            places[module, line].append((operator, occurrence))
    rng = random.Random(settings.seed)
    order = sorted(places)
    rng.shuffle(order)
    drawn = []
    for module, line in order:
        source = (PACKAGE / module).read_text(encoding="utf-8")
        for operator, occurrence in rng.sample(places[module, line], len(places[module, line])):
            code = mutate_code(source, plugins.get_operator(operator)(), occurrence)
            if code is not None and meaning(code) not in (None, meaning(source)):
                drawn.append(Mutant(module, line, operator.removeprefix("core/"), code))
                break
        if len(drawn) == settings.sample:
            break
    return drawn


def modules(pattern: str) -> list[Path]:
    """Return the modules to mutate, relative to the package."""
    found = set()
    for room in ROOMS:
        for path in PACKAGE.glob(room):
            found |= {path} if path.is_file() else set(path.rglob("*.py"))
    relative = sorted(path.relative_to(PACKAGE) for path in found)
    return [
        path
        for path in relative
        if path.name != "__init__.py"
        and path.match(pattern)
        and not any(path.match(each) for each in LEFT_OUT)
    ]


def mutations(path: Path) -> list[tuple[str, int, int]]:
    """Return all mutations of a module: operator, number of its occurrence, and line."""
    nodes = list(ast_nodes(get_ast(path.read_text(encoding="utf-8"))))
    found = []
    for name in plugins.operator_names():
        operator_class = plugins.get_operator(name)
        if operator_class.arguments() or UNLIKELY.search(name):
            continue
        positions = itertools.chain.from_iterable(
            operator_class().mutation_positions(node) for node in nodes
        )
        found += [(name, i, start[0]) for i, (start, _) in enumerate(positions)]
    return found


def meaning(code: str) -> str | None:
    """Return the code's syntax tree without what has no effect; None if it does not compile.

    Annotations are never evaluated, static methods are called on their class, and
    `zip(..., strict=True)` guards against errors in this package, which no input provokes: a mutant
    that differs only there is equivalent.
    """
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return None
    for node in ast.walk(tree):
        if isinstance(node, ast.arg | ast.AnnAssign):
            node.annotation = ast.Constant(None)
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            node.decorator_list = [
                each for each in node.decorator_list if ast.unparse(each) != "staticmethod"
            ]
        if isinstance(node, ast.Call):
            node.keywords = [each for each in node.keywords if each.arg != "strict"]
    return ast.dump(tree)


def is_caught(mutant: Mutant, copy: Path, timeout: float) -> bool:
    """Run the module's tests on a copy of the project with the mutant in it."""
    path = copy / "tf_seq2seq" / mutant.module
    original = path.read_text(encoding="utf-8")
    path.write_text(mutant.code, encoding="utf-8")
    try:
        return run_tests(mutant.tests, copy, timeout) != 0
    finally:
        path.write_text(original, encoding="utf-8")


def run_tests(tests: Path, copy: Path, timeout: float) -> int:
    """Run a test file; return its exit code, or 1 if it does not end in time."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", str(tests)]
    environment = {**os.environ, "PYTHONPATH": str(copy), "TF_CPP_MIN_LOG_LEVEL": "3"}
    try:
        return subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, timeout=timeout
        ).returncode
    except subprocess.TimeoutExpired:
        return 1


def main(settings: Settings) -> int:
    """Test the mutants, print the survivors, and return the exit code."""
    started = time.monotonic()
    mutants = sample_mutants(settings)
    untested = sorted({str(m.tests) for m in mutants if not (ROOT / m.tests).is_file()})
    if untested:
        print(f"error: missing test files: {', '.join(untested)}", file=sys.stderr)
        return 1
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        copies: queue.Queue[Path] = queue.Queue()
        for worker in range(settings.workers):
            copy = Path(folder) / str(worker) / ROOT.name
            copy.mkdir(parents=True)
            for name in COPIED:
                source = ROOT / name
                ignored = shutil.ignore_patterns("__pycache__")
                if source.is_dir():
                    shutil.copytree(source, copy / name, ignore=ignored)
                else:
                    shutil.copy(source, copy / name)
            copies.put(copy)

        for tests in sorted({mutant.tests for mutant in mutants}):
            if run_tests(tests, copies.queue[0], settings.timeout):
                print(f"error: {tests} fails or takes too long without a mutant", file=sys.stderr)
                return 1

        def test(mutant: Mutant) -> tuple[Mutant, bool]:
            copy = copies.get()
            try:
                return mutant, is_caught(mutant, copy, settings.timeout)
            finally:
                copies.put(copy)

        with concurrent.futures.ThreadPoolExecutor(settings.workers) as pool:
            for number, (mutant, caught) in enumerate(pool.map(test, mutants), 1):
                place = f"{mutant.module}:{mutant.line} {mutant.operator}"
                outcome = "caught" if caught else "SURVIVED"
                print(f"{number:4}/{len(mutants)}  {outcome:8}  {place}", flush=True)
                if not caught:
                    survivors.append(mutant)
                    print(mutant.diff, flush=True)
    caught = 100 * (1 - len(survivors) / len(mutants))
    minutes = (time.monotonic() - started) / 60
    print(f"{caught:.1f} % of {len(mutants)} mutants caught in {minutes:.0f} minutes")
    return int(caught < settings.threshold)


if __name__ == "__main__":
    sys.exit(main(from_command_line(Settings)))
