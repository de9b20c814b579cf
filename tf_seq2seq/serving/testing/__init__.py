"""A fake TensorFlow Serving for tests and development.

It needs `tensorflow-serving-api`.
"""

from tf_seq2seq.serving.testing.batching import Batching
from tf_seq2seq.serving.testing.server import FakeServer

__all__ = ["Batching", "FakeServer"]
