import contextlib
import importlib
import sys

import pytest

from tf_seq2seq.lazy import after_import, lazy_names


@pytest.fixture
def package(tmp_path, monkeypatch):
    """The lazy names of a package with two submodules, one of which lacks what it needs."""
    folder = tmp_path / "a_lazy_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "good.py").write_text("VALUE = 5")
    (folder / "bad.py").write_text("import a_missing_package")
    monkeypatch.syspath_prepend(tmp_path)
    yield lazy_names(folder.name, {"VALUE": "good", "OTHER": "bad"})
    for name in [*sys.modules]:
        if name.partition(".")[0] == folder.name:
            del sys.modules[name]


def test_names_and_submodules(package):
    assert "a_lazy_package" not in sys.modules
    assert package("VALUE") == package("good").VALUE == 5
    with pytest.raises(AttributeError, match="module 'a_lazy_package' has no attribute 'nothing'"):
        package("nothing")


@pytest.mark.parametrize("name", ["OTHER", "bad"])
def test_a_missing_requirement_is_not_hidden(package, name):
    with pytest.raises(ModuleNotFoundError, match="a_missing_package"):
        package(name)


def test_something_happens_once_after_an_import(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path])
    done = []
    after_import("a_late_package", lambda: done.append(sys.modules["a_late_package"].VALUE))
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("a_late_package")
    for content in ("1 / 0", "VALUE = 5"):
        assert done == []
        (tmp_path / "a_late_package.py").write_text(content)
        importlib.invalidate_caches()
        with contextlib.suppress(ZeroDivisionError):
            importlib.import_module("a_late_package")
    assert done == [5]
    del sys.modules["a_late_package"]
    assert importlib.import_module("a_late_package").VALUE == 5
    assert done == [5]
    del sys.modules["a_late_package"]
