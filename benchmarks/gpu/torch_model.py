"""The model in PyTorch, as fast as we can make it, for sentences of one fixed length."""

import copy
import functools
import sys

import torch
from configurations import EOS_ID, PAD_ID, SOS_ID
from torch import nn
from torch.autograd import Function
from torch.nn import functional


def product_32(a, b):
    """Multiply two matrices; the result is float32."""
    if a.is_cuda and a.dtype != torch.float32 and _multiplies_to_float32(a.device):
        return torch.mm(a, b, out_dtype=torch.float32)
    return torch.mm(a, b).float()


@functools.cache
def _multiplies_to_float32(device):
    ones = torch.ones(16, 16, dtype=torch.bfloat16, device=device)
    try:
        torch.mm(ones.t(), ones, out_dtype=torch.float32)
    except (RuntimeError, TypeError) as error:
        print(f"no product of bfloat16 to float32: {error}", file=sys.stderr)
        return False
    return True


class Product(Function):
    """`x W + b` in the dtype of `x`, with float32 weights and gradients of weights."""

    @staticmethod
    def forward(ctx, x, kernel, bias):
        w = kernel.to(x.dtype)
        ctx.save_for_backward(x, w)
        return x @ w if bias is None else torch.addmm(bias.to(x.dtype), x, w)

    @staticmethod
    def backward(ctx, d):
        x, w = ctx.saved_tensors
        d_x = d @ w.t() if ctx.needs_input_grad[0] else None
        d_bias = d.sum(0, dtype=torch.float32) if ctx.needs_input_grad[2] else None
        return d_x, product_32(x.t(), d), d_bias


def linear(x, kernel, bias=None):
    return Product.apply(x.flatten(0, -2), kernel, bias).view(*x.shape[:-1], kernel.shape[1])


class Lookup(Function):
    """Rows of a float32 matrix in `dtype`; the gradient is one `index_add_`."""

    @staticmethod
    def forward(ctx, table, ids, dtype):
        ctx.save_for_backward(ids)
        ctx.size = table.shape
        return table[ids].to(dtype)

    @staticmethod
    def backward(ctx, d):
        (ids,) = ctx.saved_tensors
        d_table = torch.zeros(ctx.size, device=d.device)
        return d_table.index_add_(0, ids.flatten(), d.float().flatten(0, -2)), None, None


class CrossEntropy(Function):
    """The loss, with its gradient: `backward` starts here, so that it is not multiplied again."""

    @staticmethod
    def forward(ctx, steps, logits, labels, smoothing):
        loss, d_logits = steps.cross_entropy(logits.detach(), labels, smoothing)
        ctx.save_for_backward(d_logits)
        return loss

    @staticmethod
    def backward(ctx, d):
        return None, ctx.saved_tensors[0], None, None


def sums_of_products(xs, ds):
    """Sum `x_t^T d_t` over all steps."""
    return product_32(torch.cat(xs).t(), torch.cat(ds))


