// One function per type; every product and sum is a separate binary32 operation, in the order in which
// the format's reference writes it, so that the floats are equal bit for bit.

#include "dequantize.h"

#include <string.h>

namespace swarm {

namespace {

float bitsToFloat(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

void decode(const BlockQ4_0& b, float* y) {
  const float d = halfToFloat(b.d);
  for (int i = 0; i < 16; i++) {
    y[i] = (float)((b.qs[i] & 15) - 8) * d;
    y[i + 16] = (float)((b.qs[i] >> 4) - 8) * d;
  }
}

void decode(const BlockQ4_1& b, float* y) {
  const float d = halfToFloat(b.d), m = halfToFloat(b.m);
  for (int i = 0; i < 16; i++) {
    y[i] = (float)(b.qs[i] & 15) * d + m;
    y[i + 16] = (float)(b.qs[i] >> 4) * d + m;
  }
}

int fifthBit(const uint8_t* qh, int i) { return (qh[i / 8] >> (i % 8) & 1) << 4; }

void decode(const BlockQ5_0& b, float* y) {
  const float d = halfToFloat(b.d);
  for (int i = 0; i < 16; i++) {
    y[i] = (float)(((b.qs[i] & 15) | fifthBit(b.qh, i)) - 16) * d;
    y[i + 16] = (float)(((b.qs[i] >> 4) | fifthBit(b.qh, i + 16)) - 16) * d;
  }
}

void decode(const BlockQ5_1& b, float* y) {
  const float d = halfToFloat(b.d), m = halfToFloat(b.m);
  for (int i = 0; i < 16; i++) {
    y[i] = (float)((b.qs[i] & 15) | fifthBit(b.qh, i)) * d + m;
    y[i + 16] = (float)((b.qs[i] >> 4) | fifthBit(b.qh, i + 16)) * d + m;
  }
}

void decode(const BlockQ8_0& b, float* y) {
  const float d = halfToFloat(b.d);
  for (int i = 0; i < 32; i++) y[i] = (float)b.qs[i] * d;
}

void decode(const BlockQ2_K& b, float* y) {
  const float d = halfToFloat(b.d), min = halfToFloat(b.dmin);
  for (int k = 0; k < 256; k++) {
    const uint8_t both = b.scales[k / 16];
    const int q = b.qs[k / 128 * 32 + k % 32] >> (k % 128 / 32 * 2) & 3;
    y[k] = d * (float)(both & 15) * (float)q - min * (float)(both >> 4);
  }
}

void decode(const BlockQ3_K& b, float* y) {
  const float d = halfToFloat(b.d);
  for (int k = 0; k < 256; k++) {
    const int s = k / 16;
    const int low = s < 8 ? b.scales[s] & 15 : b.scales[s - 8] >> 4;
    const int scale = (low | (b.scales[8 + s % 4] >> (s / 4 * 2) & 3) << 4) - 32;
    const int q = b.qs[k / 128 * 32 + k % 32] >> (k % 128 / 32 * 2) & 3;
    y[k] = d * (float)scale * (float)(q - (b.hmask[k % 32] >> (k / 32) & 1 ? 0 : 4));
  }
}

struct ScaleAndMinimum {
  int scale;
  int minimum;
};

ScaleAndMinimum sixBit(const uint8_t* packed, int j) {
  if (j < 4) return {packed[j] & 63, packed[j + 4] & 63};
  return {(packed[j + 4] & 15) | (packed[j - 4] >> 6) << 4, (packed[j + 4] >> 4) | (packed[j] >> 6) << 4};
}

void decode(const BlockQ4_K& b, float* y) {
  const float d = halfToFloat(b.d), min = halfToFloat(b.dmin);
  for (int k = 0; k < 256; k++) {
    const ScaleAndMinimum s = sixBit(b.scales, k / 32);
    const int q = b.qs[k / 64 * 32 + k % 32] >> (k % 64 / 32 * 4) & 15;
    y[k] = d * (float)s.scale * (float)q - min * (float)s.minimum;
  }
}

void decode(const BlockQ5_K& b, float* y) {
  const float d = halfToFloat(b.d), min = halfToFloat(b.dmin);
  for (int k = 0; k < 256; k++) {
    const ScaleAndMinimum s = sixBit(b.scales, k / 32);
    const int low = b.qs[k / 64 * 32 + k % 32] >> (k % 64 / 32 * 4) & 15;
    const int q = low | (b.qh[k % 32] >> (k / 32) & 1) << 4;
    y[k] = d * (float)s.scale * (float)q - min * (float)s.minimum;
  }
}

void decode(const BlockQ6_K& b, float* y) {
  const float d = halfToFloat(b.d);
  for (int k = 0; k < 256; k++) {
    const int half = k / 128, quarter = k % 128 / 32, l = k % 32;
    const int low = b.ql[half * 64 + quarter % 2 * 32 + l] >> (quarter / 2 * 4) & 15;
    const int q = (low | (b.qh[half * 32 + l] >> (quarter * 2) & 3) << 4) - 32;
    y[k] = d * (float)b.scales[k / 16] * (float)q;
  }
}

template <typename Block, size_t values>
void decodeRow(const uint8_t* file, size_t cols, float* out) {
  for (size_t i = 0; i < cols / values; i++) {
    Block block;
    memcpy(&block, file + i * sizeof(Block), sizeof(Block));
    decode(block, out + i * values);
  }
}

}  // namespace

float halfToFloat(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 31;
  const uint32_t fraction = half & 1023;
  if (exponent == 31) return bitsToFloat(sign | 0x7f800000 | fraction << 13);
  if (exponent != 0) return bitsToFloat(sign | (exponent + 112) << 23 | fraction << 13);
  const float tiny = (float)fraction * 5.9604644775390625e-8f;  // 2^-24, exact
  return sign ? -tiny : tiny;
}

void dequantizeRow(Type type, const uint8_t* file, size_t cols, float* out) {
  switch (type) {
    case Type::F32:
      memcpy(out, file, cols * 4);
      return;
    case Type::F16:
    case Type::BF16:
      for (size_t k = 0; k < cols; k++) {
        uint16_t bits;
        memcpy(&bits, file + 2 * k, 2);
        out[k] = type == Type::F16 ? halfToFloat(bits) : bitsToFloat((uint32_t)bits << 16);
      }
      return;
    case Type::Q4_0: return decodeRow<BlockQ4_0, 32>(file, cols, out);
    case Type::Q4_1: return decodeRow<BlockQ4_1, 32>(file, cols, out);
    case Type::Q5_0: return decodeRow<BlockQ5_0, 32>(file, cols, out);
    case Type::Q5_1: return decodeRow<BlockQ5_1, 32>(file, cols, out);
    case Type::Q8_0: return decodeRow<BlockQ8_0, 32>(file, cols, out);
    case Type::Q2_K: return decodeRow<BlockQ2_K, 256>(file, cols, out);
    case Type::Q3_K: return decodeRow<BlockQ3_K, 256>(file, cols, out);
    case Type::Q4_K: return decodeRow<BlockQ4_K, 256>(file, cols, out);
    case Type::Q5_K: return decodeRow<BlockQ5_K, 256>(file, cols, out);
    case Type::Q6_K: return decodeRow<BlockQ6_K, 256>(file, cols, out);
  }
}

}  // namespace swarm
