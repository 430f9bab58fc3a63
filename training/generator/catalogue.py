"""Reads the files in families/: templates written as they look on a terminal.

    list NAME                     named texts, separated by " | " or line ends, indented
    table NAME                    indented lines `key: text | text`
    screen NAME                   named outputs, as under a template
    ## name x3 exit=1,128 silent  a template: weight, statuses, likely or unsure (else sure), silent, plain
    let sub args = @NAME          placeholders chosen together; texts, or @NAME, or @NAME[other]
    taken: word @NAME             what no misspelling may give; of a list the first words of its texts
    $ git {sub} {args}            command; several lines are variants
    ? how do I {do}               question instead of a command (small talk)
    > output                      consecutive lines are one output, `or` begins the next variant;
                                  `> @NAME what={x}` stands for every variant of that screen
    dir: {file} {dir}/            what lies in the working directory
    : cause                       one sentence; several lines are variants
    = fix                         the first is learnt, all are accepted

`#` begins a comment, (none) is the empty text, \\t a tab. Files see the names of shared.cases and their
own. A fault in a file is an error with file and line. Draws nothing.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path

from .case import CONFIDENCES
from .names import KINDS
from .template import PLACEHOLDER, Let, Template

FOLDER = Path(__file__).parent / "families"
SHARED = "shared"


class Fault(Exception):
    pass


@dataclass
class Family:
    name: str
    templates: list = field(default_factory=list)


def load(folder=FOLDER):
    """-> families by name, each with at least one template."""
    shared = Reader({})
    shared.read(folder / f"{SHARED}.cases")
    families = {}
    for path in sorted(folder.glob("*.cases")):
        if path.stem == SHARED:
            continue
        reader = Reader(dict(shared.names))
        reader.read(path)
        families[path.stem] = Family(path.stem, reader.templates)
    return families


def texts_of(line):
    return ["" if text == "(none)" else text for text in map(str.strip, line.split(" | ")) if text]


class Reader:
    def __init__(self, names):
        self.names = names
        self.templates = []
        # What indented lines and output lines belong to.
        self.open = None
        self.outputs = None

    def read(self, path):
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
            try:
                self.take(line.rstrip(), path.stem)
            except (Fault, KeyError, ValueError, IndexError, AttributeError) as fault:
                raise Fault(f"{path.name}:{number}: {fault!r} in {line!r}") from fault
        for template in self.templates:
            try:
                finish(template)
            except Fault as fault:
                raise Fault(f"{path.name}: {template.name}: {fault}") from fault

    def take(self, line, family):
        if line.startswith("## "):
            self.begin(line[3:].split(), family)
        elif line == "" or line.startswith("#"):
            pass
        elif line.startswith("  "):
            self.add_texts(line.strip())
        elif match := re.fullmatch(r"(list|table|screen) (\w+)", line):
            kind, name = match.groups()
            if name in self.names:
                raise Fault("the name is used already")
            self.names[name] = self.open = {} if kind == "table" else []
            self.outputs = self.open if kind == "screen" else None
        elif line == ">" or line.startswith("> "):
            self.add_output(line[2:].replace("\\t", "\t"))
        elif line == "or":
            self.outputs.append(None)
        else:
            self.add_field(line)

    def begin(self, words, family):
        name, *attributes = words
        if any(template.name == name for template in self.templates):
            raise Fault("the template exists already")
        template = Template(family, name)
        for attribute in attributes:
            if attribute in CONFIDENCES:
                template.confidence = attribute
            elif attribute in ("silent", "plain"):
                setattr(template, attribute, True)
            elif attribute.startswith("exit="):
                template.statuses = tuple(int(status) for status in attribute[5:].split(","))
            elif attribute.startswith("x"):
                template.weight = float(attribute[1:])
            else:
                raise Fault("unknown attribute " + attribute)
        self.templates.append(template)
        self.outputs = template.outputs

    def add_texts(self, line):
        if isinstance(self.open, dict):
            key, _, texts = line.partition(": ")
            self.open[key] = texts_of(texts)
        else:
            self.open.extend(texts_of(line))

    def add_output(self, line):
        if match := re.fullmatch(r"@(\w+)((?: \w+=\S+)*)", line):
            outputs = self.names[match[1]]
            for change in match[2].split():
                old, _, new = change.partition("=")
                outputs = [output.replace("{" + old + "}", new) for output in outputs]
            if self.outputs and self.outputs[-1] is None:
                self.outputs.pop()
            self.outputs.extend(outputs)
        elif not self.outputs:
            self.outputs.append(line)
        elif self.outputs[-1] is None:
            self.outputs[-1] = line
        else:
            self.outputs[-1] += "\n" + line

    def add_field(self, line):
        template = self.templates[-1]
        if line.startswith("let "):
            self.add_let(template, line[4:])
        elif line.startswith("$ "):
            template.commands.append(line[2:])
        elif line.startswith("? "):
            template.questions.append(line[2:])
        elif line.startswith(": "):
            template.causes.append(line[2:])
        elif line.startswith("= "):
            template.fixes.append(line[2:])
        elif line.startswith("dir: "):
            template.hints = line[5:]
        elif line.startswith("taken: "):
            words = line[7:].split()
            named = [text for word in words if word[0] == "@" for text in self.names[word[1:]]]
            template.taken |= {text.split()[0] for text in [*words, *named] if text}
        else:
            raise Fault("not understood")

    def add_let(self, template, line):
        left, _, right = line.partition(" = ")
        parts = [part.split() for part in left.split(" => ")]
        by = None
        if match := re.fullmatch(r"@(\w+)(?:\[(\w+)\])?", right.strip()):
            options, by = self.names[match[1]], match[2]
            if by is None:
                options = list(options)
        else:
            options = self.open = texts_of(right)
        template.lets.append(Let(parts, options, by))


def finish(template):
    """Refuses what could only fail when it is drawn."""
    if not template.causes or bool(template.commands) == bool(template.questions):
        raise Fault("needs a cause, and either commands or questions")
    own = {name for let in template.lets for name in let.names()}
    lists = [
        options
        for let in template.lets
        for options in ([let.options] if let.by is None else let.options.values())
    ]
    texts = [text for options in lists for text in options]
    texts += template.commands + template.questions + template.outputs + template.causes
    texts += [*template.fixes, template.hints]
    for text in texts:
        if text is None:
            raise Fault("an output is empty")
        for name, number, _ in PLACEHOLDER.findall(text):
            if name not in KINDS and not (name in own and number == ""):
                raise Fault(f"nothing is called {{{name}{number}}}")
