"""Operations with written-out gradients, of which the steps of `bptt.unfold` consist."""

from __future__ import annotations

import abc
import contextlib
import contextvars
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

Answer = Callable[..., Any]
_answer: contextvars.ContextVar[Answer | None] = contextvars.ContextVar("_answer", default=None)


@contextlib.contextmanager
def answering(answer: Answer) -> Iterator[None]:
    """Within this context, `answer(operation, *xs)` is the result of each `operation(*xs)`.

    `bptt.unfold` thereby sees and replaces the operations of a step.
    """
    token = _answer.set(answer)
    try:
        yield
    finally:
        _answer.reset(token)


class Forward(NamedTuple):
    """The result of `Operation.forward`.

    Attributes:
        results: a tensor or a tuple of tensors.
        kept: the tensors that the backward pass of the same step needs.
        operands: the tensors that `d_shared` needs, from all steps.
    """

    results: Any
    kept: tuple[tf.Tensor, ...] = ()
    operands: tuple[tf.Tensor, ...] = ()


class Backward(NamedTuple):
    """The result of `Operation.backward`.

    Attributes:
        d_xs: the gradient of each `x`; None for one that does not change the results.
        operands: the tensors that `d_shared` needs, from all steps.
        terms: the tensors of which `d_shared` needs the sum over all steps.
    """

    d_xs: tuple[tf.Tensor | None, ...]
    operands: tuple[tf.Tensor, ...] = ()
    terms: tuple[tf.Tensor, ...] = ()


class Operation(abc.ABC):
    """A function of float32 tensors `xs` that change in each step, with float32 results.

    It may also depend on `shared` tensors, which are the same in all steps, such as a matrix. Their
    gradients are sums over all steps. Most of these sums are a single product of tensors from all
    steps, which is faster than one product in each step.

    If an operation is created in a step, its constructor must not compute anything, because
    `d_shared` runs after the loop.
    """

    cheap = False
    """Whether the backward pass in XLA should compute the results again instead of storing them.
    Without products, XLA merges the computation into a few kernels."""

    @property
    def shared(self) -> Sequence[tf.Tensor]:
        """The floating-point tensors that are the same in all steps and have a gradient."""
        return ()

    @abc.abstractmethod
    def forward(self, *xs: tf.Tensor) -> Forward:
        """Compute the results, and everything that the gradients need."""

    @abc.abstractmethod
    def backward(self, kept: Sequence[tf.Tensor], *ds: tf.Tensor) -> Backward:
        """Compute the gradients of the `xs` of a step.

        Args:
            kept: the `kept` tensors of `forward`.
            *ds: the gradient of each result.
        """

    def d_shared(
        self, forward: Sequence[tf.Tensor], backward: Sequence[tf.Tensor], sums: Sequence[tf.Tensor]
    ) -> Sequence[tf.Tensor]:
        """Compute the gradients of the shared tensors.

        Args:
            forward, backward: the operands of both passes from all steps, each `(length, ...)`.
            sums: the sums of the terms over all steps.
        """
        del forward, backward, sums
        return ()

    def no_terms(self) -> Sequence[tf.Tensor]:
        """Return the sums of the terms of no step: zeros of the same shapes."""
        return ()

    def compute(self, *xs: tf.Tensor) -> Any:
        """Compute the results alone; their gradient is TensorFlow's own."""
        return self.forward(*xs).results

    def __call__(self, *xs: tf.Tensor) -> Any:
        answer = _answer.get()
        return self.apply(*xs) if answer is None else answer(self, *xs)

    def apply(self, *xs: tf.Tensor) -> Any:
        """Compute the results outside `bptt.unfold`, with the same gradients."""

        @tf.custom_gradient
        def run(xs, shared):
            del shared
            forward = self.forward(*xs)

            def gradient(*ds, variables=()):
                backward = self.backward(forward.kept, *ds)
                one_step = ([x[None] for x in each.operands] for each in (forward, backward))
                d_xs = (
                    None if d is None else tf.cast(d, x.dtype)
                    for x, d in zip(xs, backward.d_xs, strict=True)
                )
                gradients = [*d_xs, *self.d_shared(*one_step, backward.terms)]
                # `variables` are those behind `shared`, which passes the gradients on to them.
                return (gradients, [None] * len(variables)) if variables else gradients

            return forward.results, gradient

        return run(xs, self.shared)
