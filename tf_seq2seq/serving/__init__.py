"""Floor 5: export for TensorFlow Serving, and use of what was exported."""

from tf_seq2seq.serving.export import export, versions
from tf_seq2seq.serving.reload import run_in_fresh_process
from tf_seq2seq.serving.saved import SavedTranslator

__all__ = ["SavedTranslator", "export", "run_in_fresh_process", "versions"]
