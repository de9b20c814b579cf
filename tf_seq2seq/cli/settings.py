"""Read settings from a command line, and report errors in one sentence with an exit code.

A program describes its settings as a dataclass, which also defines its `--help`:

    @dataclasses.dataclass(frozen=True)
    class Settings:
        \"\"\"Train a translator.\"\"\"

        epochs: int = setting(10, "passes over the training pairs", least=1)
        dev: Path | None = setting(None, "pairs to measure after each epoch")
        patience: int = setting(3, "epochs without improvement before training stops")

        def without_effect(self) -> Iterator[tuple[str, Sequence[str]]]:
            if self.dev is None:
                yield "without --dev", ["patience"]

    settings = from_command_line(Settings)

`--patience 5` without `--dev` is then an error instead of being ignored.

If there are several sets of defaults, `--preset` chooses one:

    settings = from_command_line(Settings, presets={"quick": {}, "book": {"epochs": 5}})
"""

from __future__ import annotations

import argparse
import dataclasses
import errno
import functools
import os
import re
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from tf_seq2seq.errors import DISK_FAULTS, InputError, Interrupted

T = TypeVar("T")


def setting(
    default: Any,
    text: str,
    choices: Sequence[str] | None = None,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    positional: bool = False,
    required: bool = False,
    reads: bool = False,
    sets: Sequence[str] = (),
) -> Any:
    """Return a field of a settings dataclass.

    Args:
        default: the value without the flag.
        text: the explanation that `--help` prints.
        choices: the allowed values; None for any.
        least, most: inclusive bounds of a number; None for no bound.
        above: exclusive lower bound of a number; None for no bound.
        positional: whether the argument has no flag and no default, and must be given.
        required: whether the flag must be given; `default` is then not used.
        reads: whether the value is the path of a file to read, which must exist.
        sets: the arguments that the setting determines, if error messages name those instead.
    """
    metadata = {"help": text, "choices": choices, "least": least, "most": most, "above": above}
    metadata |= {"positional": positional, "required": required, "reads": reads, "sets": sets}
    return dataclasses.field(default=default, metadata=metadata)


def from_command_line(
    settings: type[T],
    arguments: Sequence[str] | None = None,
    presets: Mapping[str, Mapping[str, Any]] | None = None,
) -> T:
    """Read settings, and make errors end the program as a command should.

    An input error, an interrupt or a full disk ends the program with one sentence on standard error
    and a non-zero exit code: 2 for an error on the command line, 130 for an interrupt, 143 for
    SIGTERM during training, otherwise 1.
    The sentence names options as the user types them. A bug keeps its traceback.

    Args:
        settings: a dataclass whose fields are made by `setting`. It may have a method
            `without_effect`, which yields pairs of a reason ("with --ensemble") and the names of
            the settings that have no effect for this reason: giving one of them is an error.
        arguments: the arguments after the program's name; None for those of this process. In a
            notebook there are none, and the defaults apply.
        presets: other defaults by the preset's name, each a mapping from setting to value; the
            first applies without `--preset`. A field named `preset` gets the name.

    Returns:
        An instance of `settings`.

    Raises:
        InputError: if a file to read does not exist.
    """
    _print_any_text()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # TensorFlow is verbose at startup
    if arguments is None:
        arguments = [] if "ipykernel" in sys.modules else sys.argv[1:]
    # The type checker cannot know that `T` is a dataclass.
    fields = {field.name: field for field in dataclasses.fields(typing.cast(Any, settings))}
    hints = typing.get_type_hints(settings)
    defaults = {name: field.default for name, field in fields.items()}
    # The parser has no defaults, so that it returns only what the user has given.
    parser = _Parser(
        description=settings.__doc__, allow_abbrev=False, argument_default=argparse.SUPPRESS
    )
    if presets:
        preset = _add_presets(parser, presets, arguments)
        defaults |= presets[preset]
        if fields.pop("preset", None):
            defaults["preset"] = preset
    for name, field in fields.items():
        in_presets = any(name in preset for preset in (presets or {}).values())
        _add_argument(parser, field, hints[name], defaults[name], in_presets)
    given = vars(parser.parse_args(arguments))
    parsed = settings(**{name: given.get(name, default) for name, default in defaults.items()})
    if hasattr(parsed, "without_effect"):
        for reason, names in parsed.without_effect():
            _refuse_unused(parser, [name for name in names if name in given], reason)
    sets = {name: field.metadata["sets"] for name, field in fields.items()}
    sys.excepthook = functools.partial(_end_with_one_sentence, defaults | given, sets)
    for name, field in fields.items():
        if field.metadata["reads"] and (path := getattr(parsed, name)) is not None:
            _check_file(path)
    return parsed


