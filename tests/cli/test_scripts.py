"""The console scripts that the package installs, and the chapters."""

import importlib
import os
import subprocess
import sys
import tomllib

import pytest
from helpers import ROOT

SCRIPTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_has_a_main_function_with_help(name, capsys):
    module, _, function = SCRIPTS[name].partition(":")
    main = getattr(importlib.import_module(module), function)
    assert f"`{name}`" in main.__doc__
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    assert "usage:" in capsys.readouterr().out


# Runs each program with `--help` and with a mistyped option, in one process.
EARLY = """
import contextlib, functools, io, runpy, sys
for program in sys.argv[1:]:
    is_path = program.endswith(".py")
    run = runpy.run_path if is_path else functools.partial(runpy.run_module, alter_sys=True)
    for option, code in (("--help", 0), ("--no-such-option", 2)):
        sys.argv = [program, option]
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            try:
                run(program, run_name="__main__")
            except SystemExit as end:
                assert end.code == code, (program, option, end.code)
            else:
                raise AssertionError(f"{program} ran with {option}")
        loaded = {"tensorflow", "keras", "matplotlib", "grpc"} & set(sys.modules)
        assert not loaded, (program, option, loaded)
"""


def test_the_command_line_is_read_before_anything_slow_is_imported():
    modules = [target.partition(":")[0] for target in SCRIPTS.values()]
    # `minimal.py` does not import the package, and has no options.
    chapters = [path for path in (ROOT / "chapters").glob("*.py") if path.stem != "minimal"]
    assert len(chapters) > 10
    process = subprocess.run(
        [sys.executable, "-c", EARLY, *modules, *map(str, chapters)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'chapters'}"},
        capture_output=True,
        text=True,
    )
    assert process.returncode == 0, process.stderr
    assert process.stderr == ""
