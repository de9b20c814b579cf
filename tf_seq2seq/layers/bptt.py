"""Backpropagation through time for steps that consist of operations with written-out gradients.

TensorFlow's own gradient of a loop stores every intermediate result of every step, and accumulates
the gradient of each matrix step by step. `unfold` stores what the `Operation`s of a step keep, and
computes the gradient of each matrix from all steps at once:

    y_t = W x_t + b:    d_W = sum_t d_yt x_t^T,    d_b = sum_t d_yt

Between the operations, a step may compute anything, such as sums, dropout or another score of an
attention. TensorFlow differentiates these parts: the backward pass computes them again, from the
results of the operations, as far as their gradients need it.

Second derivatives are not supported.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from tf_seq2seq.layers import loop
from tf_seq2seq.layers.operation import Backward, Forward, Operation, answering

Step = Callable[[tf.Tensor, list[tf.Tensor], Any], tuple[tuple[tf.Tensor, ...], Any]]


def unfold(
    step: Step, inputs: tf.Tensor, masks: Sequence[tf.Tensor], initial_state: Any, num_outputs: int
) -> tuple[tuple[tf.Tensor, ...], Any]:
    """Unfold a step over time: `outputs_t, state_t = step(inputs_t, masks_t, state_{t-1})`.

    Args:
        step: a function of an input, a list of masks and the state. It returns a tuple of
            `num_outputs` float32 tensors and the next state. It may use any other tensors. If it
            reads variables, TensorFlow's own gradient is used.
        inputs: float32 `(length, ...)`.
        masks: tensors `(length, ...)` without a gradient, such as dropout masks.
        initial_state: any nested structure of float32 tensors.
        num_outputs: the number of tensors that a step outputs.

    Returns:
        The outputs, each `(length, ...)`, and the state after the last step.
    """
    traced = _trace(step, inputs, masks, initial_state)
    if traced.variables:
        return unfold_plainly(step, inputs, masks, initial_state, num_outputs)
    length, constants = tf.shape(inputs)[0], traced.constants
    operations = [call.operation for call in traced.written_out]
    shared = [tensor for operation in operations for tensor in operation.shared]

    def take(t, x, state):
        return step(x, [mask[t] for mask in masks], tf.nest.pack_sequence_as(initial_state, state))

    @tf.custom_gradient
    def run(inputs, state, shared, constants):
        def forward(t, state):
            calls = []

            def compute(call, operation, xs):
                forward = operation.forward(*xs)
                calls.append(Forward(()) if call.recomputed else forward)
                return forward.results

            with traced.answering(compute):
                outputs, new_state = take(t, inputs[t], state)
            new_state = tf.nest.flatten(new_state)
            return tf.nest.flatten((outputs, state, calls)), new_state

        stored = traced.outputs, traced.state, [call.forward for call in traced.written_out]
        arrays, last = loop.unfold_arrays(forward, length, state, tf.nest.flatten(stored))
        outputs, states, calls = tf.nest.pack_sequence_as(stored, arrays)

        def gradient(*ds, variables=()):
            d_outputs, d_last = ds[:num_outputs], list(ds[num_outputs:])

            def back(t, carried):
                d_state, sums = carried
                x, (state, forwards) = inputs[t], _read((states, calls), t)
                backwards, (d_x, *ds) = _differentiate(
                    functools.partial(take, t),
                    (x, state, constants),
                    traced.answering,
                    forwards,
                    [*(d[t] for d in d_outputs), *d_state],
                )
                d_state, d_constants = ds[: len(state)], ds[len(state) :]
                d_constants = [tf.cast(d, tf.float32) for d in d_constants]
                sums = tf.nest.map_structure(
                    tf.add, sums, (d_constants, [each.terms for each in backwards])
                )
                return tf.nest.flatten((d_x, [each.operands for each in backwards])), (
                    d_state,
                    sums,
                )

            zeros = [tf.zeros(tf.shape(each)) for each in constants]
            no_terms = [tuple(operation.no_terms()) for operation in operations]
            spec = tf.TensorSpec(inputs.shape[1:], inputs.dtype)
            stored = spec, [call.operands for call in traced.written_out]
            arrays, (d_state, (d_constants, sums)) = loop.unfold_arrays(
                back, length, (d_last, (zeros, no_terms)), tf.nest.flatten(stored), backwards=True
            )
            d_inputs, operands = tf.nest.pack_sequence_as(stored, arrays)
            d_shared = []
            for operation, call, of_back, total in zip(
                operations, calls, operands, sums, strict=True
            ):
                stacked = [[array.stack() for array in each] for each in (call.operands, of_back)]
                d_shared += operation.d_shared(*stacked, total)
            d_constants = [tf.cast(d, x.dtype) for d, x in zip(d_constants, constants, strict=True)]
            ds = [d_inputs.stack(), *d_state, *d_shared, *d_constants]
            ds = loop.differentiable_once(ds)
            # `variables` are those behind the arguments, which pass the gradients on to them.
            return (ds, [None] * len(variables)) if variables else ds

        return (*(array.stack() for array in outputs), *last), gradient

    results = run(inputs, tf.nest.flatten(initial_state), shared, constants)
    state = tf.nest.pack_sequence_as(initial_state, list(results[num_outputs:]))
    return tuple(results[:num_outputs]), state


def run(
    step: Step,
    inputs: tf.Tensor,
    masks: Sequence[tf.Tensor],
    initial_state: Any,
    num_outputs: int,
    training: bool | None,
) -> tuple[tuple[tf.Tensor, ...], Any]:
    """Unfold a step in the faster way: by `unfold` in a graph for training, else plainly.

    Args:
        step, inputs, masks, initial_state, num_outputs: see `unfold`.
        training: whether the gradient will be needed.
    """
    # In eager mode, tracing the step takes longer than running it.
    by_hand = training and not tf.executing_eagerly()
    return (unfold if by_hand else unfold_plainly)(step, inputs, masks, initial_state, num_outputs)


def unfold_plainly(
    step: Step, inputs: tf.Tensor, masks: Sequence[tf.Tensor], initial_state: Any, num_outputs: int
) -> tuple[tuple[tf.Tensor, ...], Any]:
    """Compute the same as `unfold`, with TensorFlow's own gradient."""
    length = tf.shape(inputs)[0]
    # The gradient of reading an array element has the size of the element; the gradient of a slice
    # would have the size of the whole tensor, at every step.
    arrays = [tf.TensorArray(each.dtype, length).unstack(each) for each in (inputs, *masks)]

    def take(t, state):
        x, *of_masks = (array.read(t) for array in arrays)
        return step(x, of_masks, state)

    return loop.unfold(take, length, initial_state, num_outputs)


