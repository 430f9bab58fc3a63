"""Seeded choice, and the line between what is trained on and what is held out.

Every case has a `Draw` of its own, made from the seed and the number of the case, so case 4711 is the
same whatever came before it. Names and combinations are held out by a hash of their text: one in
HELD_ONE_IN belongs to the held-out side for good, whatever the seed. Knows no template and no tool.
"""

import hashlib
import random

# One in eight: enough names and combinations on the held-out side for every template, few enough that
# training still sees most of each table.
HELD_ONE_IN = 8

TRAIN = "train"
HELD = "held"


class Retry(Exception):
    """What was drawn belongs to the other side, or makes no sense; draw the case again."""


def is_held(text):
    digest = hashlib.blake2b(text.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little") % HELD_ONE_IN == 0


class Draw:
    def __init__(self, seed, split):
        self.random = random.Random(seed)
        self.split = split
        # What is held out in the case: names, and whether a combination is. A held-out case without any
        # that shows would be a training case.
        self.held_names = []
        self.held_combination = False

    def pick(self, options):
        return options[int(self.random.random() * len(options))]

    def chance(self, probability):
        return self.random.random() < probability

    def between(self, low, high):
        """A whole number from low to high, both included."""
        return low + int(self.random.random() * (high - low + 1))

    def begin_case(self):
        self.held_names = []
        self.held_combination = False

    def shows_held(self, text):
        return self.held_combination or any(name in text for name in self.held_names)

    def belongs(self, text):
        return is_held(text) == (self.split == HELD)

    def combination(self, *parts):
        """@raises Retry for a combination of the other side."""
        if not self.belongs("|".join(parts)):
            raise Retry
        self.held_combination = self.split == HELD

    def name(self, make, tries=400):
        """The first name made by `make(self)` that belongs to this side."""
        for _ in range(tries):
            name = make(self)
            if self.belongs(name):
                if self.split == HELD:
                    self.held_names.append(name)
                return name
        raise Retry
