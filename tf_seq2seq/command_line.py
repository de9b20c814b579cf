"""What the chapters' command lines share: a flag for each setting, and one sentence for each fault.

A chapter describes its settings as a dataclass, which is its configuration and its `--help` at once:

    @dataclasses.dataclass(frozen=True)
    class Settings:
        \"\"\"Train a translator.\"\"\"

        epochs: int = setting(10, "passes over the training pairs")

    if __name__ == "__main__":
        run(main, Settings)
"""

from __future__ import annotations

import argparse
import dataclasses
import errno
import sys
import types
import typing
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from tf_seq2seq.errors import InputError

T = TypeVar("T")


def setting(default: Any, text: str, choices: Sequence[str] | None = None) -> Any:
    """A field of a settings dataclass: its default, what it means, and the values it may have."""
    return dataclasses.field(default=default, metadata={"help": text, "choices": choices})


def parse(settings: type[T], arguments: Sequence[str] | None = None) -> T:
    """Read settings from a command line; a fault or `--help` ends the program."""
    parser = _Parser(
        description=settings.__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    hints = typing.get_type_hints(settings)
    for field in dataclasses.fields(settings):
        flag = "--" + field.name.replace("_", "-")
        text = field.metadata["help"].replace("%", "%%")
        if hints[field.name] is bool:
            parser.add_argument(flag, action="store_true", help=text)
            continue
        shown = "none" if field.default is None else "%(default)s"
        parser.add_argument(
            flag,
            type=_value_type(hints[field.name]),
            default=field.default,
            choices=field.metadata["choices"],
            metavar=None if field.metadata["choices"] else field.name.rpartition("_")[2].upper(),
            help=f"{text} (default: {shown})",
        )
    return settings(**vars(parser.parse_args(arguments)))


def run(main: Callable[[T], None], settings: type[T]) -> NoReturn:
    """Run a chapter's `main` as a program.

    The exit code is 0 only if `main` came to its end; 1 for a fault of the input, 2 for one of the
    command line, 130 after an interrupt.
    """
    parsed = parse(settings)
    try:
        main(parsed)
    except InputError as error:
        _end(f"error: {error}", 1)
    except KeyboardInterrupt:
        _end("interrupted; the same command with --resume goes on from the last checkpoint", 130)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EPERM):
            raise
        where = f" ({error.filename})" if error.filename else ""
        _end(f"error: {error.strerror}{where}; make room, or choose another --output-dir", 1)
    sys.exit(0)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        _end(f"error: {message}; --help lists the options", 2)


def _value_type(hint: Any) -> type:
    """`T` of `T` or `T | None`."""
    if isinstance(hint, types.UnionType):
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)
    return hint


def _end(message: str, code: int) -> NoReturn:
    print(message, file=sys.stderr)
    sys.exit(code)
