"""Backpropagation through time for steps that consist of linear maps and cheap operations.

TensorFlow's own gradient of a loop stores every intermediate result of every step, and accumulates
the gradient of each matrix step by step. `unfold` stores only the states, and the operands and
results of the linear maps. Its backward pass recomputes the rest of each step, which needs no
matrix product, and computes the gradient of each matrix from all steps at once:

    y_t = W x_t + b:    d_W = sum_t d_yt x_t^T,    d_b = sum_t d_yt

A decoder with attention uses it when XLA compiles the loop, because XLA merges the cheap operations
of a step into a few kernels.

Second derivatives are not supported.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tf_seq2seq.layers import loop
from tf_seq2seq.layers.linear import Linear, answering, product

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
    uses = _trace(step, inputs, masks, initial_state)
    if uses.variables:
        return unfold_plainly(step, inputs, masks, initial_state, num_outputs)
    linears, constants, length = uses.linears, uses.constants, tf.shape(inputs)[0]
    num_states, num_linears = uses.num_states, len(uses.linears)

    def take(t, x, state):
        return step(x, [mask[t] for mask in masks], tf.nest.pack_sequence_as(initial_state, state))

    @tf.custom_gradient
    def run(inputs, *arguments):
        def forward(t, state):
            operands, results = [], []

            def record(linear, x):
                operands.append(x)
                results.append(linear.apply(x))
                return results[-1]

            with answering(record):
                outputs, new_state = take(t, inputs[t], state)
            kept = (*outputs, *state, *results, *uses.not_states(operands))
            return kept, tf.nest.flatten(new_state)

        state = list(arguments[:num_states])
        num_kept = num_outputs + num_states + num_linears + uses.places.count(None)
        kept, last = loop.unfold(forward, length, state, num_kept)
        outputs, states, results, operands = _split(kept, num_outputs, num_states, num_linears)

        def gradient(*ds, variables=()):
            d_outputs, d_last = ds[:num_outputs], list(ds[num_outputs:])
            transposed = [tf.transpose(tf.cast(each.kernel, each.dtype)) for each in linears]

            def back(t, carried):
                d_state, sums = carried
                x, state, answers = (
                    inputs[t],
                    [each[t] for each in states],
                    [each[t] for each in results],
                )
                waiting = list(zip(answers, transposed, strict=True))

                def replay(linear, x):
                    return _replay(tf.cast(x, tf.float32), *waiting.pop(0), linear.dtype)

                with tf.GradientTape() as tape:
                    tape.watch([x, state, answers, constants])
                    with answering(replay):
                        outputs, new_state = take(t, x, state)
                d_x, d_before, d_answers, d_constants = tape.gradient(
                    [*outputs, *tf.nest.flatten(new_state)],
                    [x, state, answers, constants],
                    [*(d[t] for d in d_outputs), *d_state],
                    unconnected_gradients=tf.UnconnectedGradients.ZERO,
                )
                sums = [s + tf.cast(d, s.dtype) for s, d in zip(sums, d_constants, strict=True)]
                return (d_x, *d_answers), (d_before, sums)

            carried = d_last, [tf.zeros(tf.shape(each)) for each in constants]
            (d_inputs, *d_results), (d_state, sums) = loop.unfold(
                back, length, carried, 1 + num_linears, backwards=True
            )
            d_weights = []
            for linear, xs, d in zip(
                linears, uses.all_operands(states, operands), d_results, strict=True
            ):
                xs, d = (tf.reshape(each, [-1, each.shape[-1]]) for each in (xs, d))
                d_weights.append(product(xs, d, linear.dtype, transpose_a=True))
                if linear.bias is not None:
                    d_weights.append(tf.reduce_sum(d, axis=0))
            sums = [tf.cast(s, each.dtype) for s, each in zip(sums, constants, strict=True)]
            gradients = loop.differentiable_once([d_inputs, *d_state, *d_weights, *sums])
            # `variables` are those behind the arguments, which pass the gradients on to them.
            return (gradients, [None] * len(variables)) if variables else gradients

        return (*outputs, *last), gradient

    weights = [part for linear in linears for part in linear.weights]
    results = run(inputs, *tf.nest.flatten(initial_state), *weights, *constants)
    state = tf.nest.pack_sequence_as(initial_state, list(results[num_outputs:]))
    return tuple(results[:num_outputs]), state


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


@dataclasses.dataclass(frozen=True)
class _Uses:
    """What a step uses.

    Attributes:
        linears: the linear maps, in the order in which it calls them.
        places: for each call, the index of the part of the state that is its operand, or None if
            the operand is computed in the step.
        constants: all other floating-point tensors that are captured from outside the step.
        variables: whether the step reads variables.
        num_states: the number of parts of the state.
    """

    linears: list[Linear]
    places: list[int | None]
    constants: list[tf.Tensor]
    variables: bool
    num_states: int

    def not_states(self, operands):
        """Return the operands that are not part of the state."""
        return [x for place, x in zip(self.places, operands, strict=True) if place is None]

    def all_operands(self, states, others):
        """Return the operands, given the states and what `not_states` returned."""
        others = iter(others)
        return [next(others) if place is None else states[place] for place in self.places]


def _trace(step, inputs, masks, initial_state) -> _Uses:
    """Trace a step once, to see what it uses."""
    linears, places = [], []
    parts = tf.nest.flatten(initial_state)

    def once(x, masks, *state):
        place = {id(part): i for i, part in enumerate(state)}

        def note(linear, x):
            linears.append(linear)
            places.append(place.get(id(x)))
            return tf.zeros([tf.shape(x)[0], linear.kernel.shape[1]])

        with answering(note):
            return step(x, masks, tf.nest.pack_sequence_as(initial_state, state))

    def spec(each, of_step=True):
        return tf.TensorSpec(each.shape[1:] if of_step else each.shape, each.dtype)

    specs = spec(inputs), [spec(mask) for mask in masks], *(spec(p, of_step=False) for p in parts)
    graph = tf.function(once, autograph=False).get_concrete_function(*specs).graph
    constants = [outer for outer, _ in graph.captures if outer.dtype.is_floating]
    return _Uses(linears, places, constants, bool(graph.variables), len(parts))


def _replay(x, result, transposed, dtype):
    """Return a linear map's result from the forward pass, with gradients for `x` and `result`."""

    @tf.custom_gradient
    def run(x, result):
        return tf.identity(result), lambda d: (product(d, transposed, dtype), d)

    return run(x, result)


def _split(values, *counts):
    """Split a sequence into parts of the given sizes, and the rest."""
    parts, start = [], 0
    for count in counts:
        parts.append(list(values[start : start + count]))
        start += count
    return *parts, list(values[start:])
