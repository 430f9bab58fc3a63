"""Byte-level BPE: learns a vocabulary from generated text, encodes and decodes.

The same text gives the same ids as `tokenizer.ggml.model` gpt2 with `tokenizer.ggml.pre` gpt-2 gives in
llama.cpp and in src/model/tokenizer: words are cut by GPT-2's pattern, bytes are written in GPT-2's
alphabet of printable characters, and inside a word the merge that was learnt first goes first.
`python3 training/tokenizer.py --out FILE` learns one. Standard library only.
"""

import argparse
import heapq
import json
import re
import sys
import unicodedata
from collections import Counter, defaultdict
from pathlib import Path

import layout
from generator.corpus import Corpus

# Control tokens come first, so that their ids do not depend on the size of the vocabulary.
SPECIAL = (layout.END, layout.USER, layout.ASSISTANT)
END_ID, USER_ID, ASSISTANT_ID = range(3)
FIRST_BYTE_ID = len(SPECIAL)
FIRST_MERGE_ID = FIRST_BYTE_ID + 256

WHITE_SPACE = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000"


def byte_alphabet():
    """GPT-2's letter for each byte: itself where it is printable, else the next from U+0100 on."""
    letters, beyond = [], 0
    for byte in range(256):
        if 0x21 <= byte <= 0x7E or 0xA1 <= byte <= 0xAC or 0xAE <= byte <= 0xFF:
            letters.append(chr(byte))
        else:
            letters.append(chr(0x100 + beyond))
            beyond += 1
    return letters


def character_class(first_letter):
    """Ranges of all characters whose Unicode category begins with a letter, for use inside [ ]."""
    ranges, start = [], None
    for code in range(sys.maxunicode + 2):
        inside = code <= sys.maxunicode and unicodedata.category(chr(code))[0] == first_letter
        if inside and start is None:
            start = code
        elif not inside and start is not None:
            ranges.append(f"\\U{start:08x}-\\U{code - 1:08x}")
            start = None
    return "".join(ranges)


def word_pattern():
    letters, numbers = character_class("L"), character_class("N")
    return re.compile(
        f"'s|'t|'re|'ve|'m|'ll|'d| ?[{letters}]+| ?[{numbers}]+| ?[^{WHITE_SPACE}{letters}{numbers}]+"
        f"|[{WHITE_SPACE}]+(?![^{WHITE_SPACE}])|[{WHITE_SPACE}]+"
    )


def learn(texts, vocab):
    """-> merges as pairs of ids, in order, until the vocabulary has `vocab` tokens."""
    pattern = word_pattern()
    counts = Counter()
    for text in texts:
        counts.update(pattern.findall(text))
    words = [[FIRST_BYTE_ID + byte for byte in word.encode()] for word in counts]
    weights = list(counts.values())
    pair_counts, places = Counter(), defaultdict(set)
    for index, ids in enumerate(words):
        for pair in zip(ids, ids[1:]):
            pair_counts[pair] += weights[index]
            places[pair].add(index)
    # Highest count first, then the lower ids; entries whose count is out of date are skipped.
    heap = [(-count, pair) for pair, count in pair_counts.items()]
    heapq.heapify(heap)
    merges = []
    while FIRST_MERGE_ID + len(merges) < vocab and heap:
        negative, pair = heapq.heappop(heap)
        if pair_counts[pair] != -negative or negative == 0:
            continue
        merged = FIRST_MERGE_ID + len(merges)
        merges.append(pair)
        touched = set()
        for index in places.pop(pair):
            ids, weight = words[index], weights[index]
            for old in zip(ids, ids[1:]):
                pair_counts[old] -= weight
                touched.add(old)
            ids = words[index] = merge_once(ids, pair, merged)
            for new in zip(ids, ids[1:]):
                pair_counts[new] += weight
                places[new].add(index)
                touched.add(new)
        for changed in touched:
            if pair_counts[changed] > 0:
                heapq.heappush(heap, (-pair_counts[changed], changed))
    return merges


def merge_once(ids, pair, merged):
    result, at = [], 0
    while at < len(ids):
        if at + 1 < len(ids) and (ids[at], ids[at + 1]) == pair:
            result.append(merged)
            at += 2
        else:
            result.append(ids[at])
            at += 1
    return result


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(pair) for pair in merges]
        self.ranks = {pair: FIRST_MERGE_ID + index for index, pair in enumerate(self.merges)}
        self.bytes = [b""] * FIRST_BYTE_ID + [bytes([byte]) for byte in range(256)]
        for left, right in self.merges:
            self.bytes.append(self.bytes[left] + self.bytes[right])
        self.pattern = word_pattern()
        self.known = {}

    @classmethod
    def load(cls, path):
        return cls(json.loads(Path(path).read_text(encoding="utf-8"))["merges"])

    def save(self, path):
        Path(path).write_text(json.dumps({"merges": self.merges}) + "\n")

    @property
    def vocab(self):
        return len(self.bytes)

    def encode(self, text):
        """Ids of a text without control tokens."""
        ids = []
        for word in self.pattern.findall(text):
            found = self.known.get(word)
            if found is None:
                found = self.encode_word(word)
                # Names are without end; what all texts share is seen early.
                if len(self.known) < 200_000:
                    self.known[word] = found
            ids.extend(found)
        return ids

    def encode_word(self, word):
        ids = [FIRST_BYTE_ID + byte for byte in word.encode()]
        while len(ids) > 1:
            rank = min(self.ranks.get(pair, sys.maxsize) for pair in zip(ids, ids[1:]))
            if rank == sys.maxsize:
                break
            ids = merge_once(ids, self.merges[rank - FIRST_MERGE_ID], rank)
        return ids

    def decode(self, ids):
        return b"".join(self.bytes[i] for i in ids).decode(errors="replace")

    def encode_question(self, question):
        """layout.before_answer as ids."""
        line_end = self.encode("\n")
        return [USER_ID, *self.encode("\n" + question), END_ID, *line_end, ASSISTANT_ID, *line_end]

    def encode_conversation(self, turns):
        """-> (ids, whether each id is to be learnt) of [(question, answer), ...], the last one ended."""
        ids, learnt = [], []
        for question, answer in turns:
            if ids:
                ids += self.encode("\n")
                learnt.append(False)
            asked, answered = self.encode_question(question), [*self.encode(answer), END_ID]
            ids += asked + answered
            learnt += [False] * len(asked) + [True] * len(answered)
        return ids, learnt

    def texts(self):
        """Every token as a GGUF file spells it."""
        alphabet = byte_alphabet()
        return [*SPECIAL] + [
            "".join(alphabet[b] for b in token) for token in self.bytes[FIRST_BYTE_ID:]
        ]

    def merge_texts(self):
        texts = self.texts()
        return [f"{texts[left]} {texts[right]}" for left, right in self.merges]


def learn_from_corpus(seed, cases, vocab):
    corpus = Corpus(seed)

    def texts():
        for number in range(cases):
            for question, answer in layout.conversation_of(corpus.case(number)):
                yield question
                yield answer

    return Tokenizer(learn(texts(), vocab))


def main():
    parser = argparse.ArgumentParser(description="Learn a vocabulary from generated cases.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", type=int, default=40_000)
    parser.add_argument("--vocab", type=int, default=2048)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    tokenizer = learn_from_corpus(args.seed, args.cases, args.vocab)
    tokenizer.save(args.out)
    print(f"{tokenizer.vocab} tokens from {args.cases} cases: {args.out}")


if __name__ == "__main__":
    main()
