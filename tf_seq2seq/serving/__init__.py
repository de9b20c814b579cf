"""Floor 5: export for TensorFlow Serving."""

from tf_seq2seq.serving.export import export, versions
from tf_seq2seq.serving.reload import run_in_fresh_process

__all__ = ["export", "run_in_fresh_process", "versions"]
