"""Greedy and beam search in PyTorch, on a CPU, for translators with a GRU.

Weights are cast and merged once. Rows that have ended are dropped, and a beam's hypotheses share
the memory of their sentence. Log probabilities are computed for the best words alone.
"""

import torch
from configurations import EOS_ID, PAD_ID, SOS_ID
from torch.nn.functional import linear
from torch_operations import linear as trained_linear

MAX_LENGTH = 100
SHARE_TO_DROP = 1 / 8
"""Rows are dropped as soon as this share of them has ended, since dropping copies the others."""


class Search:
    """A translator that is ready to search.

    Args:
        model: a `torch_model.Translator`.
    """

    @torch.no_grad()
    def __init__(self, model):
        c, dtype = model.c, model.dtype
        self.model, self.steps, self.after = model, model.steps, c.query == "current_state"
        self.activation = c.readout_activation
        words = model.target_words @ model.words_kernel + model.words_bias
        bias = model.projection_bias.detach()
        if self.after:
            of_readout, of_readout_bias = model.out_kernel, model.out_bias
            kernel = torch.cat([model.kernel, of_readout], 1)
            biases = torch.cat([model.bias, of_readout_bias])
            self.of_context = model.context_kernel.detach()
            self.of_attended = self._cast(model.attended_kernel.t())
        else:
            of_state, of_context = model.readout_kernel.split([c.units, c.memory_size])
            kernel = torch.cat([model.kernel, of_state], 1)
            biases = torch.cat([model.bias, model.readout_bias])
            self.of_context = torch.cat([model.context_kernel, of_context], 1).detach()
        # The columns of the merged kernel: gates, query, readout.
        self.kernel, self.bias = self._cast(kernel.t()), self._cast(biases)
        self.words, self.scorer = words.to(dtype), model.scorer.detach()
        self.out_kernel, self.out_bias = self._cast(model._out_kernel().t()), self._cast(bias)

    def _cast(self, weights):
        return weights.detach().to(self.model.dtype).contiguous()

    def _start(self, source):
        """Return the state of the decoder and what the steps of a sentence share."""
        memory, state, padding = self.model.encode(source)
        h = state[0]
        keys = trained_linear(memory, self.model.memory_kernel)
        projected = trained_linear(memory, self.of_context)
        attended = (h.new_zeros(len(h), self.of_attended.shape[1]),) if self.after else ()
        return (h, linear(h, self.kernel, self.bias), *attended), (keys, projected, padding)

    def _step(self, ids, state, shared):
        """Return the logits and the state; there may be several rows for each sentence."""
        h, product, *attended = state
        word = self.words[ids]
        if self.after:
            x = linear(attended[0], self.of_attended)
            h = self.steps.search_gates(word, x, h, product)
            product = linear(h, self.kernel, self.bias)
            attended = self.steps.search_after(h, product, *shared, self.scorer)
            state = h, product, attended
        else:
            h, context = self.steps.search_before(word, h, product, *shared, self.scorer)
            product = linear(h, self.kernel, self.bias)
            attended = self.steps.search_readout(h, product, context, self.activation)
            state = h, product
        return linear(attended, self.out_kernel, self.out_bias), state

    @torch.no_grad()
    def greedy(self, source):
        """Map source ids `(S, B)` to lists of ids, without `<eos>`."""
        rows, state_and_shared = torch.arange(source.shape[1]), self._start(source)
        state, shared = state_and_shared
        found = torch.zeros(source.shape[1], MAX_LENGTH, dtype=torch.long)
        ids, live = torch.full((len(rows),), SOS_ID), torch.ones(len(rows), dtype=torch.bool)
        for t in range(MAX_LENGTH):
            logits, state = self._step(ids, state, shared)
            logits[:, [PAD_ID, SOS_ID]] = -float("inf")
            ids = logits.max(-1).indices  # faster than `argmax`
            live &= ids != EOS_ID
            found[rows, t] = ids * live
            ended = len(rows) - int(live.sum())
            if ended == len(rows):
                break
            if ended > SHARE_TO_DROP * len(rows):
                kept = live.nonzero()[:, 0]
                rows, ids, live = rows[kept], ids[kept], live[kept]
                state, shared = (tuple(each[kept] for each in group) for group in (state, shared))
        return [[id for id in row if id] for row in found.tolist()]

    @torch.no_grad()
    def beam(self, source, width, alpha):
        """Map source ids `(S, B)` to lists of ids, as `tf_seq2seq.search.beam` does."""
        size, candidates = source.shape[1], 2 * width
        state, shared = self._start(source)
        state = tuple(each.repeat_interleave(width, 0) for each in state)
        rows, log_p = torch.arange(size), torch.full((size, width), -float("inf"))
        log_p[:, 0] = 0.0
        ids, sequences = torch.full((size * width,), SOS_ID), torch.zeros(size, width, 0).long()
        best, count = torch.full((size,), -float("inf")), torch.zeros(size, dtype=torch.long)
        found = [[] for _ in range(size)]
        first, hardest = torch.arange(candidates) < width, _length_penalty(MAX_LENGTH, alpha)
        for t in range(MAX_LENGTH):
            logits, state = self._step(ids, state, shared)
            totals = self.steps.log_total(logits)
            logits[:, [PAD_ID, SOS_ID]] = -float("inf")
            values, words = logits.topk(candidates)
            values = (values.float() - totals[:, None]).view(len(rows), width, candidates)
            values, places = (log_p[:, :, None] + values).flatten(1).topk(candidates)
            parents = places // candidates
            words = words.view(len(rows), -1).gather(1, places)
            ends = words == EOS_ID
            # Those that end: keep the best.
            scores = torch.where(ends & first, values, -float("inf")) / _length_penalty(
                t + 1, alpha
            )
            count += (scores > -float("inf")).sum(1)
            score, place = scores.max(1)
            for i in (score > best).nonzero()[:, 0].tolist():
                found[rows[i]] = sequences[i, parents[i, place[i]]].tolist()
            best = torch.maximum(best, score)
            # Those that go on.
            log_p, kept = torch.where(ends, -float("inf"), values).topk(width)
            parents, words = parents.gather(1, kept), words.gather(1, kept)
            sequences = torch.cat(
                [sequences.gather(1, parents[:, :, None].expand(-1, -1, t)), words[:, :, None]], 2
            )
            done = (count >= width) | (log_p[:, 0] / hardest <= best)
            ended = int(done.sum())
            if ended == len(rows):
                break
            flat = parents + width * torch.arange(len(rows))[:, None]
            if ended > SHARE_TO_DROP * len(rows):
                live = (~done).nonzero()[:, 0]
                flat, words, log_p, sequences = (
                    each[live] for each in (flat, words, log_p, sequences)
                )
                rows, best, count = rows[live], best[live], count[live]
                shared = tuple(each[live] for each in shared)
            elif ended:  # they stay for a while, but find nothing more
                log_p = torch.where(done[:, None], -float("inf"), log_p)
                log_p[done, 0] = -1e9
            ids, flat = words.flatten(), flat.flatten()
            state = tuple(each[flat] for each in state)
        for i, sentence in enumerate(rows.tolist()):
            if best[i] == -float("inf"):
                found[sentence] = sequences[i, 0].tolist()
        return found


def _length_penalty(length, alpha):
    return ((5 + length) / 6) ** alpha
