"""Train a small model as a program that may be killed: python short_training.py --help"""

import dataclasses
import time
from pathlib import Path

import keras
import numpy as np

import tf_seq2seq as s2s
from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.files import write_atomically


@dataclasses.dataclass(frozen=True)
class Settings:
    """Train a small model."""

    model: str = setting("translator", "what to train", choices=("translator", "language_model"))
    epochs: int = setting(4, "passes over the data", least=0)
    pause: float = setting(0.0, "seconds to wait after each step", least=0)
    output_dir: Path = setting(Path("output"), "where the checkpoints and the final weights go")
    resume: bool = setting(False, "continue from the last checkpoint")


class SumOfLosses(keras.callbacks.Callback):
    """A callback with a state of its own, a number and an array."""

    def __init__(self, pause):
        super().__init__()
        self.pause = pause
        self.total, self.last = 0.0, np.zeros(2)

    def on_epoch_begin(self, epoch, logs=None):
        self.last = np.zeros(2)

    def on_train_batch_end(self, batch, logs=None):
        time.sleep(self.pause)
        self.total += logs["loss"]
        self.last = np.array([self.last[1], logs["loss"]])

    def get_state(self):
        return {"total": self.total, "last": self.last}

    def set_state(self, state):
        self.total, self.last = state["total"], state["last"]


def word_tokenizer():
    tokenizer = s2s.text.WordTokenizer()
    tokenizer.adapt(["a b c d e f g h"])
    return tokenizer


def translator():
    """A model with dropout and a learning rate that callbacks change, and shuffled batches."""
    corpus = s2s.data.reverse_corpus("abcdefgh", lengths=(1, 6), train=160, dev=20, test=1)
    tokenizer = word_tokenizer()
    size = tokenizer.vocabulary_size
    encoder = s2s.Encoder(size, 8, embedding_size=6)
    decoder = s2s.Decoder(
        size, 8, embedding_size=5, attention=s2s.BahdanauAttention(7), dropout=0.2
    )
    model = s2s.Seq2Seq(encoder, decoder)
    model.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0))
    train, dev = (
        s2s.data.batches(pairs, tokenizer, tokenizer, tokens=128, **options)
        for pairs, options in [(corpus.train, {"shuffle_seed": 1}), (corpus.dev, {})]
    )
    return model, train, dev


def language_model():
    """A model that carries its state from batch to batch, with all kinds of dropout."""
    model = s2s.LanguageModel(
        *(12, 6),
        num_layers=2,
        dropout=0.2,
        word_dropout=0.1,
        weight_dropout=0.3,
        activation_penalty=0.5,
        change_penalty=0.5,
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9, global_clipnorm=1.0))
    ids = np.random.default_rng(0).integers(1, 12, 2 * 9 * 7 + 1)
    return model, *(s2s.data.text_batches(text, 2, 7) for text in (ids, ids[:50]))


def train(settings, callbacks=()):
    """Train with all callbacks that remember something; write the result to a file.

    Returns:
        The trained model.
    """
    for left in settings.output_dir.glob(".end.npz-*"):  # by a process that was killed
        left.unlink()
    keras.utils.set_random_seed(1)
    model, batches, dev = (translator if settings.model == "translator" else language_model)()
    watch = SumOfLosses(settings.pause)
    stop = keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    lower = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=1, min_delta=1e9)
    history = s2s.training.fit(
        model,
        batches,
        dev,
        epochs=settings.epochs,
        directory=settings.output_dir / "checkpoint",
        resume=settings.resume,
        checkpoint_every=3,
        keep_weights=2,
        callbacks=[watch, stop, lower, *callbacks],
    )
    arrays = {str(i): weight for i, weight in enumerate(model.get_weights())}
    arrays |= {f"history/{name}": values for name, values in history.history.items()}
    arrays |= {"step_losses": history.step_losses, "total": watch.total, "last": watch.last}
    arrays |= {"learning_rate": model.optimizer.learning_rate.numpy(), "best": stop.best}
    with write_atomically(settings.output_dir / "end.npz") as new, new.open("wb") as file:
        np.savez(file, **arrays)
    return model


def export(settings, model):
    """Export a trained model for TensorFlow Serving."""
    if settings.model == "translator":
        exported = s2s.Translator(model, word_tokenizer(), word_tokenizer())
    else:
        exported = s2s.TextModel(model, word_tokenizer())
    s2s.serving.export(exported, settings.output_dir / "export")


def end(directory):
    """Return what `train` has written, bit for bit."""
    with np.load(directory / "end.npz") as arrays:
        return {name: arrays[name].tobytes() for name in arrays}


if __name__ == "__main__":
    train(from_command_line(Settings))
