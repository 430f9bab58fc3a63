"""A case as the text that a model reads and writes, and back. The format is described in FORMAT.md.

Owns the clipping of long outputs, the order of the lines and how an answer is read again; src/ has the
same rules for real failures. Knows neither templates nor tokens.
"""

from pathlib import Path

TEMPLATE = Path(__file__).parent / "chat-template.jinja"

# Control tokens, names and line ends are those of Phi-3: programs that know templates by their looks
# (llama.cpp without --jinja) take this model for one and render the same.
USER = "<|user|>"
ASSISTANT = "<|assistant|>"
END = "<|end|>"

# Errors stand at the beginning or at the end of an output.
FIRST_LINES = 3
LAST_LINES = 5
LINE_CHARS = 200
COMMAND_CHARS = 240
HINTS = 8


def clipped(text, length):
    return text if len(text) <= length else text[: length - 3] + "..."


def clipped_lines(output):
    """Lines without white space at their ends and without empty ones; a long middle is left out."""
    lines = [" ".join(line.split()) for line in output.split("\n")]
    lines = [clipped(line, LINE_CHARS) for line in lines if line]
    if len(lines) > FIRST_LINES + LAST_LINES:
        lines = lines[:FIRST_LINES] + lines[-LAST_LINES:]
    return lines


def question_of(case):
    if case.question is not None:
        return case.question
    lines = ["$ " + clipped(" ".join(case.command.split()), COMMAND_CHARS), f"exit {case.status}"]
    if case.hints:
        lines.append("dir " + " ".join(case.hints[:HINTS]))
    if case.output is not None:
        lines.extend(clipped_lines(case.output))
    return "\n".join(lines)


def answer_of(case):
    lines = [case.cause]
    if case.fixes:
        lines.append("$ " + case.fixes[0])
    if case.confidence:
        lines.append(case.confidence)
    return "\n".join(lines)


def conversation_of(case):
    """-> [(question, answer), ...], the case itself last."""
    return [(question_of(c), answer_of(c)) for c in [*case.earlier, case]]


def before_answer(question):
    return f"{USER}\n{question}{END}\n{ASSISTANT}\n"


def prompt_of(case):
    """What is put before the model, as the chat template renders it."""
    turns = conversation_of(case)
    before = "".join(f"{before_answer(question)}{answer}{END}\n" for question, answer in turns[:-1])
    return before + before_answer(turns[-1][0])


def read_answer(text):
    """-> (cause, fix or None, confidence or None) of what a model wrote."""
    lines = [line for line in text.split("\n") if line.strip()]
    confidence = lines.pop() if lines and lines[-1] in ("sure", "likely", "unsure") else None
    fix = next((line[2:] for line in lines if line.startswith("$ ")), None)
    cause = lines[0] if lines and not lines[0].startswith("$ ") else ""
    return cause, fix, confidence


def is_accepted(case, fix):
    """Whether a proposed command is one of the right ones; None is right where none is known."""
    if not case.fixes:
        return fix is None
    return fix is not None and any(" ".join(fix.split()) == " ".join(f.split()) for f in case.fixes)
