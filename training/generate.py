"""Prints generated cases: `python3 training/generate.py --count 5`.

For people who look at what a model is trained on; training draws its cases itself (train.py). `--json`
prints one object per line with prompt, answer and accepted fixes. Same seed, same cases.
"""

import argparse
import json

import layout
from generator.corpus import Corpus
from generator.draw import HELD, TRAIN


def main():
    parser = argparse.ArgumentParser(description="Print generated cases.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="number of the first case")
    parser.add_argument("--count", type=int, default=10)
    parser.add_argument("--split", choices=(TRAIN, HELD), default=TRAIN)
    parser.add_argument("--leave-out", action="append", default=[], metavar="FAMILY")
    parser.add_argument("--only", action="append", default=[], metavar="FAMILY")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    corpus = Corpus(args.seed, args.split, args.leave_out, args.only)
    for number in range(args.start, args.start + args.count):
        case = corpus.case(number)
        if args.json:
            line = {
                "family": case.family,
                "template": case.template,
                "command": case.command,
                "status": case.status,
                "hints": case.hints,
                "output": case.output,
                "turns": layout.conversation_of(case),
                "prompt": layout.prompt_of(case),
                "answer": layout.answer_of(case),
                "fixes": case.fixes,
            }
            print(json.dumps(line))
        else:
            print(f"--- {case.family}/{case.template}\n{layout.question_of(case)}\n")
            print(f"{layout.answer_of(case)}\n")


if __name__ == "__main__":
    main()
