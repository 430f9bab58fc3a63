"""Commands that may not be generated, because the model is judged by them elsewhere.

excluded.sha256 holds hashes only, so that neither this folder nor a trained model contains the commands.
`python3 -m generator.exclusion CASES.json` writes it anew (once, when the set of cases changes); nobody
reads the cases for anything else here.
"""

import hashlib
import json
import sys
from pathlib import Path

LIST = Path(__file__).parent / "excluded.sha256"


def command_hash(command):
    """sha256 of the command with every run of white space as one space."""
    return hashlib.sha256(" ".join(command.split()).encode()).hexdigest()


def hashes_of(path):
    """@param path the shared set of shell failures: {"fix": [{"command": ...}], "match": ..., ...}"""
    sets = json.loads(Path(path).read_text(encoding="utf-8"))
    return sorted({command_hash(case["command"]) for cases in sets.values() for case in cases})


def load():
    return frozenset(LIST.read_text(encoding="utf-8").split())


if __name__ == "__main__":
    LIST.write_text("\n".join(hashes_of(sys.argv[1])) + "\n")
