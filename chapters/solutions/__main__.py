"""Run the solutions of a chapter:    python chapters/solutions ch08_1

Each is a function whose docstring answers the exercise, and which returns the figures.
"""

import importlib
import re
import sys
import textwrap
from pathlib import Path

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("[!_]*.py"))


def exercises(name: str) -> list[str]:
    """Return the exercises at the end of a chapter."""
    (chapter,) = HERE.parent.glob(f"{name}*.py")
    _, _, end = chapter.read_text(encoding="utf-8").partition("# ## Exercises\n")
    text, _, _ = re.sub("^# ?", "", end, flags=re.MULTILINE).partition("\nSolutions:")
    return [" ".join(each.split()) for each in re.split(r"^\d\. ", text, flags=re.MULTILINE)[1:]]


def main(arguments: list[str]) -> None:
    """Print the answer and the result of each solution of a chapter."""
    if len(arguments) != 1 or arguments[0] not in NAMES:
        sys.exit(f"Name a chapter: {', '.join(NAMES)}.")
    sys.path.insert(0, str(HERE.parent))
    module = importlib.import_module(f"solutions.{arguments[0]}")
    for number, question in enumerate(exercises(arguments[0]), 1):
        print(textwrap.fill(f"{number}. {question}", 100, subsequent_indent="   "), flush=True)
        solve = getattr(module, f"exercise_{number}")
        print(f"\n   {solve.__doc__}\n   -> {solve()}\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
