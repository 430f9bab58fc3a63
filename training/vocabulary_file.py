"""A vocabulary as the part of a GGUF file that programs read it from.

`python3 training/vocabulary_file.py --tokenizer FILE --file OUT.gguf` writes a file of nothing else, as
llama.cpp's ggml-vocab files are; `--ids FILE` also writes how generated texts are cut, as JSON, for
test/training to compare with. export.py puts the same keys into a model. Standard library only.
"""

import argparse
import json
from pathlib import Path

import gguf
import layout
from generator.corpus import Corpus
from generator.draw import HELD
from tokenizer import END_ID, FIRST_BYTE_ID, Tokenizer

TOKEN_NORMAL, TOKEN_CONTROL = 1, 3
# Texts that no template has: other scripts, white space of all kinds, marks, digits of other scripts.
ODD_TEXTS = (
    "Zoë's naïve café isn't 42x²½ free ١٢ 日本語テキスト ‘quoted’ ╰─> 🐶 e\u0301",
    " \t\n\n  leading and trailing   ",
    "a\u00a0b\u2028c\u3000d\x1ce\x85f",
    "I'LL we've they'd 'tis ''s",
    "",
)


def tokenizer_metadata(tokenizer):
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": tokenizer.texts(),
        "tokenizer.ggml.token_type": gguf.Int32s(
            TOKEN_CONTROL if i < FIRST_BYTE_ID else TOKEN_NORMAL for i in range(tokenizer.vocab)
        ),
        "tokenizer.ggml.merges": tokenizer.merge_texts(),
        "tokenizer.ggml.bos_token_id": END_ID,
        "tokenizer.ggml.eos_token_id": END_ID,
        "tokenizer.ggml.eot_token_id": END_ID,
        "tokenizer.ggml.padding_token_id": END_ID,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": layout.TEMPLATE.read_text(encoding="utf-8"),
    }


def samples(tokenizer, count):
    """-> conversations as messages, rendered and as ids, and odd texts as ids."""
    corpus = Corpus(21, HELD)
    conversations = []
    for number in range(count):
        case = corpus.case(number)
        turns = layout.conversation_of(case)
        messages = [
            {"role": role, "content": text}
            for turn in turns
            for role, text in zip(("user", "assistant"), turn)
        ]
        ids, _ = tokenizer.encode_conversation(turns)
        conversations.append({"messages": messages[:-1], "prompt": layout.prompt_of(case), "ids": ids})
        conversations[-1]["answer"] = messages[-1]["content"]
    texts = [{"text": text, "ids": tokenizer.encode(text)} for text in ODD_TEXTS]
    return {"conversations": conversations, "texts": texts}


def main():
    parser = argparse.ArgumentParser(description="Write a vocabulary as GGUF.")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--file", required=True)
    parser.add_argument("--ids")
    parser.add_argument("--count", type=int, default=200)
    args = parser.parse_args()
    tokenizer = Tokenizer.load(args.tokenizer)
    name = {"general.architecture": "llama", "general.name": "sentinel vocabulary"}
    gguf.write(args.file, {**name, **tokenizer_metadata(tokenizer)}, [])
    if args.ids:
        Path(args.ids).write_text(json.dumps(samples(tokenizer, args.count)))


if __name__ == "__main__":
    main()
