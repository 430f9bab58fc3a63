"""Typing errors as fingers make them: two letters swapped, one lost, doubled, hit beside, or added.

The result is never the word itself and never a word in `taken`, so that a "wrong" command is not by
accident another right one. Owns the keyboard; what is misspelt, and whether it matters, is decided by
the templates.
"""

from .draw import Retry

ROWS = ("1234567890-", "qwertyuiop", "asdfghjkl;", "zxcvbnm,./")


def neighbours_of(letter):
    for row_number, row in enumerate(ROWS):
        column = row.find(letter)
        if column < 0:
            continue
        beside = [
            other[index]
            for other in ROWS[max(0, row_number - 1) : row_number + 2]
            for index in range(max(0, column - 1), min(len(other), column + 2))
        ]
        return [key for key in beside if key.isalpha() and key != letter]
    return []


def swap(d, word):
    at = d.between(0, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def lose(d, word):
    at = d.between(0, len(word) - 1)
    return word[:at] + word[at + 1 :]


def double(d, word):
    at = d.between(0, len(word) - 1)
    return word[:at] + word[at] + word[at:]


def miss(d, word):
    at = d.between(0, len(word) - 1)
    beside = neighbours_of(word[at].lower())
    return word[:at] + d.pick(beside) + word[at + 1 :] if beside else word


def add(d, word):
    at = d.between(1, len(word))
    beside = neighbours_of(word[at - 1].lower())
    return word[:at] + d.pick(beside) + word[at:] if beside else word


# Swapped letters first: the commonest slip of two hands.
SLIPS = (swap, swap, swap, swap, lose, lose, lose, double, double, miss, miss, add)


def misspell(d, word, taken=frozenset()):
    """@raises Retry where a word of one letter or bad luck leaves nothing to misspell."""
    if len(word) < 2:
        raise Retry
    for _ in range(20):
        slip = d.pick(SLIPS)
        # Short words that lose a letter become other words or nothing.
        if slip is lose and len(word) < 3:
            continue
        wrong = slip(d, word)
        if wrong != word and wrong not in taken and len(wrong) > 1 and wrong[0] not in "-/;,. ":
            return wrong
    raise Retry
