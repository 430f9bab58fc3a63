"""Writes GGUF files (version 3): what llama.cpp and src/model/gguf.ts read.

Owns byte order, value types and the places of the tensors. Numbers and vectors come from export.py,
names of keys from llama.cpp. Source: docs/gguf.md of ggml. Standard library only.
"""

import struct

ALIGNMENT = 32
TENSOR_TYPES = {"F32": 0, "F16": 1, "Q8_0": 8, "Q6_K": 14}

UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9


def text(value):
    encoded = value.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def scalar(kind, value):
    if kind == STRING:
        return text(value)
    return struct.pack({UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}[kind], value)


def typed(value):
    """-> type and bytes; lists become arrays of the type of their first element."""
    if isinstance(value, list):
        kind = INT32 if isinstance(value, Int32s) else kind_of(value[0])
        body = b"".join(scalar(kind, element) for element in value)
        return struct.pack("<IIQ", ARRAY, kind, len(value)) + body
    kind = kind_of(value)
    return struct.pack("<I", kind) + scalar(kind, value)


class Int32s(list):
    """Numbers that have to be signed in the file, whatever their values."""


def kind_of(value):
    if isinstance(value, bool):
        return BOOL
    if isinstance(value, str):
        return STRING
    if isinstance(value, float):
        return FLOAT32
    return UINT32 if value >= 0 else INT32


def padded(length):
    return -(-length // ALIGNMENT) * ALIGNMENT


def write(path, metadata, tensors):
    """
    @param metadata key -> int, float, bool, str or list of one of them.
    @param tensors list of (name, type name, shape as GGUF has it: row length first, bytes).
    """
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    for key, value in metadata.items():
        head += text(key) + typed(value)
    offset = 0
    for name, kind, shape, data in tensors:
        head += text(name) + struct.pack("<I", len(shape))
        head += struct.pack(f"<{len(shape)}Q", *shape)
        head += struct.pack("<IQ", TENSOR_TYPES[kind], offset)
        offset = padded(offset + len(data))
    with open(path, "wb") as file:
        file.write(head.ljust(padded(len(head)), b"\0"))
        for _, _, _, data in tensors:
            file.write(data.ljust(padded(len(data)), b"\0"))
