"""The steps of the decoder in PyTorch, with gradients that are written out.

Each function here is one unit for `torch.compile`. Products with recurrent weights are merged where
the equations allow it. The gradient of a weight needs no product per step: the loops collect the
gradients of all steps' products, and one product at the end sums over the steps.

    B batch, S source length, T target length, H units, A attention units, M memory size

Products are in the dtype of the weights that are passed, everything else is in float32.
"""

import torch


def weighted_sum(weights, values):
    """Map `(B, S)` and `(B, S, N)` to float32 `(B, N)`."""
    if torch.compiler.is_compiling():  # fused with the computation of the weights
        return (weights[:, :, None] * values.float()).sum(1)
    return torch.bmm(weights.to(values.dtype)[:, None], values)[:, 0].float()


def inner_products(vector, values):
    """Map `(B, N)` and `(B, S, N)` to float32 `(B, S)`."""
    if torch.compiler.is_compiling():
        return (vector[:, None] * values.float()).sum(2)
    return torch.bmm(values, vector.to(values.dtype)[:, :, None])[:, :, 0].float()


def align(query, keys, padding, scorer):
    """Return the weights of the attention, float32 `(B, S)`."""
    hidden = torch.tanh(keys.float() + query.float()[:, None])
    return torch.softmax((hidden * scorer).sum(-1) + padding, -1)


def align_back(d_weights, weights, query, keys, scorer):
    """Return the gradients of the scores, `(B, S)`, and of the query, `(B, A)`."""
    d_scores = weights * (d_weights - (weights * d_weights).sum(-1, keepdim=True))
    hidden = torch.tanh(keys.float() + query.float()[:, None])
    return d_scores, (d_scores[:, :, None] * (1 - hidden * hidden)).sum(1) * scorer


def keys_gradient(d_scores, queries, keys, scorer):
    """Sum the gradients of the keys over all steps: float32 `(B, S, A)`."""
    if not torch.compiler.is_compiling():
        return sum(map(lambda *step: _of_keys(*step, keys), d_scores, queries)) * scorer
    hidden = torch.tanh(keys.float() + queries.float()[:, :, None])
    return (d_scores[..., None] * (1 - hidden * hidden)).sum(0) * scorer


def scorer_gradient(d_scores, queries, keys):
    """Sum the gradients of the scorer over all steps: float32 `(A,)`."""
    if not torch.compiler.is_compiling():
        return sum(map(lambda *step: _of_scorer(*step, keys), d_scores, queries))
    hidden = torch.tanh(keys.float() + queries.float()[:, :, None])
    return (d_scores[..., None] * hidden).sum((0, 1, 2))


def _of_keys(d_scores, query, keys):
    hidden = torch.tanh(keys.float() + query.float()[:, None])
    return d_scores[..., None] * (1 - hidden * hidden)


def _of_scorer(d_scores, query, keys):
    hidden = torch.tanh(keys.float() + query.float()[:, None])
    return (d_scores[..., None] * hidden).sum((0, 1))


# A GRU of one layer. `projected` is the memory times the weights of the context, so that the
# weighted sum is the context's part of the gates. The order of the gates is z, r, n.


def _gru_gates(x, u):
    (x_z, x_r, x_n), (u_z, u_r, u_n) = x.chunk(3, -1), u.chunk(3, -1)
    z, r = torch.sigmoid(x_z + u_z), torch.sigmoid(x_r + u_r)
    return z, r, torch.tanh(x_n + r * u_n), u_n


def gru_step(word, h, projected, keys, padding, scorer, kernel, bias):
    """Take a step; `kernel` and `bias` are those of `[U ; W_query]`."""
    product = torch.addmm(bias, h, kernel)
    units = h.shape[1]
    weights = align(product[:, 3 * units :], keys, padding, scorer)
    x = word.float() + weighted_sum(weights, projected)
    z, _, n, _ = _gru_gates(x, product[:, : 3 * units].float())
    new_h = n + z * (h.float() - n)
    return new_h.to(h.dtype), weights, x, product


