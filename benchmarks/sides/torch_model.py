"""The translator in PyTorch, as fast as we can make it."""

import copy

import torch
from configurations import EOS_ID, PAD_ID, SOS_ID
from torch import nn
from torch_loops import AskAfterLoop, EncoderLoop, GruLoop, LstmLoop
from torch_operations import CrossEntropy, Lookup, dropout, linear


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
        # Written out on a CPU, where `nn.GRU` has a product per step for the gradient of a matrix.
        self.in_loops = device.type == "cpu" and not is_lstm
        if not self.in_loops:
            kind = nn.LSTM if is_lstm else nn.GRU
            self.encoder = kind(
                c.embedding_size, c.units, c.num_layers, bidirectional=c.bidirectional
            )
            with torch.no_grad():
                self._fill_encoder(arrays)
        size, parts = c.embedding_size, 2 if is_lstm else 1
        # All h, then all c, as cuDNN returns them; the package has h and c of each layer together.
        bridges = [parts * i + part for part in range(parts) for i in range(c.num_layers)]
        words_kernel, fed_kernel = arrays["decoder_0_kernel"].tensor_split([size])
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
            weights |= {"words_bias": biases[0], "kernel_0": torch.cat([fed_kernel, recurrent[0]])}
            for i in range(1, c.num_layers):
                weights[f"kernel_{i}"] = torch.cat([arrays[f"decoder_{i}_kernel"], recurrent[i]])
                weights[f"bias_{i}"] = biases[i]
        elif c.query == "current_state":
            weights |= {"words_bias": biases[0][0], "attended_kernel": fed_kernel}
            weights |= {"kernel": recurrent[0], "bias": biases[0][1]}
            of_state, of_context = weights.pop("readout_kernel").split([c.units, c.memory_size])
            weights["out_kernel"] = torch.cat([arrays["query_kernel"], of_state], 1)
            weights["out_bias"] = torch.cat([arrays["query_bias"], weights.pop("readout_bias")])
            weights["context_kernel"] = of_context
        else:
            weights |= {"words_bias": biases[0][0], "context_kernel": fed_kernel}
            weights["kernel"] = torch.cat([recurrent[0], arrays["query_kernel"]], 1)
            weights["bias"] = torch.cat([biases[0][1], arrays["query_bias"]])
        if self.in_loops:
            for direction in ("forward", "backward")[: 1 + c.bidirectional]:
                for part in ("kernel", "recurrent_kernel"):
                    weights[f"{direction}_{part}"] = arrays[f"{direction}_0_{part}"]
                of_input, of_state = arrays[f"{direction}_0_bias"]
                weights |= {f"{direction}_bias": of_input, f"{direction}_recurrent_bias": of_state}
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
        if self.in_loops:
            return
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
            words = words * dropout(self.steps, ones, self.c.word_dropout)
        return dropout(self.steps, words, self.c.embedding_dropout)

    def encode(self, source, drop=False):
        """Map ids `(S, B)` to the memory `(B, S, M)`, the first state and the padding's scores."""
        c = self.c
        outputs, last = (self._run_loops if self.in_loops else self._run_encoder)(source, drop)
        if drop:
            outputs = dropout(self.steps, outputs, c.encoder_dropout)
        memory = outputs.transpose(0, 1).contiguous().to(self.dtype)
        kernel, bias = self.bridge_kernel.to(self.dtype), self.bridge_bias.to(self.dtype)
        state = torch.tanh(torch.baddbmm(bias, last.to(self.dtype), kernel))
        padding = (source.t() == PAD_ID).float() * -1e30
        return memory, state, padding

    def _run_encoder(self, source, drop):
        """Return the outputs `(S, B, M)` and the last states of PyTorch's layers."""
        c, encoder = self.c, self.encoder if self.encoder_copy is None else self.encoder_copy
        dtype = torch.float32 if self.encoder_copy is None else self.dtype
        words = self._words(self.source_words, source, dtype, drop)
        encoder.train(torch.is_grad_enabled())  # without gradients, cuDNN keeps nothing for them
        encoder.dropout = c.encoder_dropout if drop and c.num_layers > 1 else 0.0
        outputs, last = encoder(words)
        last = torch.cat(last) if c.cell == "lstm" else last  # h of all layers, then c
        return outputs, last.transpose(0, 1).flatten(1)[None] if c.bidirectional else last

    def _run_loops(self, source, drop):
        words = self._words(self.source_words, source, self.dtype, drop)
        keeps = (source != PAD_ID).float()[:, :, None]
        outputs, last = [], []
        for backwards, name in enumerate(("forward", "backward")[: 1 + self.c.bidirectional]):
            kernel, bias, recurrent_kernel, recurrent_bias = (
                getattr(self, f"{name}_{part}")
                for part in ("kernel", "bias", "recurrent_kernel", "recurrent_bias")
            )
            xs = linear(words, kernel, bias)
            states, state = EncoderLoop.apply(
                self.steps, xs, keeps, recurrent_kernel, recurrent_bias, bool(backwards)
            )
            outputs.append(states)
            last.append(state)
        return torch.cat(outputs, -1), torch.cat(last, -1)[None]

    def _out_kernel(self):
        return self.target_words.t() if self.c.tied else self.projection_kernel

    def loss(self, source, target, labels, drop, places=None):
        """Compute the loss of a batch of ids, each `(length, B)`.

        Args:
            source, target, labels: the ids.
            drop: whether to apply dropout.
            places: where the flat labels are words, for a batch with padding; None for everywhere.
                Only there are readout and loss computed.
        """
        c = self.c
        memory, state, padding = self.encode(source, drop)
        keys = linear(memory, self.memory_kernel)
        words = self._words(self.target_words, target, self.dtype, drop)
        words = linear(words, self.words_kernel, self.words_bias)
        ones = torch.ones(
            *(*target.shape[:1], c.num_layers, target.shape[1], c.units),
            dtype=self.dtype,
            device=target.device,
        )
        masks = dropout(self.steps, ones, c.decoder_dropout) if drop else ones
        labels, select = labels.flatten(), lambda each: each.flatten(0, 1)
        if places is not None:
            labels, select = labels[places], lambda each: each.flatten(0, 1)[places]
        unfold = self._after if c.query == "current_state" else self._before
        attended = unfold(words, state, masks, memory, keys, padding, select)
        if drop:
            attended = dropout(self.steps, attended, c.decoder_dropout)
        logits = linear(attended, self._out_kernel(), self.projection_bias)
        return CrossEntropy.apply(self.steps, logits, labels, c.label_smoothing)

    def _after(self, words, state, masks, memory, keys, padding, select):
        """Compute the readouts of a decoder that attends after its recurrence."""
        projected = linear(memory, self.context_kernel)
        weights = self.kernel, self.bias, self.attended_kernel, self.out_kernel, self.out_bias
        shared = masks[:, 0], projected, keys, padding, self.scorer, *weights
        return select(AskAfterLoop.apply(self.steps, words, state[0], *shared))

    def _before(self, words, state, masks, memory, keys, padding, select):
        """Compute the readouts of a decoder that attends before its recurrence."""
        c, steps = self.c, self.steps
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
        features = select(torch.cat([s, contexts], -1))
        attended = linear(features, self.readout_kernel, self.readout_bias)
        return torch.tanh(attended) if c.readout_activation == "tanh" else attended

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
