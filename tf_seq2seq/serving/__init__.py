"""Export models for TensorFlow Serving, and use the exports.

The client is in `tf_seq2seq.serving.client`, which works without TensorFlow.
"""

import importlib.util

if importlib.util.find_spec("tensorflow") is not None:
    from tf_seq2seq.serving.check import Check, check_export
    from tf_seq2seq.serving.exporter import export
    from tf_seq2seq.serving.fresh_process import CallError, run_calls, run_in_fresh_process
    from tf_seq2seq.serving.saved import SavedTranslator
    from tf_seq2seq.serving.versions import list_versions

    __all__ = [
        "CallError",
        "Check",
        "SavedTranslator",
        "check_export",
        "export",
        "list_versions",
        "run_calls",
        "run_in_fresh_process",
    ]
