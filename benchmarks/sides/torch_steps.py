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
    """Return the weights of the attention, float32 `(B, S)`, and the tanh, `(B, S, A)`."""
    hidden = torch.tanh(keys.float() + query.float()[:, None])
    weights = torch.softmax((hidden * scorer).sum(-1) + padding, -1)
    return weights, hidden.to(keys.dtype)


def align_back(d_weights, weights, hidden, scorer, d_keys, d_scorer):
    """Return the gradient of the query, `(B, A)`; add to those of keys and scorer, float32.

    `d_keys` still has to be multiplied by the scorer.
    """
    d_scores = weights * (d_weights - (weights * d_weights).sum(-1, keepdim=True))
    hidden = hidden.float()
    d_hidden = d_scores[:, :, None] * (1 - hidden * hidden)
    d_keys += d_hidden
    d_scorer += (d_scores[:, :, None] * hidden).sum((0, 1))
    return d_hidden.sum(1) * scorer


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
    weights, hidden = align(product[:, 3 * units :], keys, padding, scorer)
    x = word.float() + weighted_sum(weights, projected)
    z, r, n, u_n = _gru_gates(x, product[:, : 3 * units].float())
    new_h = n + z * (h.float() - n)
    return new_h.to(h.dtype), weights, hidden, torch.cat([z, r, n, u_n], -1).to(h.dtype)


def gru_back(
    d_s, d_weights, carry, gates, h, weights, hidden, projected, scorer, kernel, d_keys, d_scorer
):
    """Return the gradients of `W x + b`, of the product and of the state; see `align_back`."""
    d_h = carry + d_s.float()
    d_x, d_u = _gru_gates_back(d_h, gates, h)
    d_weights = d_weights + inner_products(d_x, projected)
    d_query = align_back(d_weights, weights, hidden, scorer, d_keys, d_scorer)
    d_product = torch.cat([d_u, d_query], -1).to(kernel.dtype)
    carry = d_h * gates.float().chunk(4, -1)[0] + (d_product @ kernel.t()).float()
    return d_x.to(kernel.dtype), d_product, carry


def gru_greedy(ids, h, product, words, projected, keys, padding, scorer, weights, activation):
    """Choose the next ids; `weights` are of `[U ; W_query ; W_readout]` and of the logits."""
    kernel, bias, out_kernel, out_bias = weights
    units, size = h.shape[1], keys.shape[2]
    query = product[:, 3 * units : 3 * units + size]
    from_context = weighted_sum(align(query, keys, padding, scorer)[0], projected)
    x = words[ids].float() + from_context[:, : 3 * units]
    z, _, n, _ = _gru_gates(x, product[:, : 3 * units].float())
    h = (n + z * (h.float() - n)).to(h.dtype)
    product = torch.addmm(bias, h, kernel)
    attended = product[:, 3 * units + size :].float() + from_context[:, 3 * units :]
    if activation == "tanh":
        attended = torch.tanh(attended)
    logits = attended.to(h.dtype) @ out_kernel + out_bias
    return logits.argmax(-1), h, product


# One direction of an encoder with a GRU.


def direction_step(x, keep, h, kernel, bias):
    """Take a step; `keep` is 0 for rows whose word is padding: their state stays the same."""
    z, r, n, u_n = _gru_gates(x.float(), torch.addmm(bias, h, kernel).float())
    h_32 = h.float()
    new_h = h_32 + keep * (1 - z) * (n - h_32)
    return new_h.to(h.dtype), torch.cat([z, r, n, u_n], -1).to(h.dtype)


def direction_back(d_out, carry, keep, gates, h, kernel):
    """Return the gradients of `W x + b`, of `U h + b` and of the state before."""
    d_h = carry + d_out.float()
    d_new = keep * d_h
    d_x, d_u = _gru_gates_back(d_new, gates, h)
    d_u = d_u.to(kernel.dtype)
    z = gates.float().chunk(4, -1)[0]
    carry = d_h - d_new * (1 - z) + (d_u @ kernel.t()).float()
    return d_x.to(kernel.dtype), d_u, carry


def _gru_gates_back(d_h, gates, h):
    z, r, n, u_n = gates.float().chunk(4, -1)
    d_n = d_h * (1 - z) * (1 - n * n)
    d_z = d_h * (h.float() - n) * z * (1 - z)
    d_r = d_n * u_n * r * (1 - r)
    return torch.cat([d_z, d_r, d_n], -1), torch.cat([d_z, d_r, d_n * r], -1)


