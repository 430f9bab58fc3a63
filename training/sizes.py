"""The sizes a sentinel can have, by name.

One table: what is trained, in which number format it is exported, and what it costs. The shapes obey
the formats: a row of a Q6_K tensor is a whole number of 256 values, of a Q8_0 tensor of 32. Costs are
told by `train.py --list`, computed from these numbers; nothing else in training/ knows a size.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    name: str
    dim: int
    layers: int
    heads: int
    kv_heads: int
    hidden: int
    vocab: int
    # Positions it is trained for; RoPE angles beyond were never seen.
    context: int
    # GGML's name of the format of every matrix; vectors (norms) stay F32.
    quant: str

    @property
    def head_dim(self):
        return self.dim // self.heads

    @property
    def parameters(self):
        attention = 2 * self.dim * self.dim + 2 * self.dim * self.kv_heads * self.head_dim
        layer = attention + 3 * self.dim * self.hidden + 2 * self.dim
        # The token table is the output matrix too.
        return self.layers * layer + self.dim + self.vocab * self.dim


SIZES = {
    size.name: size
    for size in [
        #    name              dim layers heads kv hidden vocab context quant
        Size("sentinel-nano", 128, 4, 4, 2, 384, 2048, 512, "Q8_0"),
        Size("sentinel-small", 192, 6, 6, 3, 512, 2048, 512, "Q8_0"),
        Size("sentinel-base", 256, 6, 8, 4, 512, 2048, 512, "Q6_K"),
        Size("sentinel-large", 512, 10, 8, 4, 1536, 4096, 1024, "Q6_K"),
    ]
}
