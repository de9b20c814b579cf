"""Loops over the words of sentences, with back-propagation through time that is written out.

The gradient of a matrix is one product, which sums over all steps. See `torch_steps` for a step.
"""

import torch
from torch.autograd import Function
from torch_operations import product_32, sums_of_rows


def column_sums(ds):
    """Sum the rows of all steps."""
    return sums_of_rows(torch.cat(ds))


def sums_of_products(xs, ds):
    """Sum `x_t^T d_t` over all steps."""
    return product_32(torch.cat(xs).t(), torch.cat(ds))


class EncoderLoop(Function):
    """One direction of an encoder with a GRU, in time-major order; returns all states.

    Args:
        steps: `torch_steps.Steps`.
        xs: `W x + b`, `(S, B, 3 H)`.
        keeps: float32 `(S, B, 1)`, 0 for padding.
        kernel, bias: of the state, in the dtype of `xs`.
        backward: whether to read from the end to the start.
    """

    @staticmethod
    def forward(ctx, steps, xs, keeps, kernel, bias, backwards):
        xs, kernel, bias = (each.detach() for each in (xs, kernel.to(xs.dtype), bias.to(xs.dtype)))
        length = len(xs)
        order = range(length - 1, -1, -1) if backwards else range(length)
        h = xs.new_zeros(xs.shape[1], kernel.shape[0])
        before, hs, gates = [None] * length, [None] * length, [None] * length
        for t in order:
            before[t] = h
            h, gates[t] = steps.direction_step(xs[t], keeps[t], h, kernel, bias)
            hs[t] = h
        ctx.steps, ctx.order = steps, order
        ctx.kept = before, gates, keeps, kernel
        return torch.stack(hs), h

    @staticmethod
    def backward(ctx, d_hs, d_last):
        before, gates, keeps, kernel = ctx.kept
        carry, length = d_last.float(), len(before)
        d_xs, d_us = [None] * length, [None] * length
        for t in reversed(ctx.order):
            d_xs[t], d_us[t], carry = ctx.steps.direction_back(
                d_hs[t], carry, keeps[t], gates[t], before[t], kernel
            )
        d_kernel = sums_of_products(before, d_us)
        return None, torch.stack(d_xs), None, d_kernel, column_sums(d_us), None


class LstmLayerLoop(Function):
    """A layer of LSTM; returns its states, and the last `h` and `c`."""

    @staticmethod
    def forward(ctx, steps, xs, h, c, kernel):
        xs, h, c, kernel = (each.detach() for each in (xs, h, c, kernel.to(xs.dtype)))
        hs, cs, gates = [h], [c], []
        for x in xs:
            h, c, each = steps.lstm_layer_step(x, h, c, kernel)
            hs.append(h)
            cs.append(c)
            gates.append(each)
        ctx.steps, ctx.kept = steps, (hs, cs, gates, kernel)
        ctx.mark_non_differentiable(h, c)
        return torch.stack(hs[1:]), h, c

    @staticmethod
    def backward(ctx, d_hs, *_):
        hs, cs, gates, kernel = ctx.kept
        carry, d_c = torch.zeros_like(hs[0]), torch.zeros_like(cs[0])
        d_xs = [None] * len(gates)
        for t in range(len(gates) - 1, -1, -1):
            d_xs[t], carry, d_c = ctx.steps.lstm_layer_back(
                d_hs[t], carry, d_c, gates[t], cs[t], cs[t + 1], kernel
            )
        return None, torch.stack(d_xs), None, None, sums_of_products(hs[:-1], d_xs)


