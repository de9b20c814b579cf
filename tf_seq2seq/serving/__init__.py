"""Floor 5: export for TensorFlow Serving, and use of what was exported."""

import importlib.util

if importlib.util.find_spec("tensorflow") is not None:  # `client` does without
    from tf_seq2seq.serving.check import check_export
    from tf_seq2seq.serving.export import export, versions
    from tf_seq2seq.serving.reload import CallError, run_calls, run_in_fresh_process
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