class GruLoop(Function):
    """All steps of a decoder with one GRU; returns its states and the attention weights."""

    @staticmethod
    def forward(ctx, steps, words, h, projected, keys, padding, scorer, kernel, bias):
        words, h, projected, keys, scorer = (
            each.detach() for each in (words, h, projected, keys, scorer)
        )
        dtype = words.dtype
        kernel, bias = kernel.detach().to(dtype), bias.detach().to(dtype)
        hs, all_weights, xs, products = [h], [], [], []
        for word in words:
            h, weights, x, product = steps.gru_step(
                word, h, projected, keys, padding, scorer, kernel, bias
            )
            hs.append(h)
            all_weights.append(weights)
            xs.append(x)
            products.append(product)
        ctx.steps, ctx.kept = (
            steps,
            (hs, all_weights, xs, products, projected, keys, scorer, kernel),
        )
        return torch.stack(hs[1:]), torch.stack(all_weights)

    @staticmethod
    def backward(ctx, d_s, d_weights):
        steps, (hs, all_weights, xs, products, projected, keys, scorer, kernel) = (
            ctx.steps,
            ctx.kept,
        )
        d_s, d_weights = d_s.contiguous(), d_weights.contiguous()
        length, carry = len(xs), torch.zeros_like(hs[0], dtype=torch.float32)
        d_xs, d_products, d_scores = ([None] * length for _ in range(3))
        for t in range(length - 1, -1, -1):
            d_xs[t], d_products[t], d_scores[t], carry = steps.gru_back(
                d_s[t],
                d_weights[t],
                carry,
                xs[t],
                products[t],
                hs[t],
                all_weights[t],
                projected,
                keys,
                scorer,
                kernel,
            )
        d_words, d_scores, weights = torch.stack(d_xs), torch.stack(d_scores), all_weights
        d_projected = _sum_of_outer(weights, d_words)
        units = hs[0].shape[1]
        queries = torch.stack([product[:, 3 * units :] for product in products])
        d_keys = steps.keys_gradient(d_scores, queries, keys, scorer).to(keys.dtype)
        d_scorer = steps.scorer_gradient(d_scores, queries, keys)
        d_kernel = sums_of_products(hs[:-1], d_products)
        d_bias = torch.cat(d_products).sum(0, dtype=torch.float32)
        d_h = carry.to(hs[0].dtype)
        return None, d_words, d_h, d_projected, d_keys, None, d_scorer, d_kernel, d_bias


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
        outputs, all_cs, all_weights, queries, inputs, products = [], [cs], [], [], [], []
        for word, masks in zip(words, dropout, strict=True):
            s, hs, cs, weights, query, step_inputs, step_products = steps.lstm_step(
                word, hs, cs, masks, memory, keys, padding, scorer, query_weights, kernels, biases
            )
            outputs.append(s)
            all_cs.append(cs)
            all_weights.append(weights)
            queries.append(query)
            inputs.append(step_inputs)
            products.append(step_products)
        ctx.steps = steps
        ctx.kept = words, dropout, all_cs, all_weights, queries, inputs, products
        ctx.shared = memory, keys, scorer, query_weights[0], kernels, biases
        size = memory.shape[2]
        return torch.stack(outputs), torch.stack([step[0][:, :size] for step in inputs])

    @staticmethod
    def backward(ctx, d_outputs, d_contexts):
        words, dropout, all_cs, all_weights, queries, inputs, products = ctx.kept
        memory, keys, scorer, query_kernel, kernels, biases = ctx.shared
        steps, length, layers = ctx.steps, len(words), len(kernels)
        d_outputs, d_contexts = d_outputs.contiguous(), d_contexts.contiguous()
        carries = tuple(torch.zeros_like(each) for each in inputs[0])
        d_cs = tuple(torch.zeros_like(each) for each in all_cs[0])
        units = d_outputs.shape[2]
        d_top = torch.zeros_like(d_outputs[0])
        d_products, d_attended, d_scores, d_queries = ([None] * length for _ in range(4))
        for t in range(length - 1, -1, -1):
            (d_products[t], d_attended[t], d_scores[t], d_queries[t], carries, d_cs, d_top) = (
                steps.lstm_back(
                    d_outputs[t],
                    d_contexts[t],
                    carries,
                    d_cs,
                    d_top,
                    words[t],
                    products[t],
                    all_cs[t + 1],
                    all_cs[t],
                    dropout[t],
                    all_weights[t],
                    queries[t],
                    memory,
                    keys,
                    scorer,
                    query_kernel,
                    kernels,
                    biases,
                )
            )
        d_hs = torch.stack([carry[:, -units:] for carry in carries])
        d_hs[-1] += d_top
        d_memory = _sum_of_outer(all_weights, torch.stack(d_attended))
        d_scores, stacked = torch.stack(d_scores), torch.stack(queries)
        d_keys = steps.keys_gradient(d_scores, stacked, keys, scorer).to(keys.dtype)
        d_scorer = steps.scorer_gradient(d_scores, stacked, keys)
        by_layer = [torch.cat([step[i] for step in d_products]) for i in range(layers)]
        d_kernels = [
            product_32(torch.cat([step[i] for step in inputs]).t(), by_layer[i])
            for i in range(layers)
        ]
        d_biases = [each.sum(0, dtype=torch.float32) for each in by_layer[1:]]
        d_query = sums_of_products([step[-1][:, -units:] for step in inputs], d_queries)
        d_query_bias = torch.cat(d_queries).sum(0, dtype=torch.float32)
        d_words = by_layer[0].view(words.shape)
        return (
            *(None, d_words, None, d_hs, torch.stack(d_cs), d_memory, d_keys, None, d_scorer),
            *(d_query, d_query_bias, *d_kernels, *d_biases),
        )