def gru_back(d_s, d_weights, carry, x, product, h, weights, projected, keys, scorer, kernel):
    """Return the gradients of `W x + b`, of the product, of the scores and of the state before."""
    units = h.shape[1]
    query = product[:, 3 * units :]
    z, r, n, u_n = _gru_gates(x, product[:, : 3 * units].float())
    d_h = carry + d_s.float()
    d_n = d_h * (1 - z) * (1 - n * n)
    d_z = d_h * (h.float() - n) * z * (1 - z)
    d_r = d_n * u_n * r * (1 - r)
    d_x = torch.cat([d_z, d_r, d_n], -1)
    d_weights = d_weights + inner_products(d_x, projected)
    d_scores, d_query = align_back(d_weights, weights, query, keys, scorer)
    d_product = torch.cat([d_z, d_r, d_n * r, d_query], -1).to(kernel.dtype)
    carry = d_h * z + (d_product @ kernel.t()).float()
    return d_x.to(kernel.dtype), d_product, d_scores, carry


def gru_greedy(ids, h, product, words, projected, keys, padding, scorer, weights, activation):
    """Choose the next ids; `weights` are of `[U ; W_query ; W_readout]` and of the logits."""
    kernel, bias, out_kernel, out_bias = weights
    units, size = h.shape[1], keys.shape[2]
    query = product[:, 3 * units : 3 * units + size]
    from_context = weighted_sum(align(query, keys, padding, scorer), projected)
    x = words[ids].float() + from_context[:, : 3 * units]
    z, _, n, _ = _gru_gates(x, product[:, : 3 * units].float())
    h = (n + z * (h.float() - n)).to(h.dtype)
    product = torch.addmm(bias, h, kernel)
    attended = product[:, 3 * units + size :].float() + from_context[:, 3 * units :]
    if activation == "tanh":
        attended = torch.tanh(attended)
    logits = attended.to(h.dtype) @ out_kernel + out_bias
    return logits.argmax(-1), h, product


# A stack of LSTMs. The kernels are those of `[W ; U]`, with the context as the input of the first
# layer. The order of the gates is i, f, g, o.


def _lstm_gates(gates):
    i, f, g, o = gates.chunk(4, -1)
    return torch.sigmoid(i), torch.sigmoid(f), torch.tanh(g), torch.sigmoid(o)


def _lstm_stack(word, context, hs, cs, dropout, kernels, biases):
    x, new_hs, new_cs, inputs, products = context.to(hs[0].dtype), [], [], [], []
    for i, kernel in enumerate(kernels):
        inputs.append(torch.cat([x, hs[i]], -1))
        products.append(inputs[i] @ kernel)
        gates = products[i].float() + (biases[i - 1] if i else word.float())
        i_gate, f, g, o = _lstm_gates(gates)
        new_cs.append(f * cs[i] + i_gate * g)
        h = o * torch.tanh(new_cs[i])
        new_hs.append(h.to(hs[0].dtype))
        x = new_hs[i] if dropout is None else (h * dropout[i]).to(hs[0].dtype)
    return x, tuple(new_hs), tuple(new_cs), tuple(inputs), tuple(products)


def lstm_step(word, hs, cs, dropout, memory, keys, padding, scorer, query_weights, kernels, biases):
    """Take a step; `biases` are of the layers above the first."""
    query = torch.addmm(query_weights[1], hs[-1], query_weights[0])
    weights = align(query, keys, padding, scorer)
    context = weighted_sum(weights, memory)
    s, hs, cs, inputs, products = _lstm_stack(word, context, hs, cs, dropout, kernels, biases)
    return s, hs, cs, weights, query, inputs, products


