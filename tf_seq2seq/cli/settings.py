"""What the chapters' command lines share: a flag for each setting, and one sentence for each fault.

A chapter describes its settings as a dataclass, which is its configuration and its help at once:

    @dataclasses.dataclass(frozen=True)
    class Settings:
        \"\"\"Train a translator.\"\"\"

        epochs: int = setting(10, "passes over the training pairs")

    settings = from_command_line(Settings)

Where a chapter has several sets of defaults, `--preset` chooses among them:

    settings = from_command_line(Settings, presets={"quick": {}, "book": {"epochs": 5}})
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import os
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from tf_seq2seq.errors import DISK_FAULTS, InputError

T = TypeVar("T")


def setting(
    default: Any,
    text: str,
    choices: Sequence[str] | None = None,
    least: float | None = None,
    most: float | None = None,
    positional: bool = False,
) -> Any:
    """A field of a settings dataclass: its default, what it means, and the values it may have.

    A positional one has no flag and no default: the command line must give it.
    """
    metadata = {"help": text, "choices": choices, "least": least, "most": most}
    return dataclasses.field(default=default, metadata={**metadata, "positional": positional})


def from_command_line(
    settings: type[T],
    arguments: Sequence[str] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
) -> T:
    """Read a chapter's settings, and from here on end the program as a command should.

    A fault of the input, an interrupt or a full disk ends it with one sentence on standard error
    and a non-zero exit code: 2 for a fault of the command line, 130 for an interrupt, else 1. A
    fault of the program keeps its traceback.

    Args:
        settings: a dataclass whose fields are made by `setting`.
        arguments: what stands on the command line after the program's name; None for that of this
            process. In a notebook there is none, and the defaults hold.
        presets: other defaults by the preset's name, each a mapping from field to value; the
            first is the one that holds without `--preset`. A field named `preset` is told which
            it was.
    """
    if arguments is None:
        arguments = [] if "ipykernel" in sys.modules else sys.argv[1:]
    parser = _Parser(description=settings.__doc__, allow_abbrev=False)
    defaults = {field.name: field.default for field in dataclasses.fields(settings)}
    if presets:
        defaults |= _add_presets(parser, presets, arguments)
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        if presets and field.name == "preset":
            continue
        flag = "--" + field.name.replace("_", "-")
        text = field.metadata["help"].replace("%", "%%")
        if hints[field.name] is bool:
            # What a preset turns on, the command line can turn off.
            in_presets = any(field.name in preset for preset in (presets or {}).values())
            action = argparse.BooleanOptionalAction if in_presets else "store_true"
            parser.add_argument(flag, action=action, default=defaults[field.name], help=text)
            continue
        if field.metadata["positional"]:
            parser.add_argument(field.name, type=_reader(hints[field.name], None, None), help=text)
            continue
        parser.add_argument(
            flag,
            type=_reader(hints[field.name], field.metadata["least"], field.metadata["most"]),
            default=defaults[field.name],
            choices=field.metadata["choices"],
            metavar=None if field.metadata["choices"] else field.name.rpartition("_")[2].upper(),
            help=text if defaults[field.name] is None else f"{text} (default: %(default)s)",
        )
    values = vars(parser.parse_args(arguments))
    parsed = settings(**{name: values[name] for name in defaults if name in values})
    sys.excepthook = functools.partial(_end_with_one_sentence, "resume" in hints)
    return parsed


def _add_presets(parser, presets, arguments) -> Mapping[str, Any]:
    """Add `--preset`, and return the defaults of the one that is asked for."""
    flag = {
        "choices": tuple(presets),
        "default": next(iter(presets)),
        "help": "which set of defaults to take (default: %(default)s); --help shows those of the "
        "preset that stands before it",
    }
    parser.add_argument("--preset", **flag)
    # A parser of its own, because the defaults of all other options hang on this one.
    first = _Parser(add_help=False, allow_abbrev=False)
    first.add_argument("--preset", **flag)
    return presets[first.parse_known_args(arguments)[0].preset]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; --help lists the options\n")


def _reader(hint: Any, least: float | None, most: float | None) -> Callable[[str], Any]:
    """What reads a value of type `T` or `T | None`, within its bounds."""
    if isinstance(hint, types.UnionType):
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)

    def read(text: str) -> Any:
        value = hint(text)
        if value != value:
            raise argparse.ArgumentTypeError(f"expected a number, got {text}")
        if least is not None and value < least:
            raise argparse.ArgumentTypeError(f"expected {least} or more, got {text}")
        if most is not None and value > most:
            raise argparse.ArgumentTypeError(f"expected {most} or less, got {text}")
        return value

    read.__name__ = hint.__name__  # argparse names it in its message on a value of another type.
    return read


def _end_with_one_sentence(resumes, kind, error, traceback) -> None:
    """What Python calls for an exception that nobody caught, before it exits with its code."""
    if isinstance(error, InputError):
        print(f"error: {error}", file=sys.stderr)
    elif isinstance(error, KeyboardInterrupt):
        how = "with --resume goes on from the last checkpoint" if resumes else "begins anew"
        print(f"\ninterrupted: the same command {how}", file=sys.stderr)
    elif isinstance(error, OSError) and error.errno in DISK_FAULTS:
        where = f" {error.filename}" if error.filename else ""
        print(
            f"error: cannot write{where} ({error.strerror}): make room, or choose another place",
            file=sys.stderr,
        )
    elif isinstance(error, BrokenPipeError):
        # Whoever read the output has enough; what is still in its buffer goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    else:
        sys.__excepthook__(kind, error, traceback)
