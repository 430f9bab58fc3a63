"""What a model knows of families that it never saw: `python3 training/leave_out.py --minutes 6`.

Deals the families into groups, trains a small model without each group in turn, and judges it on held-out
cases of that group. What comes out says how far the layout and the copying of names carry by themselves.
Goes on where it stopped; writes models/left-out.json, which the bench prints beside its own figures.
Groups, because a run per family would take ten times as long.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import torch
from evaluate import held_cases, judge
from generator.catalogue import load
from train import load_best

HERE = Path(__file__).parent
# Small talk has no fix to judge; in `unknown` the right answer is to know none.
NOT_JUDGED = ("talk",)


def groups_of(count):
    """Every `count`-th family, so that each group has some of everything the alphabet puts together."""
    names = sorted(name for name in load() if name not in NOT_JUDGED)
    return [names[at::count] for at in range(count)]


def train_without(group, folder, args):
    command = [sys.executable, str(HERE / "train.py"), "--size", args.size, "--out", str(folder)]
    command += ["--hours", str(args.minutes / 60), "--threads", str(args.threads)]
    command += ["--judge-cases", "20", "--checkpoint-minutes", "60"]
    for family in group:
        command += ["--leave-out", family]
    subprocess.run(command, check=True)


def main():
    parser = argparse.ArgumentParser(description="Judge models on families they never saw.")
    parser.add_argument("--size", default="sentinel-nano")
    parser.add_argument("--minutes", type=float, default=6.0, help="of training, for each group")
    parser.add_argument("--groups", type=int, default=5)
    parser.add_argument("--cases", type=int, default=60, help="judged of each family")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", default="build/sentinel/left-out")
    parser.add_argument("--file", default="models/left-out.json")
    args = parser.parse_args()
    families = {}
    for number, group in enumerate(groups_of(args.groups)):
        folder = Path(args.out) / str(number)
        train_without(group, folder, args)
        torch.set_num_threads(args.threads)
        model, tokenizer = load_best(folder)
        for family in group:
            report = judge(model, tokenizer, held_cases(2, args.cases, only=[family]))
            families[family] = {
                "asked": sum(report.asked.values()),
                "right": sum(report.right.values()),
            }
            print(family, report.line(), flush=True)
    how = f"{args.size}, {args.minutes:g} minutes of training, {args.groups} groups of families"
    document = {"how": how, "families": dict(sorted(families.items()))}
    Path(args.file).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
