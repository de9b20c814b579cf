"""Names that are imported when they are first used (PEP 562), and work after another import."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Callable, Mapping
from importlib.machinery import ModuleSpec
from typing import Any


def lazy_names(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the `__getattr__` of a package that imports its names when they are first used.

    Args:
        package: the package's `__name__`.
        homes: for each name, the submodule that defines it. Submodules themselves need no entry.

    Raises:
        AttributeError: from the returned function, if neither the package nor a submodule has the
            name.

    Example:

    >>> lazy_names("tf_seq2seq", {"Decoder": "layers"})("Decoder")
    <class 'tf_seq2seq.layers.decoder.Decoder'>
    """

    def find(name: str) -> Any:
        if name in homes:
            return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)
        submodule = f"{package}.{name}"
        try:
            return importlib.import_module(submodule)
        except ModuleNotFoundError as error:
            if error.name != submodule:  # it exists, but something that it needs does not
                raise
            raise AttributeError(f"module {package!r} has no attribute {name!r}") from None

    return find


def after_import(name: str, act: Callable[[], object]) -> None:
    """Do something as soon as another package has been imported.

    Args:
        name: the package; nothing must have imported it yet.
        act: what to do, once, after the first import that succeeds.
    """
    sys.meta_path.insert(0, _Watch(name, act))


class _Watch(importlib.abc.MetaPathFinder):
    def __init__(self, name: str, act: Callable[[], object]):
        self._name, self._act = name, act

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name != self._name or self not in sys.meta_path:
            return None
        sys.meta_path.remove(self)  # the others find the package
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            sys.meta_path.insert(0, self)
            return spec
        loader: Any = spec.loader

        def exec_module(module):
            del loader.exec_module  # the method of its class
            try:
                loader.exec_module(module)
            except BaseException:
                sys.meta_path.insert(0, self)
                raise
            self._act()

        loader.exec_module = exec_module
        return spec
