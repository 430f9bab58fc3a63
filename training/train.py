"""Trains a sentinel: `python3 training/train.py --size sentinel-base --hours 4`.

One command: learns the vocabulary, trains, judges at every checkpoint, and goes on where it stopped when
it is started again with the same arguments. `--hours` is a budget of wall-clock time, by which the
learning rate falls; with `--steps` instead a run is repeatable bit by bit on the same kind of machine and
the same number of threads. Data come from the generator while it trains; nothing is stored but weights.
"""

import argparse
import copy
import json
import math
import os
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from batches import Batches
from evaluate import held_cases, judge
from generator.corpus import Corpus
from model import Sentinel
from muon import Muon
from sizes import SIZES
from tokenizer import Tokenizer, learn_from_corpus

TOKENIZER_CASES = 40_000
# Of the run: how long the rate rises, and where it ends, as shares.
WARM_UP = 0.02
RATE_END = 0.01
WEIGHT_DECAY = 0.1
GRADIENT_NORM_MAX = 1.0
# Weights averaged over about this share of the steps so far: what is judged and exported.
AVERAGE_SHARE = 0.03
CHECKPOINT = "checkpoint.pt"


def rate_at(progress, peak):
    if progress < WARM_UP:
        return peak * (progress + 1e-3) / (WARM_UP + 1e-3)
    along = (progress - WARM_UP) / (1 - WARM_UP)
    return peak * (RATE_END + (1 - RATE_END) * 0.5 * (1 + math.cos(math.pi * min(1.0, along))))


def optimizers_of(model, args):
    """AdamW, or with --muon Muon for the matrices of the layers and AdamW for the rest."""
    inner = [p for p in model.layers.parameters() if p.ndim > 1]
    vectors = [p for p in model.parameters() if p.ndim == 1]
    matrices = [model.embedding] if args.muon else [model.embedding, *inner]
    groups = [
        {"params": matrices, "weight_decay": WEIGHT_DECAY},
        {"params": vectors, "weight_decay": 0.0},
    ]
    adam = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.95))
    return [adam, Muon(inner, WEIGHT_DECAY)] if args.muon else [adam]


class Run:
    """All that changes while training, and how it is kept."""

    def __init__(self, args, folder, device):
        self.args, self.folder, self.device = args, folder, device
        size = SIZES[args.size]
        torch.manual_seed(args.seed)
        self.tokenizer = self.vocabulary(size)
        self.model = Sentinel(size).to(device)
        self.average = copy.deepcopy(self.model)
        self.optimizers = optimizers_of(self.model, args)
        corpus = Corpus(args.seed, leave_out=args.leave_out, only=args.only)
        self.batches = Batches(corpus, self.tokenizer, size.context, args.batch_tokens, args.seed)
        self.step, self.seconds, self.tokens, self.places = 0, 0.0, 0, 0
        if (folder / CHECKPOINT).exists():
            self.restore(torch.load(folder / CHECKPOINT, map_location=device))

    def vocabulary(self, size):
        path = self.folder / "tokenizer.json"
        if not path.exists():
            learn_from_corpus(self.args.seed, TOKENIZER_CASES, size.vocab).save(path)
        return Tokenizer.load(path)

    def restore(self, state):
        if state["arguments"] != identity(self.args):
            raise SystemExit(
                f"{self.folder} holds a run with other arguments ({state['arguments']}); "
                f"choose another --out"
            )
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)
        self.batches.restore(state["batches"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.tokens, self.places = state["tokens"], state["places"]
        print(f"goes on after step {self.step}, {self.seconds / 60:.1f} min", flush=True)

    def save(self):
        state = {
            "arguments": identity(self.args),
            "size": self.args.size,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "batches": self.batches.state(),
            "step": self.step,
            "seconds": self.seconds,
            "tokens": self.tokens,
            "places": self.places,
        }
        fresh = self.folder / (CHECKPOINT + ".new")
        torch.save(state, fresh)
        # A kill during the writing leaves the old one.
        os.replace(fresh, self.folder / CHECKPOINT)

    def progress(self):
        if self.args.steps:
            return self.step / self.args.steps
        return self.seconds / (self.args.hours * 3600)

    def train_step(self):
        ids, places, targets, weights, count = (
            tensor.to(self.device) for tensor in self.batches.next()
        )
        rate = rate_at(self.progress(), self.args.rate)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.args.bf16):
            hidden = self.model.hidden(ids).flatten(0, 1)[places]
            logits = self.model.logits(hidden)
        losses = F.cross_entropy(logits.float(), targets, reduction="none")
        loss = (losses * weights).sum() / weights.sum()
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_NORM_MAX)
        for optimizer in self.optimizers:
            optimizer.step()
        self.step += 1
        self.places += ids.numel()
        self.tokens += int(count)
        self.follow()
        # Of the answers alone: what the curve is about.
        answered = weights == 1
        return float((losses.detach() * answered).sum() / answered.sum())

    @torch.no_grad()
    def follow(self):
        """Moves the average towards the weights."""
        share = max(1 / (AVERAGE_SHARE * self.step + 1), 1e-4)
        for slow, fast in zip(self.average.parameters(), self.model.parameters()):
            slow.lerp_(fast, share)


