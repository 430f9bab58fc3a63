"""How good a model is on held-out cases: greedy answers, read and compared with the accepted fixes.

Right means: one of the accepted commands proposed, or none where none is known. Reported per family and
by confidence word, since `sure` has to mean something. `python3 training/evaluate.py --out DIR` judges a
trained checkpoint; train.py calls the same while it trains. Small talk has no fix to check and is left
out.
"""

import argparse
from collections import Counter
from dataclasses import dataclass, field

import layout
import torch
from generator.corpus import Corpus
from generator.draw import HELD
from tokenizer import END_ID

# Longer answers than any template gives.
ANSWER_TOKENS = 110
BATCH = 64


@dataclass
class Report:
    right: Counter = field(default_factory=Counter)
    asked: Counter = field(default_factory=Counter)
    # By confidence word.
    said: Counter = field(default_factory=Counter)
    said_right: Counter = field(default_factory=Counter)
    wrong: list = field(default_factory=list)

    def share(self):
        return sum(self.right.values()) / max(1, sum(self.asked.values()))

    def right_when(self, word):
        return self.said_right[word] / max(1, self.said[word])

    def line(self):
        total = max(1, sum(self.asked.values()))
        words = " ".join(
            f"{word} {self.said[word] / total:.2f} (right {self.right_when(word):.2f})"
            for word in ("sure", "likely", "unsure")
        )
        return f"exact fix {self.share():.3f} of {total}; {words}"

    def families(self):
        return {name: f"{self.right[name]}/{self.asked[name]}" for name in sorted(self.asked)}


def held_cases(seed, count, **which):
    """The first `count` held-out cases that have a command."""
    corpus = Corpus(seed, HELD, **which)
    cases, number = [], 0
    while len(cases) < count:
        case = corpus.case(number)
        number += 1
        if case.command is not None:
            cases.append(case)
    return cases


def prompt_ids(tokenizer, case):
    turns = layout.conversation_of(case)
    ids, _ = tokenizer.encode_conversation(turns[:-1])
    return [*ids, *(tokenizer.encode("\n") if ids else []), *tokenizer.encode_question(turns[-1][0])]


@torch.no_grad()
def answers(model, tokenizer, prompts):
    """Greedy answers to prompts (lists of ids) as texts."""
    device = model.embedding.device
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
    texts = [""] * len(prompts)
    for first in range(0, len(order), BATCH):
        chosen = order[first : first + BATCH]
        length = max(len(prompts[index]) for index in chosen)
        rows = [[END_ID] * (length - len(prompts[index])) + prompts[index] for index in chosen]
        padding = torch.tensor([length - len(prompts[index]) for index in chosen], device=device)
        ids = torch.tensor(rows, device=device)
        past = [[] for _ in model.layers]
        written = []
        done = torch.zeros(len(chosen), dtype=torch.bool, device=device)
        start = 0
        limit = min(ANSWER_TOKENS, model.size.context - length)
        while len(written) < limit and not bool(done.all()):
            hidden = model.hidden(ids, past, start, padding)[:, -1]
            start += ids.shape[1]
            ids = model.logits(hidden).argmax(-1, keepdim=True)
            done |= ids[:, 0] == END_ID
            written.append(ids[:, 0])
        table = torch.stack(written, 1).tolist() if written else [[] for _ in chosen]
        for index, row in zip(chosen, table):
            end = row.index(END_ID) if END_ID in row else len(row)
            texts[index] = tokenizer.decode(row[:end])
    return texts


def judge(model, tokenizer, cases):
    model.eval()
    report = Report()
    prompts = [prompt_ids(tokenizer, case) for case in cases]
    fitting = [at for at, ids in enumerate(prompts) if len(ids) + 60 < model.size.context]
    texts = answers(model, tokenizer, [prompts[at] for at in fitting])
    for at, text in zip(fitting, texts):
        case = cases[at]
        _, fix, confidence = layout.read_answer(text)
        right = layout.is_accepted(case, fix)
        report.asked[case.family] += 1
        report.right[case.family] += right
        report.said[confidence] += 1
        report.said_right[confidence] += right
        if not right:
            report.wrong.append((case, text))
    model.train()
    return report


def main():
    from train import load_best

    parser = argparse.ArgumentParser(description="Judge a trained model on held-out cases.")
    parser.add_argument("--out", required=True, help="folder of the training run")
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--only", action="append", default=[], metavar="FAMILY")
    parser.add_argument("--show", type=int, default=0, help="print so many wrong answers")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    model, tokenizer = load_best(args.out)
    report = judge(model, tokenizer, held_cases(args.seed, args.cases, only=args.only))
    print(report.line())
    for name, share in report.families().items():
        print(f"  {name} {share}")
    for case, text in report.wrong[: args.show]:
        print(f"--- {case.family}/{case.template}\n{layout.question_of(case)}\n=> {text!r}")
        print(f"accepted: {case.fixes}")


if __name__ == "__main__":
    main()
