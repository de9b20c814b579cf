"""Export models for TensorFlow Serving, and use the exports.

The client is in `tf_seq2seq.serving.client`, which works without TensorFlow. The names of this
package are therefore imported when they are first used.
"""

from typing import TYPE_CHECKING

from tf_seq2seq.lazy import lazy_names

if TYPE_CHECKING:
    from tf_seq2seq.serving.check import Check, check_export
    from tf_seq2seq.serving.exporter import export
    from tf_seq2seq.serving.fresh_process import CallError, run_calls, run_in_fresh_process
    from tf_seq2seq.serving.litert import export_litert
    from tf_seq2seq.serving.saved import SavedTranslator
    from tf_seq2seq.serving.versions import list_versions
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "CallError": "fresh_process",
            "Check": "check",
            "SavedTranslator": "saved",
            "check_export": "check",
            "export": "exporter",
            "export_litert": "litert",
            "list_versions": "versions",
            "run_calls": "fresh_process",
            "run_in_fresh_process": "fresh_process",
        },
    )

__all__ = [
    "CallError",
    "Check",
    "SavedTranslator",
    "check_export",
    "export",
    "export_litert",
    "list_versions",
    "run_calls",
    "run_in_fresh_process",
]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
