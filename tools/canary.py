"""Run the fast tests with neighboring versions:    make canary

    python tools/canary.py                        all of them, six minutes each
    python tools/canary.py python3.13 nightly     those whose names contain one of these

Each has an environment of its own, in .canary/NAME, with the versions of requirements.txt but for
those named. Prints a table for docs/compatibility.md.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".canary"
SHOWN = ("tensorflow", "tensorflow-text", "keras", "keras-nightly", "numpy")
FAST = ("-m", "pytest", "-n", "2", "--dist", "loadfile", "-m", "fast and not slow")


class Neighbor(NamedTuple):
    """Versions to try.

    Attributes:
        python: the name of the interpreter.
        replaced: packages to uninstall.
        packages: what to install afterwards, whatever requirements.txt says.
    """

    python: str
    replaced: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()


NEIGHBORS = {
    "python3.11": Neighbor("python3.11"),
    "python3.12": Neighbor("python3.12"),
    "python3.13": Neighbor("python3.13"),
    "tensorflow-2.20": Neighbor(
        "python3.11",
        packages=(
            "tensorflow==2.20.*",
            "tensorflow-text==2.20.*",
            "tensorflow-serving-api==2.20.*",
        ),
    ),
    "keras-nightly": Neighbor("python3.11", ("keras",), ("keras-nightly",)),
}


def command(*arguments: str | Path) -> None:
    """Run a command; what it prints is shown if it fails.

    Raises:
        subprocess.CalledProcessError: if it fails.
    """
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        print(done.stdout, done.stderr, file=sys.stderr)
        done.check_returncode()


def prepare(neighbor: Neighbor, folder: Path) -> Path:
    """Make an environment, unless an earlier run has; return its Python."""
    python = folder / "bin" / "python"
    ready = folder / ".ready"
    if not ready.exists():
        shutil.rmtree(folder, ignore_errors=True)
        command(neighbor.python, "-m", "venv", folder)
        install = (python, "-m", "pip", "install", "--quiet")
        command(*install, "--editable", ".[dev]")
        if neighbor.replaced:
            command(python, "-m", "pip", "uninstall", "--quiet", "--yes", *neighbor.replaced)
        if neighbor.packages:
            command(*install, "--pre", "--upgrade", *neighbor.packages)
        ready.touch()
    return python


def versions(python: Path) -> str:
    """Return the versions in an environment, for the table."""
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "freeze"], capture_output=True, text=True
    )
    found = dict(line.split("==", 1) for line in listed.stdout.splitlines() if "==" in line)
    number = subprocess.run([python, "--version"], capture_output=True, text=True).stdout.strip()
    return ", ".join([number, *(f"{name} {found[name]}" for name in SHOWN if name in found)])


def row(name: str, neighbor: Neighbor) -> tuple[str, bool]:
    """Try some versions; return a row of the table, and whether all tests passed."""
    if shutil.which(neighbor.python) is None:
        return f"| {name} | | not tried: {neighbor.python} is not installed |", True
    try:
        python = prepare(neighbor, ENVIRONMENTS / name)
    except subprocess.CalledProcessError:
        return f"| {name} | | cannot be installed |", False
    log = ENVIRONMENTS / f"{name}.log"
    with log.open("w", encoding="utf-8") as file:
        passed = not subprocess.run(
            [python, *FAST], cwd=ROOT, stdout=file, stderr=subprocess.STDOUT
        ).returncode
    counts = re.findall(r"^.*\b(?:passed|failed|error).* in .*$", log.read_text(), re.MULTILINE)
    result = counts[-1].strip("= ") if counts else f"the tests did not run, see {log}"
    return f"| {name} | {versions(python)} | {result} |", passed


def main(parts: list[str]) -> int:
    """Try the neighbors whose names contain one of `parts`, or all of them."""
    chosen = [name for name in NEIGHBORS if not parts or any(part in name for part in parts)]
    if not chosen:
        print(f"error: No neighbor has a name with {' or '.join(parts)}: {', '.join(NEIGHBORS)}.")
        return 1
    rows, all_passed = [], True
    for name in chosen:
        begin = time.monotonic()
        print(f"{name} ...", end=" ", flush=True)
        found, passed = row(name, NEIGHBORS[name])
        print(f"{time.monotonic() - begin:.0f} s", flush=True)
        rows.append(found)
        all_passed &= passed
    print("\n| neighbor | versions | fast tests |\n|---|---|---|", *rows, sep="\n")
    return not all_passed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