def identity(args):
    """What a checkpoint has to agree on to be gone on with."""
    names = ("size", "seed", "rate", "muon", "batch_tokens", "leave_out", "only")
    return {name: getattr(args, name) for name in names}


def load_best(folder):
    """-> (model with the averaged weights, tokenizer) of a training run."""
    state = torch.load(Path(folder) / CHECKPOINT, map_location="cpu")
    model = Sentinel(SIZES[state["size"]])
    model.load_state_dict(state["average"])
    return model.eval(), Tokenizer.load(Path(folder) / "tokenizer.json")


def show_sizes():
    for size in SIZES.values():
        shape = f"dim {size.dim}, {size.layers} layers, {size.heads} heads ({size.kv_heads} for keys), "
        shape += f"hidden {size.hidden}"
        print(f"{size.name}: {size.parameters / 1e6:.2f} M parameters, {shape}, {size.quant}")


def main():
    parser = argparse.ArgumentParser(description="Train a model that explains failed commands.")
    parser.add_argument("--size", choices=SIZES, default="sentinel-base")
    parser.add_argument("--hours", type=float, default=4.0)
    parser.add_argument("--steps", type=int, default=0, help="instead of --hours: exactly so many")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--muon", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--batch-tokens", type=int, default=8192)
    parser.add_argument("--checkpoint-minutes", type=float, default=10.0)
    parser.add_argument("--judge-cases", type=int, default=400)
    parser.add_argument("--leave-out", action="append", default=[], metavar="FAMILY")
    parser.add_argument("--only", action="append", default=[], metavar="FAMILY")
    parser.add_argument("--out", help="folder of the run; by default build/sentinel/SIZE")
    parser.add_argument("--list", action="store_true", help="print the sizes and stop")
    args = parser.parse_args()
    if args.list:
        return show_sizes()
    torch.set_num_threads(args.threads)
    folder = Path(args.out or f"build/sentinel/{args.size}")
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(args, folder, args.device)
    # Held-out cases of other numbers than those of the final judgement (bench sentinel).
    cases = held_cases(args.seed + 1000, args.judge_cases, leave_out=args.leave_out, only=args.only)
    print(f"{args.size}: {run.model.size.parameters / 1e6:.2f} M parameters", flush=True)
    losses, last_save, last_tokens = [], time.monotonic(), run.tokens
    while run.progress() < 1:
        began = time.monotonic()
        losses.append(run.train_step())
        run.seconds += time.monotonic() - began
        if time.monotonic() - last_save > args.checkpoint_minutes * 60 or run.progress() >= 1:
            pace = (run.tokens - last_tokens) / (time.monotonic() - last_save)
            run.save()
            report = judge(run.average, run.tokenizer, cases)
            print(
                f"step {run.step} {run.seconds / 60:.1f} min, {run.tokens / 1e6:.2f} M tokens "
                f"({pace:.0f}/s, padding {1 - run.tokens / run.places:.2f}), "
                f"loss {sum(losses) / len(losses):.3f}; {report.line()}",
                flush=True,
            )
            log = {
                "step": run.step,
                "seconds": run.seconds,
                "tokens": run.tokens,
                "exact": report.share(),
            }
            with (folder / "log.jsonl").open("a") as file:
                file.write(
                    json.dumps({**log, "loss": sum(losses) / len(losses), **report.families()}) + "\n"
                )
            losses, last_save, last_tokens = [], time.monotonic(), run.tokens


if __name__ == "__main__":
    main()
