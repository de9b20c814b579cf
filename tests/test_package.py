"""The names of the package as a whole."""

import importlib
import pkgutil
import types

import tf_seq2seq


def test_no_name_hides_a_module():
    for module in pkgutil.walk_packages(tf_seq2seq.__path__, "tf_seq2seq."):
        importlib.import_module(module.name)
        parent, _, name = module.name.rpartition(".")
        found = getattr(importlib.import_module(parent), name)
        assert isinstance(found, types.ModuleType), f"{found} hides the module {module.name}"