class AskAfterLoop(Function):
    """All steps of a decoder that attends after a GRU; returns its readouts."""

    @staticmethod
    def forward(ctx, steps, words, h, masks, projected, keys, padding, scorer, *weights):
        words, h, projected, keys, scorer = (
            each.detach() for each in (words, h, projected, keys, scorer)
        )
        dtype = words.dtype
        weights = tuple(each.detach().to(dtype) for each in weights)
        kernel, _, attended_kernel, out_kernel, _ = weights
        attended = words.new_zeros(len(h), attended_kernel.shape[0])
        hs, all_attended, kept = [h], [attended], []
        for word, mask in zip(words, masks, strict=True):
            h, attended, *rest = steps.after_step(
                word, attended, h, mask, projected, keys, padding, scorer, weights
            )
            hs.append(h)
            all_attended.append(attended)
            kept.append(rest)
        ctx.steps = steps
        ctx.kept = hs, all_attended, kept, masks
        ctx.shared = projected, keys, scorer, (kernel, attended_kernel, out_kernel)
        return torch.stack(all_attended[1:])

    @staticmethod
    def backward(ctx, d_attended):
        steps = ctx.steps
        hs, attended, kept, masks = ctx.kept
        projected, keys, scorer, kernels = ctx.shared
        length, size = len(kept), keys.shape[2]
        carry = torch.zeros_like(hs[0], dtype=torch.float32)
        carry_attended = torch.zeros_like(attended[0])
        d_keys, d_scorer = torch.zeros(keys.shape, device=keys.device), torch.zeros_like(scorer)
        d_xs, d_us, d_products = ([None] * length for _ in range(3))
        for t in range(length - 1, -1, -1):
            _, gates, weights, hidden = kept[t]
            d_xs[t], d_us[t], d_products[t], carry, carry_attended = steps.after_back(
                *(d_attended[t], carry_attended, carry, masks[t], gates, hs[t], attended[t + 1]),
                *(weights, hidden, projected, scorer, kernels, d_keys, d_scorer),
            )
        ss, _, weights, _ = zip(*kept, strict=True)
        d_projected = _sum_of_outer(weights, torch.stack([each[:, size:] for each in d_products]))
        d_kernels = (
            *(sums_of_products(hs[:-1], d_us), column_sums(d_us)),
            sums_of_products(attended[:-1], d_xs),
            *(sums_of_products(ss, d_products), column_sums(d_products)),
        )
        d_h, d_keys = carry.to(hs[0].dtype), (d_keys * scorer).to(keys.dtype)
        shared = None, torch.stack(d_xs), d_h, None, d_projected, d_keys, None, d_scorer
        return *shared, *d_kernels


class GruLoop(Function):
    """All steps of a decoder with one GRU; returns its states and the attention weights."""

    @staticmethod
    def forward(ctx, steps, words, h, projected, keys, padding, scorer, kernel, bias):
        words, h, projected, keys, scorer = (
            each.detach() for each in (words, h, projected, keys, scorer)
        )
        dtype = words.dtype
        kernel, bias = kernel.detach().to(dtype), bias.detach().to(dtype)
        hs, all_weights, kept = [h], [], []
        for word in words:
            h, weights, *rest = steps.gru_step(
                word, h, projected, keys, padding, scorer, kernel, bias
            )
            hs.append(h)
            all_weights.append(weights)
            kept.append(rest)
        ctx.steps, ctx.kept = steps, (hs, all_weights, kept, projected, keys, scorer, kernel)
        return torch.stack(hs[1:]), torch.stack(all_weights)

    @staticmethod
    def backward(ctx, d_s, d_weights):
        hs, all_weights, kept, projected, keys, scorer, kernel = ctx.kept
        d_s, d_weights = d_s.contiguous(), d_weights.contiguous()
        length, carry = len(kept), torch.zeros_like(hs[0], dtype=torch.float32)
        d_keys, d_scorer = torch.zeros(keys.shape, device=keys.device), torch.zeros_like(scorer)
        d_xs, d_products = [None] * length, [None] * length
        for t in range(length - 1, -1, -1):
            hidden, gates = kept[t]
            d_xs[t], d_products[t], carry = ctx.steps.gru_back(
                *(d_s[t], d_weights[t], carry, gates, hs[t], all_weights[t], hidden),
                *(projected, scorer, kernel, d_keys, d_scorer),
            )
        d_words = torch.stack(d_xs)
        d_projected = _sum_of_outer(all_weights, d_words)
        d_h, d_keys = carry.to(hs[0].dtype), (d_keys * scorer).to(keys.dtype)
        d_weights = sums_of_products(hs[:-1], d_products), column_sums(d_products)
        return None, d_words, d_h, d_projected, d_keys, None, d_scorer, *d_weights


