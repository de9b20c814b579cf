import contextlib
import dataclasses
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from common.settings import TrainingSettings
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError, Interrupted


@dataclasses.dataclass(frozen=True)
class Settings:
    """Do something."""

    epochs: int = setting(4, "passes over 100% of the pairs", least=1)
    rate: float = setting(0.1, "learning rate", least=0, most=1)
    pairs: Path | None = setting(None, "a file")
    kind: str = setting("a", "one of two", choices=("a", "b"))
    scale: float = setting(1.0, "a factor", above=0)
    resume: bool = setting(False, "go on")


@pytest.fixture(autouse=True)
def _keep_excepthook(monkeypatch):
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)


def test_defaults():
    assert from_command_line(Settings, []) == Settings()


def test_values_have_their_types():
    arguments = ["--epochs", "2", "--rate", "1e-3", "--pairs", "x.tsv", "--kind", "b", "--resume"]
    expected = Settings(epochs=2, rate=1e-3, pairs=Path("x.tsv"), kind="b", resume=True)
    assert from_command_line(Settings, arguments) == expected


def test_a_path_may_begin_with_the_home_directory(monkeypatch):
    monkeypatch.setenv("HOME", "/home/me")
    assert from_command_line(Settings, ["--pairs=~/x.tsv"]).pairs == Path("/home/me/x.tsv")


def test_help_names_each_option_with_its_default(capsys):
    with pytest.raises(SystemExit) as end:
        from_command_line(Settings, ["--help"])
    assert end.value.code == 0
    printed = capsys.readouterr().out
    assert "passes over 100% of the pairs (default: 4)" in " ".join(printed.split())
    assert "{a,b}" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epoch", "3"], "unrecognized arguments: --epoch 3"),
        (["--epochs", "many"], "argument --epochs: invalid int value: 'many'"),
        (["--epochs", "0"], "argument --epochs: expected 1 or more, got 0"),
        (["--rate", "nan"], "argument --rate: expected a number, got nan"),
        (["--rate", "1.5"], "argument --rate: expected 1 or less, got 1.5"),
        (["--scale", "0"], "argument --scale: expected more than 0, got 0"),
        (["--kind", "c"], "invalid choice: 'c'"),
    ],
)
def test_an_error_of_the_command_line_is_one_sentence(arguments, message, capsys):
    with pytest.raises(SystemExit) as end:
        from_command_line(Settings, arguments)
    assert end.value.code == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert "--help" in printed
    assert printed.count("\n") == 1


@dataclasses.dataclass(frozen=True)
class Trained(TrainingSettings):
    """Train something."""

    output_dir: Path = setting(Path("output/x"), "where things go")
    preset: str = setting("quick", "which one")
    epochs: int = setting(1, "passes")
    units: int | None = setting(None, "width")
    tied: bool = setting(False, "one matrix for both")


PRESETS = {"quick": {}, "book": {"epochs": 5, "units": 300, "tied": True}}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], Trained()),
        (["--preset", "book"], Trained(preset="book", epochs=5, units=300, tied=True)),
        (["--units", "7", "--preset=book"], Trained(preset="book", epochs=5, units=7, tied=True)),
        (["--preset", "book", "--no-tied"], Trained(preset="book", epochs=5, units=300)),
    ],
)
def test_a_preset_is_another_set_of_defaults(arguments, expected):
    assert from_command_line(Trained, arguments, PRESETS) == expected


def test_help_shows_the_defaults_of_the_preset(capsys):
    with pytest.raises(SystemExit):
        from_command_line(Trained, ["--preset", "book", "--help"], PRESETS)
    printed = " ".join(capsys.readouterr().out.split())
    assert "width (default: 300)" in printed
    assert "where things go (default: output/x)" in printed


def test_an_unknown_preset(capsys):
    with pytest.raises(SystemExit) as end:
        from_command_line(Trained, ["--preset", "huge"], PRESETS)
    assert end.value.code == 2
    assert "invalid choice: 'huge'" in capsys.readouterr().err


