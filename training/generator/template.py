"""A template: one kind of failure, as texts with placeholders; and the drawing of a case from it.

`{branch}` in any text is one name of that kind (names.KINDS), the same in all texts of the case;
`{branch2}` is another one. `{sub~}` is {sub} misspelt. Placeholders of the template's own come from its
`let` lines. Owns what is held out: every name by itself, every pair of a word and its misspelling, and
every combination of choices (draw.py). How templates are written down is catalogue.py's.
"""

import re
from dataclasses import dataclass, field

from .case import LIKELY, SURE, Case
from .draw import Retry
from .names import KINDS
from .typo import misspell

PLACEHOLDER = re.compile(r"\{([a-z]+)(\d*)(~?)\}")
# Statuses by which a shell itself says that it could not start the command.
NOT_STARTED = (126, 127)


@dataclass
class Let:
    """Placeholders chosen together: `let sub flag = commit amend | push force`."""

    # [["sub", "flag"]]; the last name of a part takes the rest of the text; parts stand between " => ".
    parts: list
    # Texts to choose from, or with `by` a table of such lists whose key is another placeholder's value.
    options: object
    by: str | None = None

    def names(self):
        return [name for part in self.parts for name in part]

    def split(self, text):
        values = {}
        pieces = text.split(" => ")
        for names, piece in zip(self.parts, pieces, strict=True):
            words = piece.split(None, len(names) - 1)
            words += [""] * (len(names) - len(words))
            values.update(zip(names, words, strict=True))
        return values


@dataclass
class Template:
    family: str
    name: str
    weight: float = 1.0
    statuses: tuple = (1,)
    confidence: str = SURE
    # Command and status alone tell the fix, so that the output may be missing.
    silent: bool = False
    # Stands never behind sudo or in a pipeline (variation.py).
    plain: bool = False
    lets: list = field(default_factory=list)
    # Words that no misspelling may give.
    taken: frozenset = frozenset()
    commands: list = field(default_factory=list)
    questions: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    hints: str = ""
    causes: list = field(default_factory=list)
    fixes: list = field(default_factory=list)

    def is_own(self, name):
        return any(name in let.names() for let in self.lets)

    def make(self, d):
        """@raises Retry"""
        values, choices = {}, []

        def value_of(name, number, wrong):
            key = name + number + wrong
            if key not in values:
                if wrong:
                    right = value_of(name, number, "")
                    values[key] = misspell(d, right, self.taken)
                    d.combination("misspelt", right, values[key])
                else:
                    values[key] = KINDS[name](d)
            return values[key]

        def fill(text):
            return PLACEHOLDER.sub(lambda match: value_of(*match.groups()), text)

        def fill_command(text):
            """Empty arguments leave no second space."""
            return " ".join(part for part in fill(text).split(" ") if part)

        for let in self.lets:
            options = let.options if let.by is None else let.options[values[let.by]]
            text = d.pick(options)
            choices.append(text)
            for name, value in let.split(text).items():
                values[name] = fill(value)
        # A single choice may be a fact, such as the package of a tool, which nobody knows without it.
        if len(choices) > 1:
            d.combination(self.family, self.name, *choices)

        command = fill_command(d.pick(self.commands)) if self.commands else None
        question = fill(d.pick(self.questions)).strip() if self.questions else None
        output = fill(d.pick(self.outputs)) if self.outputs else None
        hints = tuple(fill(self.hints).split())
        given = "\n".join([command or question, output or "", *hints])

        def is_given(text):
            """Whether the names in it can be copied: nobody can know one that was not shown."""
            return all(
                self.is_own(name) or value_of(name, *rest) in given
                for name, *rest in PLACEHOLDER.findall(text)
            )

        fixes = tuple(dict.fromkeys(fill_command(fix) for fix in self.fixes if is_given(fix)))
        if command in fixes or (self.fixes and not fixes):
            raise Retry
        status = d.pick(self.statuses)
        confidence = None if question else self.confidence
        if self.silent and output is not None and d.chance(0.25):
            output = None
            if confidence == SURE and status not in NOT_STARTED:
                confidence = LIKELY
        return Case(
            family=self.family,
            template=self.name,
            command=command,
            status=status,
            output=output,
            hints=hints,
            cause=fill(d.pick(self.causes)).strip(),
            fixes=fixes,
            confidence=confidence,
            question=question,
        )
