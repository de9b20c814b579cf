"""The client of a model server: translations, scores and any other output of a signature."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from tf_seq2seq.checks import check_choice, check_flag, check_integer, check_name, check_number
from tf_seq2seq.errors import InputError
from tf_seq2seq.serving import answers
from tf_seq2seq.serving.client.errors import (
    TRANSIENT,
    DeadlineError,
    ModelNotFoundError,
    ServingError,
    UnknownLabelError,
    UnknownSignatureError,
    UnreachableError,
    explained,
)
from tf_seq2seq.serving.client.grpc import GrpcTransport
from tf_seq2seq.serving.client.rest import RestTransport
from tf_seq2seq.serving.client.transport import Address, Metadata, Transport, VersionStatus
from tf_seq2seq.strings import Texts, check_pairs, listed, utf8
from tf_seq2seq.translation import Translation

PORTS = {"rest": 8501, "grpc": 8500}


class Client:
    """Translate with a model on a server, with the interface of `TranslatorProtocol`.

    The client groups sentences of similar length into batches. If the server is overloaded or
    unreachable, or has merged the request with another client's malformed one, the client retries
    it after a pause that doubles each time. It never sends an empty batch, which would block a
    thread of a server with batching. Several threads can share a client. Used as a context
    manager, it closes its connections on exit.

    Args:
        model: the model's name on the server.
        host: the server's name or address. The connection is direct, whatever proxies the
            environment names, and not encrypted.
        port: None for the protocol's default, 8501 for REST and 8500 for gRPC.
        protocol: `"rest"` or `"grpc"`. gRPC needs `tensorflow-serving-api`.
        version: a version's number; None for the latest.
        label: a version's label, such as `"stable"`, instead of its number.
        timeout: seconds to wait for the answer to a batch, including all attempts.
        retries: how many times to retry a request.
        batch_size: the maximum number of sentences per request; not more than the server's
            `max_batch_size`.

    Raises:
        InputError: if an argument is out of range, or `tensorflow-serving-api` is needed but not
            installed.

    Example:

    >>> Client("en_zh", port=9, retries=0)([])  # nothing to translate: no request
    []
    """

    def __init__(
        self,
        model: str,
        host: str = "localhost",
        port: int | None = None,
        *,
        protocol: str = "rest",
        version: int | None = None,
        label: str | None = None,
        timeout: float = 30.0,
        retries: int = 6,
        batch_size: int = 32,
    ):
        protocol = check_choice("protocol", protocol, tuple(PORTS))
        port = check_integer("port", PORTS[protocol] if port is None else port, 1, 65_535)
        if version is not None:
            version = check_integer("version", version, minimum=1)
            if label is not None:
                raise InputError(f"Pass the version {version} or the label {label!r}, not both.")
        elif label is not None:
            label = check_name("label", label)
        model, host = check_name("model", model), check_name("host", host)
        host = host.removeprefix("[").removesuffix("]")
        if "/" in host or host.count(":") == 1 or not host:
            raise InputError(f"`host` must be a name or an address without a port, got {host!r}.")
        self.timeout = check_number("timeout", timeout, above=0)
        self.retries = check_integer("retries", retries, minimum=0)
        self.batch_size = check_integer("batch_size", batch_size, minimum=1)
        address = Address(model, host, port, version, label)
        self._closed = False
        self._transport: Transport = (
            RestTransport(address) if protocol == "rest" else GrpcTransport(address)
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        self._closed = True
        self._transport.close()

    def __call__(self, sentences: Texts, *, details: bool = True) -> list[Translation]:
        """Translate sentences greedily.

        Args:
            sentences: one string, or any iterable of them. Bytes are sent as they are.
            details: whether to request the tokens and the alignment too. Without them, the
                answer is shorter, which means less work for the server and the network.

        Returns:
            A `Translation` for each sentence, in order.

        Raises:
            TypeError: if a sentence is not a string.
            InputError: if a score is not finite.
            ServingError: see its subclasses.

        Warns:
            UserWarning: with `details`, for each sentence that the model cut off.
        """
        sentences = listed(sentences)
        if check_flag("details", details):
            rows = self._rows("details", answers.DETAILS, text=sentences)
            answers.warn_of_cut_offs(rows, sentences)
        else:
            rows = self._rows("serving_default", answers.TEXT, text=sentences)
        return answers.translations(rows, sentences)

    def n_best(self, sentences: Texts, *, details: bool = True) -> list[list[Translation]]:
        """Find several translations of each sentence with the exported beam search.

        Args:
            sentences, details: see `__call__`.

        Returns:
            The translations of each sentence, best first.

        Raises:
            See `__call__`.

        Warns:
            See `__call__`.
        """
        sentences = listed(sentences)
        if check_flag("details", details):
            rows = self._rows("beam_details", answers.BEAM_DETAILS, text=sentences)
            answers.warn_of_cut_offs(rows, sentences)
        else:
            rows = self._rows("beam", answers.BEAM, text=sentences)
        return answers.n_best(rows, sentences)

    def complete(
        self, sentences: Texts, prefixes: Texts, *, details: bool = True
    ) -> list[Translation]:
        """Translate sentences greedily, continuing from given beginnings of the translations.

        With what is translated so far as the prefix, the client can follow a user who types.

        Args:
            sentences, details: see `__call__`.
            prefixes: the beginning of each translation, which may be empty; see
                `Translator.complete`.

        Returns:
            A `Translation` for each sentence, in order.

        Raises:
            InputError: if the numbers of sentences and prefixes differ, or a score is not finite.
            TypeError, ServingError: see `__call__`.

        Warns:
            UserWarning: with `details`, for each sentence and prefix that was cut off.
        """
        sentences, prefixes = listed(sentences), listed(prefixes)
        check_pairs(sentences, prefixes, "prefix", "complete")
        if check_flag("details", details):
            names = answers.COMPLETE_DETAILS
            rows = self._rows("complete_details", names, text=sentences, prefix=prefixes)
            answers.warn_of_cut_offs(rows, sentences, prefixes)
        else:
            rows = self._rows("complete", answers.TEXT, text=sentences, prefix=prefixes)
        return answers.translations(rows, sentences)

    def complete_n_best(
        self, sentences: Texts, prefixes: Texts, *, details: bool = True
    ) -> list[list[Translation]]:
        """Complete translations with the exported beam search.

        Args:
            sentences, prefixes, details: see `complete`.

        Returns:
            The translations of each sentence, best first.

        Raises, Warns:
            See `complete`.
        """
        sentences, prefixes = listed(sentences), listed(prefixes)
        check_pairs(sentences, prefixes, "prefix", "complete")
        if check_flag("details", details):
            names = answers.COMPLETE_BEAM_DETAILS
            rows = self._rows("complete_beam_details", names, text=sentences, prefix=prefixes)
            answers.warn_of_cut_offs(rows, sentences, prefixes)
        else:
            rows = self._rows("complete_beam", answers.BEAM, text=sentences, prefix=prefixes)
        return answers.n_best(rows, sentences)

    def score(
        self, sentences: Texts, translations: Texts, *, details: bool = True
    ) -> list[Translation]:
        """Score given translations.

        Args:
            sentences: one string, or any iterable of them.
            translations: a translation of each sentence.
            details: see `__call__`. Without details, the text of a result is exactly the given
                one; with them, it is the text as the tokenizer reads it.

        Returns:
            A `Translation` for each pair.

        Raises:
            InputError: if the numbers of sentences and translations differ, or a score is not
                finite.
            TypeError, ServingError: see `__call__`.

        Warns:
            UserWarning: with `details`, for each sentence and translation that was cut off.
        """
        sentences, translations = listed(sentences), listed(translations)
        check_pairs(sentences, translations)
        if not check_flag("details", details):
            rows = self._rows("score", answers.SCORE, text=sentences, target=translations)
            return answers.scored(rows, sentences, translations)
        rows = self._rows(
            "score_details", answers.SCORE_DETAILS, text=sentences, target=translations
        )
        answers.warn_of_cut_offs(rows, sentences, translations)
        return answers.translations(rows, sentences)

    def encode(self, sentences: Texts) -> list[list[float]]:
        """Return the context vector `c = h_T` of each sentence."""
        rows = self._rows("encode", ("context",), text=sentences)
        return [row["context"] for row in rows]

    def predict(self, signature: str, inputs: Mapping[str, Texts]) -> dict[str, list]:
        """Run any signature on any number of rows.

        Args:
            signature: the signature's name.
            inputs: the strings of each input, one per row. Bytes are sent as they are.

        Returns:
            The values of each output, one per row. Rows may be padded, and their lengths depend on
            the batches in which they were sent.

        Raises:
            InputError: if the inputs differ in their number of rows.
            TypeError: if a value is not a string.
            ServingError: see its subclasses. A note on the error lists the rows of the failed
                request.
        """
        columns = {
            name: [utf8(text, position) for position, text in enumerate(listed(values))]
            for name, values in inputs.items()
        }
        counts = {name: len(values) for name, values in columns.items()}
        if len(set(counts.values())) != 1:
            raise InputError(f"All inputs must have the same number of rows, got {counts}.")
        (rows,) = set(counts.values())
        # Sentences of similar length share a request, so that little of it is padding.
        order = sorted(range(rows), key=lambda row: sum(len(c[row]) for c in columns.values()))
        outputs: dict[str, list] = {}
        for first in range(0, rows, self.batch_size):
            places = order[first : first + self.batch_size]
            part = {name: [values[row] for row in places] for name, values in columns.items()}
            try:
                answer = self._request(functools.partial(self._transport.predict, signature, part))
                for name, values in answer.items():
                    if not isinstance(values, list) or len(values) != len(places):
                        reason = f"the output {name!r} does not have one row per input row"
                        raise explained(ServingError, self._transport.address, reason)
            except ServingError as error:
                error.add_note(f"The request was for the rows {sorted(places)} of {rows}.")
                raise
            for name, values in answer.items():
                column = outputs.setdefault(name, [None] * rows)
                for row, value in zip(places, values, strict=True):
                    column[row] = value
        return outputs

    def status(self) -> list[VersionStatus]:
        """Return the status of each version of the model, or of the client's version or label.

        Raises:
            ServingError: see its subclasses; also if the version of the label is not available.
        """
        if self._transport.address.label is None:
            return self._request(self._transport.status)
        # In this order, because the status lists a version even after it is unloaded.
        labeled = self._request(self._transport.version)
        states = self._request(self._transport.status)
        return [each for each in states if each.version == labeled]

    def metadata(self) -> Metadata:
        """Return the `inputs` and `outputs` of each signature, with dtype and shape."""
        return self._request(self._transport.metadata)

    def wait_for(self, versions: Collection[int], seconds: float = 60.0) -> None:
        """Wait until exactly these versions of the model answer requests.

        A client with a version or a label sees only that version.

        Raises:
            DeadlineError: if that takes longer than `seconds`.
            UnreachableError: if no server answers within that time.
            ServingError: see `status`.
        """
        deadline = time.monotonic() + check_number("seconds", seconds, minimum=0)
        while True:
            try:
                states = self.status()
            except (ModelNotFoundError, UnknownLabelError):
                states = []
            except UnreachableError:  # the server may still be starting
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
                continue
            if {each.version for each in states if each.state == "AVAILABLE"} == set(versions):
                return
            if time.monotonic() > deadline:
                reason = f"after {seconds:g} seconds the versions are {states}"
                raise explained(DeadlineError, self._transport.address, reason)
            time.sleep(0.2)

    def _rows(self, signature: str, names: Sequence[str], **inputs: Texts) -> list[dict[str, Any]]:
        """Run a signature that must have the outputs `names`, and return its rows."""
        outputs = self.predict(signature, inputs)
        if not outputs:  # there are no rows
            return []
        if missing := set(names) - set(outputs):
            reason = f"the signature {signature!r} has no outputs {sorted(missing)}"
            raise explained(UnknownSignatureError, self._transport.address, reason)
        return [dict(zip(outputs, row, strict=True)) for row in zip(*outputs.values(), strict=True)]

    def _request(self, send: Callable[[float], Any]) -> Any:
        """Send a request within the remaining time, and retry it after transient errors."""
        if self._closed:
            raise InputError("This client is closed; create another one.")
        deadline = time.monotonic() + self.timeout
        for attempt in range(self.retries + 1):
            try:
                return send(max(deadline - time.monotonic(), 0.001))
            except TRANSIENT as error:
                pause = random.uniform(0.05, 0.1) * 2**attempt
                if attempt == self.retries or time.monotonic() + pause > deadline:
                    error.add_note(f"The request was sent {attempt + 1} times.")
                    raise
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")
