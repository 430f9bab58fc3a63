"""From a training run to a model file: `python3 training/export.py --out DIR --file models/NAME.gguf`.

Cuts the joined matrices apart, names everything as llama.cpp's `llama` architecture does, quantises, and
puts vocabulary, merges and chat template into the file. `--reference FILE` also writes logits of some
prompts, computed in torch from the very numbers of the file, for test/training to compare with.
`--compare` prints the loss on held-out cases for each number format.
"""

import argparse
import copy
import json
from pathlib import Path

import gguf
import layout
import torch
import torch.nn.functional as F
from evaluate import held_cases, prompt_ids
from model import NORM_EPSILON, ROPE_BASE, Sentinel
from quantize import DEQUANTIZE, QUANTIZE
from sizes import SIZES
from tokenizer import END_ID, learn_from_corpus
from train import load_best
from vocabulary_file import tokenizer_metadata

# llama.cpp's numbers for the format of most tensors (enum llama_ftype).
FILE_TYPES = {"F32": 0, "F16": 1, "Q8_0": 7, "Q6_K": 18}
LICENSE = "Apache-2.0"


def matrices_of(model):
    """-> {GGUF name: (parameter, first row, end row)}: rows of a matrix are its outputs."""
    size = model.size
    kv_dim = size.kv_heads * size.head_dim
    found = {"token_embd.weight": (model.embedding, 0, size.vocab)}
    for index, layer in enumerate(model.layers):
        name = f"blk.{index}."
        qkv, gate_up = layer.qkv.weight, layer.gate_up.weight
        found[name + "attn_q.weight"] = (qkv, 0, size.dim)
        found[name + "attn_k.weight"] = (qkv, size.dim, size.dim + kv_dim)
        found[name + "attn_v.weight"] = (qkv, size.dim + kv_dim, size.dim + 2 * kv_dim)
        found[name + "attn_output.weight"] = (layer.attention_out.weight, 0, size.dim)
        found[name + "ffn_gate.weight"] = (gate_up, 0, size.hidden)
        found[name + "ffn_up.weight"] = (gate_up, size.hidden, 2 * size.hidden)
        found[name + "ffn_down.weight"] = (layer.down.weight, 0, size.dim)
    return found


def vectors_of(model):
    found = {"output_norm.weight": model.norm}
    for index, layer in enumerate(model.layers):
        found[f"blk.{index}.attn_norm.weight"] = layer.attention_norm
        found[f"blk.{index}.ffn_norm.weight"] = layer.ffn_norm
    return found


@torch.no_grad()
def tensors_of(model, quant):
    """-> tensors for gguf.write, and a copy of the model with the numbers that they decode to."""
    rounded = copy.deepcopy(model)
    tensors = []
    places = matrices_of(rounded)
    for name, (parameter, first, end) in places.items():
        matrix = parameter.data[first:end].numpy()
        data = QUANTIZE[quant](matrix)
        parameter.data[first:end] = torch.from_numpy(DEQUANTIZE[quant](data, matrix.shape).copy())
        tensors.append((name, quant, [matrix.shape[1], matrix.shape[0]], data))
    for name, vector in vectors_of(rounded).items():
        tensors.append((name, "F32", [len(vector)], QUANTIZE["F32"](vector.numpy())))
    return tensors, rounded


def metadata_of(model, tokenizer, quant):
    size = model.size
    return {
        "general.architecture": "llama",
        "general.name": size.name,
        "general.license": LICENSE,
        "general.file_type": FILE_TYPES[quant],
        "general.quantization_version": 2,
        # The most likely token always: it copies names, and a drawn one would misspell some.
        "general.sampling.temp": 0.0,
        # src/model/recommended.ts: the model speaks the layout of FORMAT.md.
        "swarm.sentinel.format": 1,
        "llama.context_length": size.context,
        "llama.embedding_length": size.dim,
        "llama.block_count": size.layers,
        "llama.feed_forward_length": size.hidden,
        "llama.attention.head_count": size.heads,
        "llama.attention.head_count_kv": size.kv_heads,
        "llama.attention.layer_norm_rms_epsilon": NORM_EPSILON,
        "llama.rope.dimension_count": size.head_dim,
        "llama.rope.freq_base": ROPE_BASE,
        "llama.vocab_size": size.vocab,
        **tokenizer_metadata(tokenizer),
    }


@torch.no_grad()
def held_loss(model, tokenizer, cases):
    """Mean loss in nats per token of the answers."""
    total, count = 0.0, 0
    for case in cases:
        ids, learnt = tokenizer.encode_conversation(layout.conversation_of(case))
        tensor = torch.tensor([ids])
        losses = F.cross_entropy(
            model.logits(model.hidden(tensor))[0, :-1], tensor[0, 1:], reduction="none"
        )
        chosen = torch.tensor(learnt[1:])
        total, count = total + float(losses[chosen].sum()), count + int(chosen.sum())
    return total / count


@torch.no_grad()
def reference_of(model, tokenizer, cases):
    """Prompts with the logits after their last token, and greedy answers with the margin of each token."""
    found = []
    for case in cases:
        ids = prompt_ids(tokenizer, case)
        logits = model.logits(model.hidden(torch.tensor([ids])))[0, -1]
        answer, margins = [], []
        row = list(ids)
        while len(answer) < 60 and (not answer or answer[-1] != END_ID):
            top = model.logits(model.hidden(torch.tensor([row])))[0, -1].topk(2)
            answer.append(int(top.indices[0]))
            margins.append(float(top.values[0] - top.values[1]))
            row.append(answer[-1])
        prompt = layout.prompt_of(case)
        entry = {"prompt": prompt, "question": layout.question_of(case), "ids": ids, "answer": answer}
        found.append(
            {
                **entry,
                "margins": margins,
                "text": tokenizer.decode(answer[:-1]),
                "logits": logits.tolist(),
            }
        )
    return found


def untrained(name):
    torch.manual_seed(1)
    return Sentinel(SIZES[name]).eval(), learn_from_corpus(1, 2000, SIZES[name].vocab)


def main():
    parser = argparse.ArgumentParser(description="Write a trained model as GGUF.")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--out", help="folder of the training run")
    source.add_argument("--untrained", choices=SIZES, help="random weights, to test the export itself")
    parser.add_argument("--file", required=True)
    parser.add_argument("--quant", choices=sorted(QUANTIZE), help="instead of the size's own")
    parser.add_argument("--reference", help="also write logits of some prompts, as JSON")
    parser.add_argument("--compare", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model, tokenizer = untrained(args.untrained) if args.untrained else load_best(args.out)
    quant = args.quant or model.size.quant
    if args.compare:
        cases = held_cases(3, 200)
        print(f"held-out loss as trained: {held_loss(model, tokenizer, cases):.4f}")
        for name in ("F16", "Q8_0", "Q6_K"):
            if name != "Q6_K" or (model.size.dim % 256 == 0 and model.size.hidden % 256 == 0):
                print(f"  {name}: {held_loss(tensors_of(model, name)[1], tokenizer, cases):.4f}")
    tensors, rounded = tensors_of(model, quant)
    gguf.write(args.file, metadata_of(model, tokenizer, quant), tensors)
    print(f"{args.file}: {Path(args.file).stat().st_size / 1e6:.2f} MB, {quant}")
    if args.reference:
        entries = reference_of(rounded, tokenizer, [c for c in held_cases(5, 12) if not c.earlier])
        Path(args.reference).write_text(json.dumps(entries))


if __name__ == "__main__":
    main()