class _Call(NamedTuple):
    """A call of an operation in a step.

    Attributes:
        operation: the operation.
        recomputed: whether the backward pass computes it again.
        forward: the specs of all tensors that the forward pass stores.
        operands: the specs of the operands of the backward pass.
    """

    operation: Operation
    recomputed: bool
    forward: Forward
    operands: tuple[tf.TensorSpec, ...]


@dataclasses.dataclass(frozen=True)
class _Traced:
    """What a step computes and uses.

    Attributes:
        calls: the calls of operations, in their order. None for one whose shared tensors are
            computed in the step: TensorFlow differentiates it.
        outputs: the specs of the outputs.
        state: the specs of the parts of the state.
        constants: the floating-point tensors from outside that the step uses between operations.
        variables: whether the step reads variables.
    """

    calls: list[_Call | None]
    outputs: list[tf.TensorSpec]
    state: list[tf.TensorSpec]
    constants: list[tf.Tensor]
    variables: bool

    @property
    def written_out(self):
        return [call for call in self.calls if call is not None]

    def answering(self, answer):
        """Let `answer(call, operation, xs)` answer the calls that are not None."""
        calls = iter(self.calls)

        def reply(operation, *xs):
            call = next(calls)
            return operation.apply(*xs) if call is None else answer(call, operation, xs)

        return answering(reply)


