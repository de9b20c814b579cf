"""Floor 5: export for TensorFlow Serving, and use of what was exported."""

import importlib.util

if importlib.util.find_spec("tensorflow") is not None:  # `client` does without
    from tf_seq2seq.serving.export import export, versions
    from tf_seq2seq.serving.fresh_process import CallError, run_calls, run_in_fresh_process
    from tf_seq2seq.serving.saved import SavedTranslator

    __all__ = [
        "CallError",
        "SavedTranslator",
        "check_export",
        "export",
        "run_calls",
        "run_in_fresh_process",
        "versions",
    ]


def __getattr__(name):
    # `python -m tf_seq2seq.serving.check` runs that module, and Python warns if it was imported.
    if name == "check_export":
        from tf_seq2seq.serving.check import check_export

        return check_export
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
