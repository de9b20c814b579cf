"""Translate with a model on a server, over REST or gRPC.

tf-seq2seq-client --model en_zh --sentence "She bought a new book."
tf-seq2seq-client --model en_zh < sentences > translations

REST works on a machine without TensorFlow. gRPC needs the extra `serve`.
"""

from __future__ import annotations

import codecs
import contextlib
import dataclasses
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tf_seq2seq.cli.settings import from_command_line, setting
from tf_seq2seq.data.text_files import read_text_lines
from tf_seq2seq.errors import InputError
from tf_seq2seq.files import in_chunks, write_in_parts

if TYPE_CHECKING:
    from tf_seq2seq.serving.client import Client
    from tf_seq2seq.translation import Translation


@dataclasses.dataclass(frozen=True)
class Settings:
    """Translate a sentence, a file or standard input with a model on a server."""

    model: str = setting("en_zh", "the model's name on the server")
    host: str = setting("localhost", "the server")
    port: int | None = setting(None, "its port (default: 8501 for rest, 8500 for grpc)")
    protocol: str = setting("rest", "how to send requests", choices=("rest", "grpc"))
    version: int | None = setting(None, "a version of the model (default: the latest)")
    label: str | None = setting(None, "a version's label, instead of --version")
    timeout: float = setting(30.0, "seconds to wait for the answer to a request", least=0.001)
    batch_size: int = setting(32, "sentences per request", least=1)
    sentence: str | None = setting(None, "the sentence to translate")
    file: Path | None = setting(None, "a file to translate, one sentence per line")
    output: Path | None = setting(None, "where to write (default: standard output)")
    prefix: str | None = setting(None, "the beginning of the translation of --sentence")
    beam: bool = setting(
        False,
        "search with a beam, and write all translations, the best one by the export's length "
        "penalty first: number, log P, text",
    )
    align: Path | None = setting(None, "plot the alignment of the first sentence in this file")
    status: bool = setting(False, "print the status of each version instead of translating")
    metadata: bool = setting(False, "print the model's signatures instead of translating")

    def without_effect(self) -> Iterator[tuple[str, list[str]]]:
        if self.status or self.metadata:
            unused = ["batch_size", "sentence", "file", "output", "prefix", "beam", "align"]
            yield "with --status or --metadata", unused
        elif self.sentence is None:
            yield "without --sentence", ["prefix"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command `tf-seq2seq-client`, and return its exit code."""
    settings = from_command_line(Settings, arguments)
    # Slow to import, and neither --help nor an error on the command line needs it.
    from tf_seq2seq.serving.client import Client

    with Client(
        settings.model,
        settings.host,
        settings.port,
        protocol=settings.protocol,
        version=settings.version,
        label=settings.label,
        timeout=settings.timeout,
        batch_size=settings.batch_size,
    ) as client:
        if settings.status:
            _print_status(client)
        if settings.metadata:
            _print_metadata(client)
        if not (settings.status or settings.metadata):
            _translate(client, settings)
    return 0


def _print_status(client: Client) -> None:
    for version, state, error in client.status():
        print(f"version {version}: {state}{f' ({error})' if error else ''}")


def _print_metadata(client: Client) -> None:
    for name, sides in sorted(client.metadata().items()):
        inputs, outputs = (
            ", ".join(f"{key} {value}" for key, value in sorted(sides[side].items()))
            for side in ("inputs", "outputs")
        )
        print(f"{name}: {inputs} -> {outputs}")


def _translate(client: Client, settings: Settings) -> None:
    lines = _lines(settings)
    if settings.align is not None and settings.align.suffix not in (".png", ".pdf", ".svg"):
        raise InputError(f"--align writes .png, .pdf or .svg, got {settings.align}.")
    with contextlib.ExitStack() as stack:
        if settings.output is None:
            _check_encoding(sys.stdout.encoding)
            write: Callable[[Iterable[str]], None] = _print
        else:
            write = stack.enter_context(write_in_parts(settings.output))
        number = 0
        # A chunk is written as soon as it is translated. It is several batches long, so that the
        # client can sort it by length.
        for chunk in in_chunks(lines, 8 * settings.batch_size):
            if settings.beam:
                for found in _n_best(client, chunk, settings.prefix):
                    number += 1
                    write(f"{number}\t{t.score:.4f}\t{t.text}\n" for t in found)
            else:
                found = _best(client, chunk, settings.prefix, details=False)
                write([f"{t.text}\n" for t in found])
    if settings.align is not None and lines:
        _draw(_best(client, lines[:1], settings.prefix)[0], settings.align)


def _best(client, sentences, prefix, **options) -> list[Translation]:
    if prefix is None:
        return client(sentences, **options)
    return client.complete(sentences, [prefix], **options)


def _n_best(client, sentences, prefix) -> list[list[Translation]]:
    if prefix is None:
        return client.n_best(sentences, details=False)
    return client.complete_n_best(sentences, [prefix], details=False)


def _print(lines: Iterable[str]) -> None:
    sys.stdout.writelines(lines)
    sys.stdout.flush()


def _check_encoding(encoding: str) -> None:
    if not codecs.lookup(encoding).name.startswith("utf"):
        raise InputError(
            f"Standard output is encoded in {encoding}, which lacks most characters: write the "
            "translations to a file with --output, or set PYTHONIOENCODING=utf-8."
        )


def _lines(settings: Settings) -> Sequence[str | bytes]:
    if settings.sentence is not None and settings.file is not None:
        raise InputError("Pass --sentence or --file, not both.")
    if settings.sentence is not None:
        return [settings.sentence]
    if settings.file is not None:
        return read_text_lines(settings.file)
    content = sys.stdin.buffer.read() if sys.stdin else b""
    if not content:
        return []
    return [line.removesuffix(b"\r") for line in content.removesuffix(b"\n").split(b"\n")]


def _draw(translation: Translation, plot: Path) -> None:
    try:
        from tf_seq2seq import plotting
    except ImportError as error:
        raise InputError(f"A plot needs {error.name}: pip install {error.name}.") from error
    if not translation.target_tokens:
        raise InputError("There is nothing to plot: the first sentence is empty.")
    if translation.alignment is None:
        raise InputError("There is nothing to plot: the model does not have attention.")
    plotting.alignment(
        translation.source_tokens, translation.target_tokens, translation.alignment
    ).savefig(plot)


if __name__ == "__main__":
    sys.exit(main())
