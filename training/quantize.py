"""Matrices as blocks of GGML's number formats, and back.

Q8_0: 32 values with one scale. Q6_K: 256 values, 16 scales of 8 bits below one of 16; each group of 16
takes the scale with the least squared error among some near the largest value, larger values counting
more, as in llama.cpp. Owns the byte layouts (block_q8_0 and block_q6_K of ggml-common.h). numpy only.
"""

import numpy as np

# Scales tried for a group, as steps from the largest magnitude. More did not lower the error.
CANDIDATES = np.arange(-9, 10) * 0.1


def f16(values):
    return values.astype("<f2")


def quantize_f32(matrix):
    return matrix.astype("<f4").tobytes()


def quantize_f16(matrix):
    return f16(matrix).tobytes()


def quantize_q8_0(matrix):
    blocks = matrix.reshape(-1, 32).astype(np.float32)
    scales = np.abs(blocks).max(1) / 127
    # Rounded with the scale that is stored, not with the one it was before.
    stored = f16(scales).astype(np.float32)
    inverse = np.divide(1, stored, out=np.zeros_like(stored), where=stored > 0)
    values = np.clip(np.rint(blocks * inverse[:, None]), -127, 127).astype(np.int8)
    return np.concatenate(
        [f16(scales).view(np.uint8).reshape(-1, 2), values.view(np.uint8)], 1
    ).tobytes()


def dequantize_q8_0(data, shape):
    raw = np.frombuffer(data, np.uint8).reshape(-1, 34)
    scales = raw[:, :2].copy().view("<f2").astype(np.float32)
    return (raw[:, 2:].view(np.int8).astype(np.float32) * scales).reshape(shape)


def group_scales(groups):
    """(groups, 16) -> for each the scale by which whole numbers from -32 to 31 fit best."""
    at = np.abs(groups).argmax(1)
    largest = np.take_along_axis(groups, at[:, None], 1)[:, 0]
    best = np.zeros_like(largest)
    best_error = np.full(largest.shape, np.inf, np.float32)
    weights = groups * groups
    for step in CANDIDATES:
        # The value of largest magnitude becomes -32 or near it.
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = np.where(largest == 0, 0, -(32 + step) / largest)[:, None]
            whole = np.clip(np.rint(groups * inverse), -32, 31)
            # The scale with the least weighted error for these whole numbers.
            scale = (weights * groups * whole).sum(1) / (weights * whole * whole).sum(1)
        scale = np.nan_to_num(scale)
        error = (weights * (groups - scale[:, None] * whole) ** 2).sum(1)
        better = error < best_error
        best = np.where(better, scale, best)
        best_error = np.where(better, error, best_error)
    return best


def quantize_q6_k(matrix):
    groups = matrix.reshape(-1, 16).astype(np.float32)
    scales = group_scales(groups).reshape(-1, 16)
    at = np.abs(scales).argmax(1)
    largest = np.take_along_axis(scales, at[:, None], 1)[:, 0]
    super_scales = f16(largest / -128)
    stored = super_scales.astype(np.float32)
    inverse = np.divide(1, stored, out=np.zeros_like(stored), where=stored != 0)
    small = np.clip(np.rint(scales * inverse[:, None]), -128, 127)
    actual = (small * stored[:, None]).reshape(-1, 1)
    inverse = np.divide(1, actual, out=np.zeros_like(actual), where=actual != 0)
    whole = (np.clip(np.rint(groups * inverse), -32, 31) + 32).astype(np.uint8).reshape(-1, 2, 4, 32)
    low = (whole[:, :, :2] & 15) | ((whole[:, :, 2:] & 15) << 4)
    high = (
        whole[:, :, 0] >> 4
        | whole[:, :, 1] >> 4 << 2
        | whole[:, :, 2] >> 4 << 4
        | whole[:, :, 3] >> 4 << 6
    )
    count = len(stored)
    parts = [low.reshape(count, 128), high.reshape(count, 64), small.astype(np.int8).view(np.uint8)]
    return np.concatenate([*parts, super_scales.view(np.uint8).reshape(count, 2)], 1).tobytes()


def dequantize_q6_k(data, shape):
    raw = np.frombuffer(data, np.uint8).reshape(-1, 210)
    count = len(raw)
    low = raw[:, :128].reshape(count, 2, 2, 32)
    high = raw[:, 128:192].reshape(count, 2, 32)
    whole = np.empty((count, 2, 4, 32), np.float32)
    for part in range(4):
        nibble = low[:, :, part % 2] & 15 if part < 2 else low[:, :, part % 2] >> 4
        whole[:, :, part] = (nibble | ((high >> (2 * part) & 3) << 4)).astype(np.float32) - 32
    small = raw[:, 192:208].copy().view(np.int8).astype(np.float32)
    super_scales = raw[:, 208:].copy().view("<f2").astype(np.float32)
    return (whole.reshape(count, 16, 16) * (small * super_scales)[:, :, None]).reshape(shape)


QUANTIZE = {"F32": quantize_f32, "F16": quantize_f16, "Q8_0": quantize_q8_0, "Q6_K": quantize_q6_k}
DEQUANTIZE = {
    "F32": lambda data, shape: np.frombuffer(data, "<f4").reshape(shape),
    "F16": lambda data, shape: np.frombuffer(data, "<f2").astype(np.float32).reshape(shape),
    "Q8_0": dequantize_q8_0,
    "Q6_K": dequantize_q6_k,
}
