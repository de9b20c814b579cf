import sys

import pytest

from tf_seq2seq.lazy import lazy_names


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
