"""The stream of cases: which family and template comes next, and what may not come at all.

Case i of a corpus depends on the seed, the split and i alone, so a training run can be resumed at any
case and a held-out set can be drawn again anywhere. Owns the shares of the families; knows no layout.
"""

import bisect
import itertools
from dataclasses import replace

from . import exclusion
from .catalogue import load
from .draw import HELD, TRAIN, Draw, Retry
from .variation import varied

# Shares of all cases, by how often people meet such failures; every other family has its part of the rest
# by the weights of its templates. One case in eleven is one that nobody can know.
SHARES = {
    "git": 0.13,
    "shell": 0.12,
    "paths": 0.08,
    "missing": 0.05,
    "unknown": 0.13,
    "talk": 0.05,
}
# A conversation that goes on with a second failure.
EARLIER_SHARE = 0.04


class Corpus:
    def __init__(self, seed, split=TRAIN, leave_out=(), only=(), families=None):
        """
        @param leave_out names of families that never come.
        @param only names of the families that come; empty for all.
        """
        assert split in (TRAIN, HELD)
        families = families or load()
        for name in (*leave_out, *only):
            if name not in families:
                raise SystemExit(
                    f"there is no family '{name}'; there are {', '.join(sorted(families))}"
                )
        chosen = {
            name: family
            for name, family in families.items()
            if name not in leave_out and (not only or name in only)
        }
        self.seed, self.split = seed, split
        self.excluded = exclusion.load()
        weights = {name: sum(t.weight for t in family.templates) for name, family in chosen.items()}
        rest = sum(weight for name, weight in weights.items() if name not in SHARES) or 1
        rest_share = 1 - sum(share for name, share in SHARES.items() if name in chosen)
        self.templates, shares = [], []
        for name, family in chosen.items():
            share = SHARES.get(name, rest_share * weights[name] / rest)
            for template in family.templates:
                self.templates.append(template)
                shares.append(share * template.weight / weights[name])
        self.cumulated = list(itertools.accumulate(shares))

    def case(self, number):
        d = Draw(f"{self.seed}/{self.split}/{number}", self.split)
        case = self.draw(d)
        if d.chance(EARLIER_SHARE):
            case = replace(case, earlier=[self.draw(d)])
        return case

    def draw(self, d):
        """Draws until a case belongs to this side; templates that have none for it pass."""
        while True:
            at = bisect.bisect(self.cumulated, d.random.random() * self.cumulated[-1])
            template = self.templates[min(at, len(self.templates) - 1)]
            for _ in range(40):
                d.begin_case()
                try:
                    case = template.make(d)
                except Retry:
                    continue
                if self.split == HELD and not d.shows_held(case.shown()):
                    continue
                case = varied(d, case, template.plain) if case.command else case
                if case.command and exclusion.command_hash(case.command) in self.excluded:
                    continue
                return case