class Translator(nn.Module):
    """The model; the parameters are float32, and the products are in `dtype`.

    Args:
        c: the configuration.
        arrays: the weights that the package wrote.
        steps: `torch_steps.Steps`.
        dtype: the dtype of the products.
        device: a `torch.device`.
    """

    def __init__(self, c, arrays, steps, dtype, device):
        super().__init__()
        self.c, self.steps, self.dtype = c, steps, dtype
        arrays = {name: torch.from_numpy(array) for name, array in arrays.items()}
        is_lstm = c.cell == "lstm"
        kind = nn.LSTM if is_lstm else nn.GRU
        self.encoder = kind(c.embedding_size, c.units, c.num_layers, bidirectional=c.bidirectional)
        with torch.no_grad():
            self._fill_encoder(arrays)
        size, parts = c.embedding_size, 2 if is_lstm else 1
        # All h, then all c, as cuDNN returns them; the package has h and c of each layer together.
        bridges = [parts * i + part for part in range(parts) for i in range(c.num_layers)]
        words_kernel, context_kernel = arrays["decoder_0_kernel"].split([size, c.memory_size])
        weights = {
            name: arrays[name]
            for name in (
                *("source_words", "target_words", "memory_kernel", "readout_kernel"),
                *("readout_bias", "projection_bias"),
            )
        }
        weights |= {
            "scorer": arrays["scorer"][:, 0],
            "bridge_kernel": torch.stack([arrays[f"bridge_{i}_kernel"] for i in bridges]),
            "bridge_bias": torch.stack([arrays[f"bridge_{i}_bias"] for i in bridges])[:, None],
            "words_kernel": words_kernel,
        }
        if not c.tied:
            weights["projection_kernel"] = arrays["projection_kernel"]
        recurrent = [arrays[f"decoder_{i}_recurrent_kernel"] for i in range(c.num_layers)]
        biases = [arrays[f"decoder_{i}_bias"] for i in range(c.num_layers)]
        if is_lstm:
            weights |= {"query_kernel": arrays["query_kernel"], "query_bias": arrays["query_bias"]}
            weights |= {
                "words_bias": biases[0],
                "kernel_0": torch.cat([context_kernel, recurrent[0]]),
            }
            for i in range(1, c.num_layers):
                weights[f"kernel_{i}"] = torch.cat([arrays[f"decoder_{i}_kernel"], recurrent[i]])
                weights[f"bias_{i}"] = biases[i]
        else:
            weights |= {"words_bias": biases[0][0], "context_kernel": context_kernel}
            weights["kernel"] = torch.cat([recurrent[0], arrays["query_kernel"]], 1)
            weights["bias"] = torch.cat([biases[0][1], arrays["query_bias"]])
        for name, value in weights.items():
            self.register_parameter(name, nn.Parameter(value.clone().contiguous()))
        self.to(device)
        self.encoder_copy = None  # in `dtype`, set by `use_encoder`

    def _fill_encoder(self, arrays):
        for i in range(self.c.num_layers):
            for direction, suffix in (("forward", ""), ("backward", "_reverse")):
                if f"{direction}_{i}_kernel" not in arrays:
                    continue
                kernel, recurrent, bias = (
                    arrays[f"{direction}_{i}_{part}"]
                    for part in ("kernel", "recurrent_kernel", "bias")
                )
                if self.c.cell == "gru":  # Keras has the gates z, r, n, and PyTorch r, z, n
                    kernel, recurrent, bias = (
                        torch.cat([each.chunk(3, -1)[j] for j in (1, 0, 2)], -1)
                        for each in (kernel, recurrent, bias)
                    )
                    bias, recurrent_bias = bias
                else:  # Keras has one bias
                    recurrent_bias = torch.zeros_like(bias)
                    getattr(self.encoder, f"bias_hh_l{i}{suffix}").requires_grad_(False)
                getattr(self.encoder, f"weight_ih_l{i}{suffix}").copy_(kernel.t())
                getattr(self.encoder, f"weight_hh_l{i}{suffix}").copy_(recurrent.t())
                getattr(self.encoder, f"bias_ih_l{i}{suffix}").copy_(bias)
                getattr(self.encoder, f"bias_hh_l{i}{suffix}").copy_(recurrent_bias)

    def trained(self):
        return [each for each in self.parameters() if each.requires_grad]

    def use_encoder(self, dtype):
        """Compute the encoder in `dtype`, by a copy of its weights unless it is float32."""
        copied = None if dtype == torch.float32 else copy.deepcopy(self.encoder).to(dtype)
        # Not a submodule: its parameters are not trained.
        self.__dict__["encoder_copy"] = copied
        if copied is not None:
            copied.flatten_parameters()
            self.copy_encoder()

    @torch.no_grad()
    def copy_encoder(self):
        if self.encoder_copy is not None:
            torch._foreach_copy_(
                list(self.encoder_copy.parameters()), list(self.encoder.parameters())
            )

    def take_encoder_gradients(self):
        if self.encoder_copy is not None:
            for copied, parameter in zip(
                self.encoder_copy.parameters(), self.encoder.parameters(), strict=True
            ):
                parameter.grad = None if copied.grad is None else copied.grad.float()
                copied.grad = None

    def _words(self, table, ids, dtype, drop):
        words = Lookup.apply(table, ids, dtype)
        if not drop:
            return words
        if self.c.word_dropout:
            ones = torch.ones(*ids.shape, 1, dtype=dtype, device=ids.device)
            words = words * functional.dropout(ones, self.c.word_dropout)
        return functional.dropout(words, self.c.embedding_dropout)

    def encode(self, source, drop=False):
        """Map ids `(S, B)` to the memory `(B, S, M)`, the first state and the padding's scores."""
        c, encoder = self.c, self.encoder if self.encoder_copy is None else self.encoder_copy
        dtype = torch.float32 if self.encoder_copy is None else self.dtype
        words = self._words(self.source_words, source, dtype, drop)
        encoder.train(torch.is_grad_enabled())  # without gradients, cuDNN keeps nothing for them
        encoder.dropout = c.encoder_dropout if drop and c.num_layers > 1 else 0.0
        outputs, last = encoder(words)
        if drop:
            outputs = functional.dropout(outputs, c.encoder_dropout)
        memory = outputs.transpose(0, 1).contiguous().to(self.dtype)
        last = torch.cat(last) if c.cell == "lstm" else last  # h of all layers, then c
        if c.bidirectional:
            last = last.transpose(0, 1).flatten(1)[None]
        kernel, bias = self.bridge_kernel.to(self.dtype), self.bridge_bias.to(self.dtype)
        state = torch.tanh(torch.baddbmm(bias, last.to(self.dtype), kernel))
        padding = (source.t() == PAD_ID).float() * -1e30
        return memory, state, padding

    def _out_kernel(self):
        return self.target_words.t() if self.c.tied else self.projection_kernel

    def loss(self, source, target, labels, drop):
        """Compute the loss of a batch of ids, each `(length, B)`."""
        c, steps = self.c, self.steps
        memory, state, padding = self.encode(source, drop)
        keys = linear(memory, self.memory_kernel)
        words = self._words(self.target_words, target, self.dtype, drop)
        words = linear(words, self.words_kernel, self.words_bias)
        ones = torch.ones(
            *(*target.shape[:1], c.num_layers, target.shape[1], c.units),
            dtype=self.dtype,
            device=target.device,
        )
        masks = functional.dropout(ones, c.decoder_dropout) if drop else ones
        if c.cell == "lstm":
            hs, cs = state.chunk(2)
            rest = [getattr(self, f"kernel_{i}") for i in range(c.num_layers)]
            rest += [getattr(self, f"bias_{i}") for i in range(1, c.num_layers)]
            query = self.query_kernel, self.query_bias
            shared = memory, keys, padding, self.scorer, *query, *rest
            s, contexts = LstmLoop.apply(steps, words, masks, hs, cs.float(), *shared)
        else:
            projected = linear(memory, self.context_kernel)
            shared = projected, keys, padding, self.scorer, self.kernel, self.bias
            s, weights = GruLoop.apply(steps, words, state[0], *shared)
            s = s * masks[:, 0]
            weights = weights.permute(1, 0, 2).to(self.dtype)
            contexts = torch.bmm(weights, memory).transpose(0, 1)
        features = torch.cat([s, contexts], -1)
        attended = linear(features, self.readout_kernel, self.readout_bias)
        if c.readout_activation == "tanh":
            attended = torch.tanh(attended)
        if drop:
            attended = functional.dropout(attended, c.decoder_dropout)
        logits = linear(attended, self._out_kernel(), self.projection_bias).flatten(0, 1)
        return CrossEntropy.apply(steps, logits, labels.flatten(), c.label_smoothing)

    @torch.no_grad()
    def greedy_weights(self):
        """Merge and cast the weights for greedy search; they do not change between batches."""
        c, dtype = self.c, self.dtype
        cast = lambda *each: tuple(part.detach().to(dtype).contiguous() for part in each)  # noqa: E731
        out_bias = self.projection_bias.detach().clone()
        out_bias[[PAD_ID, SOS_ID]] = -float("inf")
        out = *cast(self._out_kernel()), out_bias.to(dtype)
        words = cast(self.target_words @ self.words_kernel + self.words_bias)[0]
        if c.cell == "lstm":
            kernels = cast(*(getattr(self, f"kernel_{i}") for i in range(c.num_layers)))
            biases = tuple(
                getattr(self, f"bias_{i}").detach().clone() for i in range(1, c.num_layers)
            )
            readout = cast(self.readout_kernel, self.readout_bias)
            query = cast(self.query_kernel, self.query_bias)
            return words, kernels, biases, (*readout, *query, *out)
        of_state, of_context = self.readout_kernel.split([c.units, c.memory_size])
        kernel = torch.cat([self.kernel, of_state], 1)
        bias = torch.cat([self.bias, self.readout_bias])
        return words, torch.cat([self.context_kernel, of_context], 1), (*cast(kernel, bias), *out)

    @torch.no_grad()
    def greedy(self, source, weights):
        """Map source ids `(S, B)` to the ids of `greedy_steps` steps, `(B, steps)`."""
        c, found = self.c, []
        memory, state, padding = self.encode(source)
        keys = linear(memory, self.memory_kernel)
        ids = torch.full_like(source[0], SOS_ID)
        shared, activation = (keys, padding, self.scorer.detach()), c.readout_activation
        if c.cell == "lstm":
            words, kernels, biases, rest = weights
            hs, cs = state.chunk(2)
            hs, cs = tuple(hs), tuple(cs.float())
            query = torch.addmm(rest[3], hs[-1], rest[2])
            for _ in range(c.greedy_steps):
                ids, hs, cs, query = self.steps.lstm_greedy(
                    *(ids, hs, cs, query, words, memory, *shared, kernels, biases, rest, activation)
                )
                found.append(ids)
        else:
            words, of_context, rest = weights
            projected, h = linear(memory, of_context), state[0]
            product = torch.addmm(rest[1], h, rest[0])
            for _ in range(c.greedy_steps):
                ids, h, product = self.steps.gru_greedy(
                    *(ids, h, product, words, projected, *shared, rest, activation)
                )
                found.append(ids)
        return torch.stack(found, 1)


assert EOS_ID  # greedy search takes it for a word: its bias keeps it from being chosen
