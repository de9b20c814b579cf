"""Which tests are fast, and where the settings of all tests come from."""

import importlib
from pathlib import Path

import pytest

TESTS = Path(__file__).parent


def pytest_configure(config):
    """Import TensorFlow, but not in a process that only starts those that run the tests."""
    starts_workers = config.getoption("dist", "no") != "no" and not hasattr(config, "workerinput")
    if not starts_workers:
        config.pluginmanager.register(importlib.import_module("every_test"))


# What `make check` leaves to `make test`: these train, export, start processes or run large grids.
LONG = (
    *("chapters", "cli", "models", "serving", "training"),
    *("test_benchmarks", "test_learning", "test_readme", "test_saving", "test_translator"),
    *("data/test_batching", "layers/test_decoder", "layers/test_fused", "layers/test_reference"),
    "layers/test_steps",
)


def pytest_collection_modifyitems(items):
    """Mark the tests that `make check` runs, and run them last: short files keep all cores busy."""
    for item in items:
        path = item.path.relative_to(TESTS.parent).as_posix()
        is_example = isinstance(item, pytest.DoctestItem)
        if not path.startswith(tuple(f"tests/{name}" for name in LONG)) and not is_example:
            item.add_marker("fast")
    items.sort(key=lambda item: item.get_closest_marker("fast") is not None)