def lstm_back(
    d_s,
    d_context,
    carries,
    d_cs,
    d_top,
    word,
    products,
    cs,
    previous_cs,
    dropout,
    weights,
    query,
    memory,
    keys,
    scorer,
    query_kernel,
    kernels,
    biases,
):
    """Take a step back.

    Args:
        d_s, d_context: gradients of the features of this step, `(B, H)` and `(B, M)`.
        carries: for each layer the gradient of its merged input in the next step, of which the last
            `H` are the state.
        d_cs: for each layer the gradient of its `c`.
        d_top: the part of the gradient of the last layer's state that came through the query.

    Returns:
        The gradients of the products, of the context, of the scores and of the query, and the new
        `carries`, `d_cs` and `d_top`.
    """
    last, units = len(kernels) - 1, d_s.shape[1]
    d_out, d_products, new_carries, new_d_cs = d_s.float(), [], [], []
    for i in range(last, -1, -1):
        i_gate, f, g, o = _lstm_gates(products[i].float() + (biases[i - 1] if i else word.float()))
        d_h = d_out * dropout[i] + carries[i][:, -units:].float()
        if i == last:
            d_h = d_h + d_top.float()
        tanh_c = torch.tanh(cs[i])
        d_c = d_cs[i] + d_h * o * (1 - tanh_c * tanh_c)
        d_gates = [
            d_c * g * i_gate * (1 - i_gate),
            d_c * previous_cs[i] * f * (1 - f),
            d_c * i_gate * (1 - g * g),
            d_h * tanh_c * o * (1 - o),
        ]
        d_products.insert(0, torch.cat(d_gates, -1).to(kernels[i].dtype))
        new_carries.insert(0, d_products[0] @ kernels[i].t())
        new_d_cs.insert(0, d_c * f)
        d_out = new_carries[0][:, :-units].float()
    d_context = d_context.float() + d_out
    d_weights = inner_products(d_context, memory)
    d_scores, d_query = align_back(d_weights, weights, query, keys, scorer)
    d_query = d_query.to(query_kernel.dtype)
    d_top = d_query @ query_kernel.t()
    return (
        tuple(d_products),
        d_context.to(memory.dtype),
        d_scores,
        d_query,
        tuple(new_carries),
        tuple(new_d_cs),
        d_top,
    )


def lstm_greedy(
    ids, hs, cs, query, words, memory, keys, padding, scorer, kernels, biases, weights, activation
):
    """Choose the next ids; `weights` are those of the readout, of the query and of the logits."""
    readout_kernel, readout_bias, query_kernel, query_bias, out_kernel, out_bias = weights
    context = weighted_sum(align(query, keys, padding, scorer), memory)
    s, hs, cs, _, _ = _lstm_stack(words[ids], context, hs, cs, None, kernels, biases)
    query = torch.addmm(query_bias, s, query_kernel)
    features = torch.cat([s, context.to(s.dtype)], -1)
    attended = torch.addmm(readout_bias, features, readout_kernel)
    if activation == "tanh":
        attended = torch.tanh(attended.float()).to(s.dtype)
    logits = attended @ out_kernel + out_bias
    return logits.argmax(-1), hs, cs, query


def cross_entropy(logits, labels, smoothing):
    """Return the mean loss of words that are not padding, and its gradient by the logits."""
    logits_32, size = logits.float(), logits.shape[1]
    log_total = torch.logsumexp(logits_32, -1)
    is_label = torch.arange(size, device=labels.device) == labels[:, None]
    mask = (labels != 0).float()
    scale = mask / mask.sum().clamp(min=1.0)
    of_label = torch.where(is_label, logits_32, 0.0).sum(-1)
    loss = log_total - (1 - smoothing) * of_label - smoothing * logits_32.mean(-1)
    target = torch.where(is_label, 1 - smoothing + smoothing / size, smoothing / size)
    d_logits = (torch.exp(logits_32 - log_total[:, None]) - target) * scale[:, None]
    return (loss * scale).sum(), d_logits.to(logits.dtype)


ALL = (
    keys_gradient,
    scorer_gradient,
    gru_step,
    gru_back,
    gru_greedy,
    lstm_step,
    lstm_back,
    lstm_greedy,
    cross_entropy,
)


class Steps:
    """The functions by name, compiled if `mode` is not None."""

    def __init__(self, mode):
        for function in ALL:
            if mode is not None:
                compiled = torch.compile(function, mode=mode, dynamic=False, fullgraph=True)
            setattr(self, function.__name__, function if mode is None else compiled)
