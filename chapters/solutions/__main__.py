"""Run the solutions of a chapter:    python chapters/solutions ch08_1

Each is a function whose docstring answers the exercise, and which returns the figures.
"""

import importlib
import sys
from pathlib import Path

HERE = Path(__file__).parent
NAMES = sorted(path.stem for path in HERE.glob("[!_]*.py"))


def main(arguments: list[str]) -> None:
    """Print the answer and the result of each solution of a chapter."""
    if len(arguments) != 1 or arguments[0] not in NAMES:
        sys.exit(f"Name a chapter: {', '.join(NAMES)}.")
    sys.path.insert(0, str(HERE.parent))
    module = importlib.import_module(f"solutions.{arguments[0]}")
    for number in (1, 2, 3):
        exercise = getattr(module, f"exercise_{number}")
        print(f"{number}. {exercise.__doc__}\n    -> {exercise()}\n", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
