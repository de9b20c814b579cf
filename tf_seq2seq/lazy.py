"""Names of a package that are imported when they are first used (PEP 562)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
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