def _sum_of_outer(weights, ds):
    """Sum the outer products of weights `(B, S)` and gradients `(B, N)` over all steps."""
    weights = torch.stack(weights).permute(1, 2, 0).to(ds.dtype)
    return torch.bmm(weights, ds.transpose(0, 1))


class LstmLoop(Function):
    """All steps of a decoder with a stack of LSTMs; returns its outputs and the contexts."""

    @staticmethod
    def forward(
        ctx, steps, words, dropout, hs, cs, memory, keys, padding, scorer, query, query_bias, *rest
    ):
        layers, dtype = hs.shape[0], words.dtype
        kernels = tuple(kernel.detach().to(dtype) for kernel in rest[:layers])
        biases = tuple(bias.detach() for bias in rest[layers:])
        words, hs, cs, memory, keys, scorer = (
            each.detach() for each in (words, hs, cs, memory, keys, scorer)
        )
        query_weights = query.detach().to(dtype), query_bias.detach().to(dtype)
        hs, cs = tuple(hs), tuple(cs)
        outputs, all_cs, all_weights, hiddens, inputs, products = [], [cs], [], [], [], []
        for word, masks in zip(words, dropout, strict=True):
            s, hs, cs, weights, hidden, step_inputs, step_products = steps.lstm_step(
                word, hs, cs, masks, memory, keys, padding, scorer, query_weights, kernels, biases
            )
            outputs.append(s)
            all_cs.append(cs)
            all_weights.append(weights)
            hiddens.append(hidden)
            inputs.append(step_inputs)
            products.append(step_products)
        ctx.steps = steps
        ctx.kept = words, dropout, all_cs, all_weights, hiddens, inputs, products
        ctx.shared = memory, keys, scorer, query_weights[0], kernels, biases
        size = memory.shape[2]
        return torch.stack(outputs), torch.stack([step[0][:, :size] for step in inputs])

    @staticmethod
    def backward(ctx, d_outputs, d_contexts):
        words, dropout, all_cs, all_weights, hiddens, inputs, products = ctx.kept
        memory, keys, scorer, query_kernel, kernels, biases = ctx.shared
        steps, length, layers = ctx.steps, len(words), len(kernels)
        d_outputs, d_contexts = d_outputs.contiguous(), d_contexts.contiguous()
        carries = tuple(torch.zeros_like(each) for each in inputs[0])
        d_cs = tuple(torch.zeros_like(each) for each in all_cs[0])
        units = d_outputs.shape[2]
        d_top = torch.zeros_like(d_outputs[0])
        d_keys, d_scorer = torch.zeros(keys.shape, device=keys.device), torch.zeros_like(scorer)
        d_products, d_attended, d_queries = ([None] * length for _ in range(3))
        for t in range(length - 1, -1, -1):
            d_products[t], d_attended[t], d_queries[t], carries, d_cs, d_top = steps.lstm_back(
                *(d_outputs[t], d_contexts[t], carries, d_cs, d_top, words[t], products[t]),
                *(all_cs[t + 1], all_cs[t], dropout[t], all_weights[t], hiddens[t], memory),
                *(scorer, query_kernel, kernels, biases, d_keys, d_scorer),
            )
        d_hs = torch.stack([carry[:, -units:] for carry in carries])
        d_hs[-1] += d_top
        d_memory = _sum_of_outer(all_weights, torch.stack(d_attended))
        d_keys = (d_keys * scorer).to(keys.dtype)
        by_layer = [torch.cat([step[i] for step in d_products]) for i in range(layers)]
        d_kernels = [
            product_32(torch.cat([step[i] for step in inputs]).t(), by_layer[i])
            for i in range(layers)
        ]
        d_biases = [sums_of_rows(each) for each in by_layer[1:]]
        d_query = sums_of_products([step[-1][:, -units:] for step in inputs], d_queries)
        d_query_bias = column_sums(d_queries)
        d_words = by_layer[0].view(words.shape)
        return (
            *(None, d_words, None, d_hs, torch.stack(d_cs), d_memory, d_keys, None, d_scorer),
            *(d_query, d_query_bias, *d_kernels, *d_biases),
        )