@dataclasses.dataclass(frozen=True)
class WithoutResume:
    """Do something short."""


@dataclasses.dataclass(frozen=True)
class WithUnused(TrainingSettings):
    """Train something, or measure what is trained."""

    preset: str = setting("quick", "which one")
    translator: Path | None = setting(None, "measure this one instead")
    epochs: int = setting(1, "passes")
    test: Path | None = setting(None, "what to measure on")

    def without_effect(self):
        if self.translator is not None:
            yield "with --translator", ["epochs", "strategy", "resume"]
        else:
            yield "without --translator", ["test"]


MEASURE = {"train": {}, "measure": {"translator": Path("x"), "epochs": 3, "resume": False}}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--translator", "x", "--epochs", "1"], "--epochs has no effect with --translator;"),
        (["--preset", "measure", "--resume"], "--resume has no effect with --translator;"),
        (
            ["--preset", "measure", "--no-resume", "--strategy=default", "--epochs=3"],
            "--epochs, --strategy and --resume have no effect with --translator;",
        ),
        (["--test", "x"], "--test has no effect without --translator;"),
    ],
)
def test_an_option_without_effect_is_refused(arguments, message, capsys):
    with pytest.raises(SystemExit) as end:
        from_command_line(WithUnused, arguments, MEASURE)
    assert end.value.code == 2
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["--preset", "measure"], ["--epochs", "2"]])
def test_defaults_without_effect_are_not_refused(arguments):
    from_command_line(WithUnused, arguments, MEASURE)


@pytest.mark.parametrize(
    ("message", "printed"),
    [
        ("data/x has no train.txt.", "--pairs data/x has no train.txt."),
        ("data/x/train.txt is empty.", "data/x/train.txt is empty."),
        ("There is no data/x.", "There is no data/x."),
    ],
)
def test_a_path_at_the_start_is_named_by_its_option(message, printed, capsys):
    from_command_line(Settings, ["--pairs", "data/x"])
    sys.excepthook(InputError, InputError(message), None)
    assert capsys.readouterr().err == f"error: {printed}\n"


@dataclasses.dataclass(frozen=True)
class Rated:
    """Train with options that have other names than the arguments they set."""

    learning_rate: float = setting(0.1, "rate")
    held_out: int = setting(10, "pairs", sets=("dev", "test"))
    units: int = setting(10, "width")
    batch_size: int = setting(10, "rows")


class ResourceExhaustedError(Exception):
    """An error with the name of TensorFlow's."""


@dataclasses.dataclass(frozen=True)
class Reads:
    """Read something."""

    file: Path | None = setting(None, "what to read", reads=True)


def test_a_file_to_read_must_exist(tmp_path):
    assert from_command_line(Reads, []).file is None
    with pytest.raises(InputError, match=r"nowhere\.txt cannot be read \(No such file"):
        from_command_line(Reads, ["--file", str(tmp_path / "nowhere.txt")])
    with pytest.raises(InputError, match=r"cannot be read \(Is a directory\): check"):
        from_command_line(Reads, ["--file", str(tmp_path)])
    (tmp_path / "here.txt").touch()
    assert from_command_line(Reads, ["--file", str(tmp_path / "here.txt")]).file.exists()