# A GRU of one layer that attends after the recurrence. `projected` is the memory times the weights
# of the readout, so that the weighted sum is the context's part of the readout.


def after_step(word, attended, h, mask, projected, keys, padding, scorer, weights):
    """Take a step; `weights` are those of the state, the readout before, and `[W_query ; W_a]`."""
    kernel, bias, attended_kernel, out_kernel, out_bias = weights
    dtype, size = h.dtype, keys.shape[2]
    x = word.float() + (attended @ attended_kernel).float()
    z, r, n, u_n = _gru_gates(x, torch.addmm(bias, h, kernel).float())
    new_h = n + z * (h.float() - n)
    s = (new_h * mask.float()).to(dtype)
    product = torch.addmm(out_bias, s, out_kernel)
    query = product[:, :size]
    weights, hidden = align(query, keys, padding, scorer)
    attended = torch.tanh(product[:, size:].float() + weighted_sum(weights, projected)).to(dtype)
    gates = torch.cat([z, r, n, u_n], -1).to(dtype)
    return new_h.to(dtype), attended, s, gates, weights, hidden


def after_back(
    d_attended,
    carry_attended,
    carry,
    mask,
    gates,
    h,
    attended,
    weights,
    hidden,
    projected,
    scorer,
    kernels,
    d_keys,
    d_scorer,
):
    """Take a step back.

    Returns:
        The gradients of `W x + b`, of `U h + b`, of the product with `[W_query ; W_a]`, and of the
        state and the readout before; see `align_back`.
    """
    kernel, attended_kernel, out_kernel = kernels
    a = attended.float()
    d_readout = (d_attended.float() + carry_attended.float()) * (1 - a * a)
    d_weights = inner_products(d_readout, projected)
    d_query = align_back(d_weights, weights, hidden, scorer, d_keys, d_scorer)
    d_product = torch.cat([d_query, d_readout], -1).to(kernel.dtype)
    d_h = carry + (d_product @ out_kernel.t()).float() * mask.float()
    d_x, d_u = _gru_gates_back(d_h, gates, h)
    d_x, d_u = d_x.to(kernel.dtype), d_u.to(kernel.dtype)
    carry = d_h * gates.float().chunk(4, -1)[0] + (d_u @ kernel.t()).float()
    return d_x, d_u, d_product, carry, d_x @ attended_kernel.t()


# Steps of a search, without products. There are `width` rows for each sentence.


def _attend(query, keys, values, padding, scorer):
    batch, width = keys.shape[0], query.shape[0] // keys.shape[0]
    if width == 1:
        return weighted_sum(align(query, keys, padding, scorer)[0], values)
    query = query.reshape(batch, width, 1, -1)
    hidden = torch.tanh(keys.float()[:, None] + query.float())
    weights = torch.softmax((hidden * scorer).sum(-1) + padding[:, None], -1)
    return torch.bmm(weights.to(values.dtype), values).float().flatten(0, 1)


def search_gates(word, from_attended, h, product):
    x = word.float() + from_attended.float()
    z, _, n, _ = _gru_gates(x, product[:, : 3 * h.shape[1]].float())
    return (n + z * (h.float() - n)).to(h.dtype)


def search_after(h, product, keys, projected, padding, scorer):
    start, size = 3 * h.shape[1], keys.shape[2]
    query, readout = product[:, start : start + size], product[:, start + size :]
    context = _attend(query, keys, projected, padding, scorer)
    return torch.tanh(readout.float() + context).to(h.dtype)


def search_before(word, h, product, keys, projected, padding, scorer):
    start, size = 3 * h.shape[1], keys.shape[2]
    context = _attend(product[:, start : start + size], keys, projected, padding, scorer)
    x = word.float() + context[:, :start]
    z, _, n, _ = _gru_gates(x, product[:, :start].float())
    return (n + z * (h.float() - n)).to(h.dtype), context[:, start:]


def search_readout(h, product, context, activation):
    attended = product[:, -context.shape[1] :].float() + context
    return (torch.tanh(attended) if activation == "tanh" else attended).to(h.dtype)


def log_total(logits):
    return torch.logsumexp(logits.float(), -1)


# A layer of LSTM.


def lstm_layer_step(x, h, c, kernel):
    i, f, g, o = _lstm_gates(x.float() + (h @ kernel).float())
    c = f * c + i * g
    return (o * torch.tanh(c)).to(h.dtype), c, torch.cat([i, f, g, o], -1).to(h.dtype)


