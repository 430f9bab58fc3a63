"""What stands around a command and its output without changing what went wrong.

The same failure inside a pipeline, behind `cd`, with a variable before it, or with other lines around
the error: the fix changes in the same way. Owns those frames; templates say whether they may be used.
"""

from dataclasses import replace

from .names import environment, folder, kebab, number, word, words

FRAME_SHARE = 0.08
NOISE_SHARE = 0.08

# Where {} stands the command; names as in templates, by the functions below.
FRAMES = (
    "{} | less",
    "{} | head -n {number}",
    "{} | tee {word}.log",
    "{} > {word}.txt",
    "{} 2>/dev/null",
    "{} | grep {word}",
    "time {}",
    "{} && echo {word}",
    "{} || echo {word}",
    "{}; ls",
    "cd {folder} && {}",
    "{env}={word} {}",
    "{} &",
    "{} | wc -l",
    "{} 2>&1 | tail",
    "{} | sort",
    "nice {}",
    "{} && {kebab}",
    "{} > {words}.log 2>&1",
)
BEFORE = (
    "Warning: {word} {kebab} is deprecated",
    "+ {kebab} --{word}",
    "Loading {word}...",
    "[{number}/{number}] {word}",
    "==> {word} {kebab}",
    "{word}: using {env}={word}",
    "Reading {words}.conf",
    "{kebab} {number}.{number}.{number}",
    "note: {word} is set",
    "*** {word} ***",
)
AFTER = (
    "{word}: {number} warnings",
    "[{number}]+  Exit {number}",
    "For help see https://{word}.org/{kebab}",
    "See {words}.log for details.",
    "make: *** [{word}] Error {number}",
    "Done in {number}.{number}s.",
    "{kebab}: exiting",
)
MAKERS = {
    "{word}": word,
    "{words}": words,
    "{kebab}": kebab,
    "{number}": number,
    "{env}": environment,
    "{folder}": folder,
}


def filled(d, text):
    for mark, make in MAKERS.items():
        while mark in text:
            text = text.replace(mark, make(d), 1)
    return text


def is_simple(command):
    return not any(sign in command for sign in ("|", "&", ";", ">", "<", "`", "$(", "\\"))


def is_correction(fix, command):
    """Whether it is the command itself, put right, and not another one that helps."""
    fixed, failed = fix.split(), command.split()
    common = set(fixed) & set(failed)
    return len(common) * 2 > len(failed) and abs(len(fixed) - len(failed)) <= 3


def framed(d, case):
    """The case inside a frame; only fixes that correct the command itself are kept."""
    head = case.command.split()[0]
    same = [fix for fix in case.fixes if is_simple(fix) and is_correction(fix, case.command)]
    if (
        not case.fixes
        or case.fixes[0] not in same
        or not is_simple(case.command)
        or head in ("cd", "export", "sudo")
    ):
        return case
    frame = filled(d, d.pick(FRAMES))
    fixes = tuple(frame.replace("{}", fix) for fix in same)
    return replace(case, command=frame.replace("{}", case.command), fixes=fixes)


def varied(d, case, plain):
    if not plain and d.chance(FRAME_SHARE):
        case = framed(d, case)
    if case.output is not None and d.chance(NOISE_SHARE):
        if d.chance(0.6):
            case = replace(case, output=filled(d, d.pick(BEFORE)) + "\n" + case.output)
        else:
            case = replace(case, output=case.output + "\n" + filled(d, d.pick(AFTER)))
    return case
