"""The names of the package as a whole."""

import importlib
import pkgutil
import subprocess
import sys
import types

import keras
import pytest
from helpers import ROOT

import tf_seq2seq


def test_no_name_hides_a_module():
    for module in pkgutil.walk_packages(tf_seq2seq.__path__, "tf_seq2seq."):
        importlib.import_module(module.name)
        parent, _, name = module.name.rpartition(".")
        found = getattr(importlib.import_module(parent), name)
        assert isinstance(found, types.ModuleType), f"{found} hides the module {module.name}"


@pytest.mark.parametrize("package", [tf_seq2seq, tf_seq2seq.serving])
def test_names_that_are_imported_when_they_are_used(package):
    for name in package.__all__:
        assert getattr(package, name) is not None
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'Foo'"):
        _ = package.Foo
    with pytest.raises(ImportError, match="cannot import name 'Foo'"):
        exec(f"from {package.__name__} import Foo")


@pytest.mark.parametrize(
    "imports",
    [
        pytest.param("import keras, tf_seq2seq", marks=pytest.mark.slow),  # as `test_saving` loads
        "import tf_seq2seq, keras",
        "import tf_seq2seq, tensorflow; tensorflow.keras.models; import keras",
        pytest.param(
            "import tf_seq2seq; tf_seq2seq.TokenAccuracy; import keras", marks=pytest.mark.slow
        ),
    ],
)
def test_keras_knows_all_classes_in_any_order_of_imports(imports):
    program = f"{imports}; print(*keras.saving.get_custom_objects(), sep='\\n')"
    known = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\n")
    test_no_name_hides_a_module()  # imports all modules
    ours = [name for name in keras.saving.get_custom_objects() if name.startswith("tf_seq2seq>")]
    assert len(ours) > 10
    assert set(ours) <= set(known)