def _print_any_text() -> None:
    """Escape characters that the terminal's encoding lacks, rather than end with an error."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def _check_file(path: Path) -> None:
    problem = errno.ENOENT if not path.exists() else errno.EISDIR if path.is_dir() else None
    if problem is None and not os.access(path, os.R_OK):
        problem = errno.EACCES
    if problem is not None:
        raise InputError(f"{path} cannot be read ({os.strerror(problem)}): check the path.")


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _add_presets(parser, presets, arguments) -> str:
    """Add `--preset`, and return the name of the chosen one."""
    choices, default = tuple(presets), next(iter(presets))
    text = f"a set of defaults (default: {default}); --help shows its values"
    parser.add_argument("--preset", choices=choices, help=text)
    # A separate parser reads it first, because it decides the defaults of all other options.
    first = _Parser(add_help=False, allow_abbrev=False)
    first.add_argument("--preset", choices=choices, default=default)
    return first.parse_known_args(arguments)[0].preset


def _add_argument(parser, field, hint, default, in_presets) -> None:
    text = field.metadata["help"].replace("%", "%%")
    text_with_default = f"{text} (default: {str(default).replace('%', '%%')})"
    if hint is bool:
        # The command line can turn off what a preset turns on.
        action = argparse.BooleanOptionalAction if in_presets else "store_true"
        text = text_with_default if in_presets else text
        parser.add_argument(_flag(field.name), action=action, default=argparse.SUPPRESS, help=text)
        return
    read = _reader(hint, field.metadata)
    if field.metadata["positional"]:
        parser.add_argument(field.name, type=read, help=text)
        return
    parser.add_argument(
        _flag(field.name),
        type=read,
        choices=field.metadata["choices"],
        required=field.metadata["required"],
        metavar=None if field.metadata["choices"] else _metavar(field.name, read),
        help=text if default is None else text_with_default,
    )


def _metavar(name: str, read: Callable) -> str:
    """Return what stands for a value in `--help`: N for a number, else what it is."""
    return "N" if read.__name__ in ("int", "float") else name.rpartition("_")[2].upper()


def _refuse_unused(parser, names, reason) -> None:
    if names:
        *first, last = map(_flag, names)
        flags = f"{', '.join(first)} and {last} have" if first else f"{last} has"
        parser.error(f"{flags} no effect {reason}")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}; --help lists the options\n")


def _reader(hint: Any, bounds: Mapping[str, Any]) -> Callable[[str], Any]:
    """Return a function that reads a value of type `T` or `T | None` within its bounds."""
    least, most, above = bounds["least"], bounds["most"], bounds["above"]
    if isinstance(hint, types.UnionType):
        (hint,) = (part for part in typing.get_args(hint) if part is not types.NoneType)

    def read(text: str) -> Any:
        value = hint(text)
        if isinstance(value, Path):  # the shell leaves the ~ in --output=~/file alone
            value = value.expanduser()
        if value != value:
            raise argparse.ArgumentTypeError(f"expected a number, got {text}")
        if least is not None and value < least:
            raise argparse.ArgumentTypeError(f"expected {least} or more, got {text}")
        if above is not None and value <= above:
            raise argparse.ArgumentTypeError(f"expected more than {above}, got {text}")
        if most is not None and value > most:
            raise argparse.ArgumentTypeError(f"expected {most} or less, got {text}")
        return value

    read.__name__ = hint.__name__  # argparse names it in its message on a value of another type.
    return read


def _with_flags(message: str, values: Mapping[str, Any], sets: Mapping[str, Sequence[str]]) -> str:
    """Name the command's options in a message.

    They replace `name`, name=value, a name of several words ("learning rate") and a path at the
    start of the message.
    """
    set_by_others = {name for names in sets.values() for name in names}
    for option, names in sets.items():
        if any(f"{name}=" in message for name in names):
            message += f" {_flag(option)} sets {' and '.join(names)}."
    for name, value in values.items():
        if isinstance(value, Path) and re.match(rf"{re.escape(str(value))}[ ,:]", message):
            message = f"{_flag(name)} {message}"
            break

    def flag(match: re.Match) -> str:
        name = match["quoted"] or match["assigned"]
        if name not in values or (match["assigned"] and name in set_by_others):
            return match[0]
        return _flag(name) if match["quoted"] else f"{_flag(name)} "

    message = re.sub(r"`(?P<quoted>\w+)`|(?<![\w.-])(?P<assigned>\w+)=(?=\S)", flag, message)
    for name in values:
        if "_" in name:
            message = re.sub(rf"\b{name.replace('_', ' ')}\b", _flag(name), message)
    return message


_SIZES = (
    *("units", "string_units", "embedding_size", "num_layers", "batch_size", "tokens", "length"),
    *("max_length", "vocabulary_size", "source_size", "target_size", "beam_width"),
)
"""The options on which the memory depends."""


def _is_out_of_memory(error: BaseException) -> bool:
    # TensorFlow's error, which is not imported for this.
    return isinstance(error, MemoryError) or type(error).__name__ == "ResourceExhaustedError"


def _was_interrupted(error: BaseException) -> bool:
    """Return whether Ctrl-C led to an error: TensorFlow may turn it into one of its own.

    The user has to know of a disk that is full while the program ends.
    """
    cause: BaseException | None = error
    while isinstance(cause, Exception):
        if isinstance(cause, InputError | OSError) or _is_out_of_memory(cause):
            return False
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return cause is not error and isinstance(cause, KeyboardInterrupt)


def _end_with_one_sentence(values, sets, kind, error, traceback) -> None:
    """Serve as `sys.excepthook`, which Python calls before it exits with a non-zero code."""
    if _was_interrupted(error):
        error = KeyboardInterrupt()
    if isinstance(error, InputError):
        print(f"error: {_with_flags(str(error), values, sets)}", file=sys.stderr)
    elif _is_out_of_memory(error):
        flags = ", ".join(_flag(name) for name in _SIZES if name in values)
        how = f"choose lower values for {flags}" if flags else "use less data"
        print(f"error: there is not enough memory: {how}", file=sys.stderr)
    elif isinstance(error, KeyboardInterrupt | Interrupted) and str(error) and "resume" in values:
        print(f"\n{_with_flags(str(error), values, sets)}", file=sys.stderr)
    elif isinstance(error, KeyboardInterrupt | Interrupted):
        how = "the same command starts again from the beginning"
        if "resume" in values:
            how += "; with --resume it continues from the last checkpoint, if one was written"
        print(f"\ninterrupted: {how}", file=sys.stderr)
    elif isinstance(error, OSError) and error.errno in DISK_FAULTS:
        where = f" {error.filename}" if error.filename else ""
        print(
            f"error: cannot write{where} ({error.strerror}): make room, or choose another place",
            file=sys.stderr,
        )
    elif isinstance(error, BrokenPipeError):
        # The reader has closed the pipe; discard the rest of the buffer.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    else:
        sys.__excepthook__(kind, error, traceback)
    if isinstance(error, Interrupted):
        sys.exit(143)
