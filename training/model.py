"""The transformer that is trained: `llama` as GGUF files and llama.cpp mean it, in torch.

RMSNorm before each half of a layer, rotary positions on adjacent pairs (2i, 2i + 1) of a head as
llama.cpp's `llama` architecture turns them (so nothing is permuted on export), grouped-query attention,
SwiGLU, the token table tied to the output. Matrices that read the same vector are one matrix here, for
speed on a processor, and are cut apart on export. Knows nothing of text or of training.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

NORM_EPSILON = 1e-5
ROPE_BASE = 10000.0
# Score of what must not be seen: far below any, but finite, so that a row without keys is no NaN.
HIDDEN = -1e9


def rms_norm(x, weight):
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + NORM_EPSILON) * weight


def rope_table(context, head_dim):
    """(context, head_dim / 2) complex numbers of length 1: the turn of each pair at each position."""
    rates = ROPE_BASE ** (-torch.arange(0, head_dim, 2, dtype=torch.float64) / head_dim)
    angles = torch.arange(context, dtype=torch.float64)[:, None] * rates[None, :]
    return torch.polar(torch.ones_like(angles), angles).to(torch.complex64)


def rotate(x, turns):
    """x: (batch, positions, heads, head_dim); turns: (positions, 1, head_dim / 2)."""
    pairs = torch.view_as_complex(x.float().unflatten(-1, (-1, 2)))
    return torch.view_as_real(pairs * turns).flatten(-2)


class Layer(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size
        kv_dim = size.kv_heads * size.head_dim
        self.attention_norm = nn.Parameter(torch.ones(size.dim))
        self.qkv = nn.Linear(size.dim, size.dim + 2 * kv_dim, bias=False)
        self.attention_out = nn.Linear(size.dim, size.dim, bias=False)
        self.ffn_norm = nn.Parameter(torch.ones(size.dim))
        # Rows of the gate first, then those of up.
        self.gate_up = nn.Linear(size.dim, 2 * size.hidden, bias=False)
        self.down = nn.Linear(size.hidden, size.dim, bias=False)

    def forward(self, x, turns, mask, past):
        """past: None, or [keys, values] of the positions before, which is replaced by all so far."""
        size = self.size
        batch, length, _ = x.shape
        kv_dim = size.kv_heads * size.head_dim
        q, k, v = self.qkv(rms_norm(x, self.attention_norm)).split((size.dim, kv_dim, kv_dim), -1)
        q = rotate(q.view(batch, length, size.heads, size.head_dim), turns)
        k = rotate(k.view(batch, length, size.kv_heads, size.head_dim), turns)
        v = v.view(batch, length, size.kv_heads, size.head_dim)
        if past is not None:
            if past:
                k, v = torch.cat((past[0], k), 1), torch.cat((past[1], v), 1)
            past[:] = [k, v]
        group = size.heads // size.kv_heads
        # The query heads of a group become further positions of their one key head.
        q = q.view(batch, length, size.kv_heads, group, size.head_dim).permute(0, 2, 3, 1, 4)
        q = q.reshape(batch, size.kv_heads, group * length, size.head_dim)
        scores = q @ k.permute(0, 2, 3, 1) * (1 / math.sqrt(size.head_dim))
        scores = scores.view(batch, size.kv_heads, group, length, -1) + mask
        weights = scores.softmax(-1).view(batch, size.kv_heads, group * length, -1)
        mixed = (weights @ v.transpose(1, 2)).view(batch, size.heads, length, size.head_dim)
        x = x + self.attention_out(mixed.transpose(1, 2).reshape(batch, length, size.dim))
        gate, up = self.gate_up(rms_norm(x, self.ffn_norm)).split(size.hidden, -1)
        return x + self.down(F.silu(gate) * up)


class Sentinel(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size
        self.embedding = nn.Parameter(torch.empty(size.vocab, size.dim))
        self.layers = nn.ModuleList(Layer(size) for _ in range(size.layers))
        self.norm = nn.Parameter(torch.ones(size.dim))
        turns = rope_table(size.context, size.head_dim)[:, None]
        self.register_buffer("turns", turns, persistent=False)
        self.reset()

    def reset(self):
        """Matrices that write into the residual stream start smaller, the more there are of them."""
        nn.init.normal_(self.embedding, std=0.05)
        for layer in self.layers:
            for matrix in (layer.qkv, layer.gate_up):
                nn.init.normal_(matrix.weight, std=self.size.dim**-0.5)
            for matrix in (layer.attention_out, layer.down):
                std = matrix.in_features**-0.5 / math.sqrt(2 * self.size.layers)
                nn.init.normal_(matrix.weight, std=std)

    def hidden(self, ids, past=None, start=0, padding=None):
        """ids (batch, positions) from position `start` on -> (batch, positions, dim), normalised.

        past: None, or one list per layer, empty at first, that keeps keys and values between calls.
        padding: None, or (batch,) how many first positions of a row are to be ignored. Positions only
        count relative to each other, so a row behind padding gives the same answer.
        """
        length = ids.shape[1]
        turns = self.turns[start : start + length]
        mask = torch.full((length, start + length), HIDDEN, device=ids.device).triu(start + 1)
        if padding is not None:
            keys = torch.arange(start + length, device=ids.device)
            # One dimension for key heads, one for their groups.
            mask = mask + (keys < padding[:, None])[:, None, None, None, :] * HIDDEN
        # The table serves as output matrix too, whose rows have to be small: the input is scaled up by
        # the first norm of each layer alone.
        x = self.embedding[ids]
        for index, layer in enumerate(self.layers):
            x = layer(x, turns, mask, None if past is None else past[index])
        return rms_norm(x, self.norm)

    def logits(self, hidden):
        return hidden @ self.embedding.T
