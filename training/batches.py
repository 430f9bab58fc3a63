"""Cases as batches of ids, in an order that a seed and a step decide.

Conversations of like length come together (they are drawn in pools, sorted and cut), so that little of a
batch is padding and no conversation is cut or sees another one. Owns the weights of the loss: answers
count, a few words of the questions count a little.
"""

import random

import layout
import numpy as np
import torch
from tokenizer import END_ID

# Cases drawn at once; larger pools mean less padding. The share of padding is printed by train.py.
POOL_CASES = 4096
# Predicting the question teaches the model how errors are spelt, but most of it are names made up.
QUESTION_SHARE = 0.15
QUESTION_WEIGHT = 0.15


class Batches:
    def __init__(self, corpus, tokenizer, context, tokens, seed):
        self.corpus, self.tokenizer, self.context = corpus, tokenizer, context
        self.tokens, self.seed = tokens, seed
        self.pool_number = 0
        self.ready = []

    def state(self):
        return {"pool_number": self.pool_number, "ready": len(self.ready)}

    def restore(self, state):
        """Draws the last pool again and skips what was used of it."""
        self.pool_number = max(0, state["pool_number"] - 1)
        self.ready = []
        if state["pool_number"] > 0:
            self.fill()
            self.ready = self.ready[len(self.ready) - state["ready"] :]

    def fill(self):
        first = self.pool_number * POOL_CASES
        rows = []
        for number in range(first, first + POOL_CASES):
            turns = layout.conversation_of(self.corpus.case(number))
            ids, learnt = self.tokenizer.encode_conversation(turns)
            if len(ids) <= self.context:
                rows.append((ids, learnt))
        rows.sort(key=lambda row: len(row[0]))
        order = random.Random(f"{self.seed}/{self.pool_number}")
        batches, batch = [], []
        for row in rows:
            if batch and (len(batch) + 1) * len(row[0]) > self.tokens:
                batches.append(batch)
                batch = []
            batch.append(row)
        batches.append(batch)
        order.shuffle(batches)
        self.ready = [self.tensors(batch, order) for batch in batches]
        self.pool_number += 1

    def tensors(self, rows, order):
        """-> ids (rows, positions), flat places of learnt predictions, their targets, their weights, and
        how many of the ids are no padding."""
        length = max(len(ids) for ids, _ in rows)
        ids = np.full((len(rows), length), END_ID, dtype=np.int64)
        places, targets, weights = [], [], []
        for index, (row, learnt) in enumerate(rows):
            ids[index, : len(row)] = row
            for at in range(1, len(row)):
                if not learnt[at] and order.random() >= QUESTION_SHARE:
                    continue
                places.append(index * length + at - 1)
                targets.append(row[at])
                weights.append(1.0 if learnt[at] else QUESTION_WEIGHT)
        return (
            torch.from_numpy(ids),
            torch.tensor(places),
            torch.tensor(targets),
            torch.tensor(weights),
            torch.tensor(sum(len(row) for row, _ in rows)),
        )

    def next(self):
        if not self.ready:
            self.fill()
        return self.ready.pop(0)