DISK_FULL = OSError(errno.ENOSPC, "No space left on device", "out/x")


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        (Settings, InputError("The file x is empty."), "error: The file x is empty.\n"),
        (Settings, InputError("`epochs` must be 1, got 0."), "error: --epochs must be 1, got 0.\n"),
        (Trained, InputError("`data_dir` is empty."), "error: --data-dir is empty.\n"),
        (Settings, InputError("No pair fits epochs=0."), "error: No pair fits --epochs 0.\n"),
        (Settings, InputError("`units` fit x_rate=0."), "error: `units` fit x_rate=0.\n"),
        (Settings, KeyboardInterrupt(), "\ninterrupted: the same command starts again"),
        (Settings, KeyboardInterrupt("Use `resume`."), "\nUse --resume.\n"),
        (Trained, InputError("Lower the learning rate."), "error: Lower the learning rate.\n"),
        (Rated, InputError("Lower the learning rate."), "error: Lower the --learning-rate.\n"),
        (
            Rated,
            InputError("dev=5 is too large."),
            "error: dev=5 is too large. --held-out sets dev",
        ),
        (Rated, MemoryError(), "error: there is not enough memory: choose lower values for"),
        (Rated, ResourceExhaustedError("OOM"), "error: there is not enough memory: choose lower"),
        (WithoutResume, MemoryError(), "error: there is not enough memory: use less data\n"),
        (WithoutResume, KeyboardInterrupt(), "\ninterrupted: the same command starts again"),
        (Settings, Interrupted("Use `resume`."), "\nUse --resume.\n"),
        (WithoutResume, Interrupted("Use `resume`."), "\ninterrupted: the same command starts"),
        (Settings, DISK_FULL, "error: cannot write out/x (No space left on device): make room"),
    ],
)
def test_an_error_is_one_sentence(settings, error, message, capsys):
    from_command_line(settings, [])
    with contextlib.suppress(SystemExit):  # with the exit code of SIGTERM
        sys.excepthook(type(error), error, None)
    printed = capsys.readouterr().err
    assert printed.startswith(message)
    assert printed.strip().count("\n") == 0


def test_an_interrupt_that_became_another_error(capsys):
    from_command_line(Settings, [])
    try:
        try:
            raise KeyboardInterrupt
        finally:
            raise SystemError("bad argument to internal function")
    except SystemError as error:
        sys.excepthook(SystemError, error, error.__traceback__)
    assert capsys.readouterr().err.startswith("\ninterrupted: ")


def test_another_error_after_an_interrupt_is_reported(capsys):
    from_command_line(Settings, [])
    full = OSError(errno.ENOSPC, "No space left on device", "weights")
    for error, told in ((full, "error: cannot write weights"), (MemoryError(), "error: there is")):
        try:
            try:
                raise KeyboardInterrupt
            finally:
                raise error
        except Exception as caught:
            sys.excepthook(type(caught), caught, caught.__traceback__)
        assert capsys.readouterr().err.startswith(told)


def test_numbers_in_help(capsys):
    with pytest.raises(SystemExit):
        from_command_line(Settings, ["--help"])
    assert "--epochs N" in capsys.readouterr().out


def test_a_path_that_the_system_refuses_is_named(tmp_path, capsys):
    from_command_line(Settings, [])
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (tmp_path / ("x" * 300), tmp_path / "loop"):
        with pytest.raises(OSError) as caught:
            path.write_text("")
        sys.excepthook(OSError, caught.value, None)
        assert capsys.readouterr().err.startswith(f"error: cannot write {path} (")


PROGRAM = """
import dataclasses
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.errors import InputError, Interrupted

@dataclasses.dataclass
class Settings:
    epochs: int = setting(3, "passes")

from_command_line(Settings)
raise {error}
"""


def test_characters_that_the_encoding_lacks_are_escaped():
    program = PROGRAM.replace("raise {error}", "print('测试 Käse ￭ 🙂')")
    process = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONIOENCODING": "gbk"},
        capture_output=True,
        check=True,
    )
    assert process.stdout.decode("gbk").strip() == r"测试 K\xe4se \uffed \U0001f642"


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        ("InputError('The file x is empty.')", 1, "error: The file x is empty.\n"),
        ("KeyboardInterrupt", -signal.SIGINT, "\ninterrupted: the same command starts again"),
        ("Interrupted('...')", 143, "\ninterrupted: the same command starts again"),
        ("KeyError('bug')", 1, "Traceback"),
    ],
)
def test_how_a_program_ends(error, code, message):
    process = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(error=error)], capture_output=True, text=True
    )
    assert process.returncode == code
    assert message in process.stderr
    assert ("Traceback" in process.stderr) == (message == "Traceback")