def lstm_layer_back(d_out, carry, d_c, gates, c_before, c, kernel):
    """Return the gradients of `W x + U h + b`, and those of `h` and `c` before."""
    i, f, g, o = gates.float().chunk(4, -1)
    d_h, tanh_c = d_out.float() + carry.float(), torch.tanh(c)
    d_c = d_c + d_h * o * (1 - tanh_c * tanh_c)
    d_gates = torch.cat(
        [
            d_c * g * i * (1 - i),
            d_c * c_before * f * (1 - f),
            d_c * i * (1 - g * g),
            d_h * tanh_c * o * (1 - o),
        ],
        -1,
    ).to(kernel.dtype)
    return d_gates, d_gates @ kernel.t(), d_c * f


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
    weights, hidden = align(query, keys, padding, scorer)
    context = weighted_sum(weights, memory)
    s, hs, cs, inputs, products = _lstm_stack(word, context, hs, cs, dropout, kernels, biases)
    return s, hs, cs, weights, hidden, inputs, products


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
    hidden,
    memory,
    scorer,
    query_kernel,
    kernels,
    biases,
    d_keys,
    d_scorer,
):
    """Take a step back.

    Args:
        d_s, d_context: gradients of the features of this step, `(B, H)` and `(B, M)`.
        carries: for each layer the gradient of its merged input in the next step, of which the last
            `H` are the state.
        d_cs: for each layer the gradient of its `c`.
        d_top: the part of the gradient of the last layer's state that came through the query.

    Returns:
        The gradients of the products, of the context and of the query, and the new `carries`,
        `d_cs` and `d_top`; see `align_back`.
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
    d_query = align_back(d_weights, weights, hidden, scorer, d_keys, d_scorer)
    d_query = d_query.to(query_kernel.dtype)
    d_top = d_query @ query_kernel.t()
    return (
        tuple(d_products),
        d_context.to(memory.dtype),
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
    context = weighted_sum(align(query, keys, padding, scorer)[0], memory)
    s, hs, cs, _, _ = _lstm_stack(words[ids], context, hs, cs, None, kernels, biases)
    query = torch.addmm(query_bias, s, query_kernel)
    features = torch.cat([s, context.to(s.dtype)], -1)
    attended = torch.addmm(readout_bias, features, readout_kernel)
    if activation == "tanh":
        attended = torch.tanh(attended.float()).to(s.dtype)
    logits = attended @ out_kernel + out_bias
    return logits.argmax(-1), hs, cs, query


def cross_entropy(logits, labels, smoothing, factor):
    """Return the mean loss of words that are not padding, times a factor, and its gradient."""
    logits_32, size = logits.float(), logits.shape[1]
    log_total = torch.logsumexp(logits_32, -1)
    is_label = torch.arange(size, device=labels.device) == labels[:, None]
    mask = (labels != 0).float()
    scale = mask * (factor / mask.sum().clamp(min=1.0))
    of_label = torch.where(is_label, logits_32, 0.0).sum(-1)
    loss = log_total - (1 - smoothing) * of_label - smoothing * logits_32.mean(-1)
    target = torch.where(is_label, 1 - smoothing + smoothing / size, smoothing / size)
    d_logits = (torch.exp(logits_32 - log_total[:, None]) - target) * scale[:, None]
    return (loss * scale).sum(), d_logits.to(logits.dtype)


def dropout_factors(bytes, rate, like):
    """Return what to multiply by: 0 at about this rate, and a little more than 1 elsewhere."""
    threshold = round(256 * rate)
    return torch.where(bytes >= threshold, 256 / (256 - threshold), 0.0).to(like.dtype)


ALL = (
    dropout_factors,
    gru_step,
    gru_back,
    gru_greedy,
    direction_step,
    direction_back,
    after_step,
    after_back,
    search_gates,
    search_after,
    search_before,
    search_readout,
    log_total,
    lstm_layer_step,
    lstm_layer_back,
    lstm_step,
    lstm_back,
    lstm_greedy,
    cross_entropy,
)


class Steps:
    """The functions by name, compiled if `mode` is not None.

    Args:
        mode: the mode of `torch.compile`, or None.
        dynamic: False to compile for each shape, None to compile for all if a second one comes.
    """

    def __init__(self, mode, dynamic=False):
        for function in ALL:
            if mode is not None:
                compiled = torch.compile(function, mode=mode, dynamic=dynamic, fullgraph=True)
            setattr(self, function.__name__, function if mode is None else compiled)