def _trace(step, inputs, masks, initial_state) -> _Traced:
    """Trace a step once, to see what it computes and uses."""
    calls, ends, cuts, outputs = [], [], [], []
    in_xla = loop.compiled_by_xla()

    def once(x, masks, *state):
        graph = tf.compat.v1.get_default_graph()

        def note(operation, *xs):
            if any(getattr(tensor, "graph", None) is graph for tensor in operation.shared):
                calls.append(None)
                return operation.apply(*xs)
            forward = operation.forward(*xs)
            ds = [tf.zeros_like(result) for result in tf.nest.flatten(forward.results)]
            backward = operation.backward(forward.kept, *ds)
            recomputed = operation.cheap and in_xla
            stored = Forward(()) if recomputed else forward, backward.operands
            calls.append(_Call(operation, recomputed, *tf.nest.map_structure(_spec, stored)))
            ends.extend(xs)
            results = tf.nest.map_structure(tf.identity, forward.results)
            cuts.extend(tf.nest.flatten(results))
            return results

        with answering(note):
            found, new_state = step(x, masks, tf.nest.pack_sequence_as(initial_state, state))
        outputs.extend(found)
        ends.extend([*found, *tf.nest.flatten(new_state)])
        return ends

    def of_step(each):
        return tf.TensorSpec(each.shape[1:], each.dtype)

    state = [_spec(part) for part in tf.nest.flatten(initial_state)]
    specs = of_step(inputs), [of_step(mask) for mask in masks], *state
    graph = tf.function(once, autograph=False).get_concrete_function(*specs).graph
    reached = _reached(ends, cuts)
    constants = [
        outer
        for outer, inner in graph.captures
        if outer.dtype.is_floating and inner.name in reached
    ]
    return _Traced(calls, [_spec(o) for o in outputs], state, constants, bool(graph.variables))


def _spec(tensor):
    return tf.TensorSpec(tensor.shape, tensor.dtype)


def _reached(ends, cuts):
    """Return the names of the tensors from which `ends` are computed, not passing `cuts`."""
    reached, waiting, cuts = set(), list(ends), {cut.name for cut in cuts}
    while waiting:
        tensor = waiting.pop()
        if tensor.name not in reached | cuts:
            reached.add(tensor.name)
            waiting.extend(tensor.op.inputs)
    return reached


def _read(arrays, t):
    return tf.nest.map_structure(lambda array: array.read(t), arrays)


def _differentiate(take, arguments, answering, forwards, ds):
    """Compute the gradients of a step.

    Args:
        take: the step, a function of `arguments`.
        arguments: `(x, state, constants)`; the step uses the constants from outside.
        answering: see `_Traced`.
        forwards: the result of `forward` for each operation of the step.
        ds: the gradients of the outputs and of the new state.

    Returns:
        `(backwards, gradients)`: the result of `backward` for each operation, and the gradients of
        the arguments.
    """
    x, state, constants = arguments
    sources = [x, *state, *constants]
    calls = []

    def replay(call, operation, xs):
        forward = forwards[len(calls)]
        if call.recomputed:
            with tape.stop_recording():
                forward = operation.forward(*xs)
        results = tf.nest.flatten(forward.results)
        tape.watch(results)
        calls.append((operation, xs, forward.kept, results))
        return forward.results

    with tf.GradientTape(persistent=True) as tape, answering(replay):
        tape.watch(sources)
        outputs, new_state = take(x, state)
    sources_and_results = [*sources, *(each for *_, results in calls for each in results)]
    sums: dict[int, tf.Tensor] = {}

    def propagate(targets, ds):
        pairs = [(target, d) for target, d in zip(targets, ds, strict=True) if d is not None]
        targets, ds = [target for target, _ in pairs], [tf.cast(d, x.dtype) for x, d in pairs]
        found = tape.gradient(targets, sources_and_results, ds)
        for source, d in zip(sources_and_results, found, strict=True):
            if d is not None:
                d, before = tf.convert_to_tensor(d), sums.get(id(source))
                sums[id(source)] = d if before is None else before + d

    def total(source):
        return sums[id(source)] if id(source) in sums else tf.zeros_like(source)

    propagate([*outputs, *tf.nest.flatten(new_state)], ds)
    backwards: list[Backward] = []
    for operation, xs, kept, results in reversed(calls):
        backwards.insert(0, operation.backward(kept, *map(total, results)))
        propagate(xs, backwards[0].d_xs)
    return backwards, [total(source) for source in sources]
