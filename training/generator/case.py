"""One failed command with its explanation: the shape that every family produces.

Owns what a case must obey (checked for every case that is made, so that a bad template is found by the
first test that draws from it) and nothing of how it is written down for a model: that is layout.py.
"""

from dataclasses import dataclass, field

SURE = "sure"
LIKELY = "likely"
UNSURE = "unsure"
CONFIDENCES = (SURE, LIKELY, UNSURE)


@dataclass
class Case:
    family: str
    template: str
    # None in small talk, where `question` is asked instead.
    command: str | None
    status: int
    # What the terminal showed; None where nothing could capture it.
    output: str | None
    # Entries of the working directory, folders with a slash at their end; often none are known.
    hints: tuple
    # One sentence.
    cause: str
    # Commands that would be accepted, the one to learn first; empty where none is known.
    fixes: tuple
    # None in small talk.
    confidence: str | None
    question: str | None = None
    # Cases that came before in the same conversation.
    earlier: list = field(default_factory=list)

    def shown(self):
        """All that a model is told, in no particular order."""
        return "\n".join([self.command or self.question, self.output or "", *self.hints])

    def check(self):
        texts = [self.cause, *self.fixes, self.command or self.question or ""]
        assert all(text == text.strip() and text for text in texts), self
        assert not any("\n" in text for text in self.fixes + (self.cause,)), self
        assert self.cause[-1] in ".?!", self
        assert len(set(self.fixes)) == len(self.fixes), self
        assert (self.command is None) == (self.question is not None) == (self.confidence is None), self
        assert self.confidence in (None, *CONFIDENCES), self
        # A proposal that is the failed command again helps nobody.
        assert self.command is None or self.command not in self.fixes, self
        return self
