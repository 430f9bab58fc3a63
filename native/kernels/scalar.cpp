// The specification: docs/arithmetic.md as plain loops, one value at a time. Every other table is
// compared with this one for equality, so it stays readable and shares no arithmetic with them.
// Speed does not matter here; a machine without a better table still gets the right answer.

#include <math.h>
#include <string.h>

#include "kernels.h"
#include "packing.h"

namespace swarm {
namespace {

float bitsToFloat(uint32_t bits) {
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

uint32_t floatToBits(float value) {
  uint32_t bits;
  memcpy(&bits, &value, 4);
  return bits;
}

float halfToFloat(uint16_t half) {
  const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
  const uint32_t exponent = (half >> 10) & 31;
  const uint32_t fraction = half & 1023;
  if (exponent == 31) return bitsToFloat(sign | 0x7f800000 | (fraction << 13));
  if (exponent != 0) return bitsToFloat(sign | ((exponent + 112) << 23) | (fraction << 13));
  const float tiny = (float)fraction * 5.9604644775390625e-8f;  // 2^-24, exact
  return sign ? -tiny : tiny;
}

uint16_t floatToHalf(float value) {
  const uint32_t bits = floatToBits(value);
  const uint16_t sign = (uint16_t)((bits >> 16) & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x47800000) return (uint16_t)(sign | (magnitude > 0x7f800000 ? 0x7e00 : 0x7c00));
  if (magnitude < 0x38800000) {
    // Below the smallest normal f16: adding 0.5 rounds to a multiple of 2^-24 in the last place.
    const float shifted = bitsToFloat(magnitude) + 0.5f;
    return (uint16_t)(sign | (floatToBits(shifted) - 0x3f000000));
  }
  const uint32_t odd = (magnitude >> 13) & 1;
  return (uint16_t)(sign | ((magnitude + 0xfff + odd - 0x38000000) >> 13));
}

int rne(float x) { return (int)((x + 12582912.0f) - 12582912.0f); }

// The 16 virtual lanes of section 1.
struct Lanes {
  float lane[16] = {};
  float fold() {
    for (int width = 8; width > 0; width /= 2) {
      for (int i = 0; i < width; i++) lane[i] += lane[i + width];
    }
    return lane[0];
  }
};

float exponential(float x) {
  if (x < -87.3f) return 0;
  if (x > 88.0f) x = 88.0f;
  const float n = (x * 1.44269504f + 12582912.0f) - 12582912.0f;
  float r = fmaf(n, -0.693359375f, x);
  r = fmaf(n, 2.12194440e-4f, r);
  float p = 1.98412698e-4f;
  p = fmaf(p, r, 1.38888889e-3f);
  p = fmaf(p, r, 8.33333333e-3f);
  p = fmaf(p, r, 4.16666667e-2f);
  p = fmaf(p, r, 1.66666667e-1f);
  p = fmaf(p, r, 0.5f);
  p = fmaf(p, r, 1.0f);
  p = fmaf(p, r, 1.0f);
  if (x != x) return x;
  return bitsToFloat(floatToBits(p) + ((uint32_t)(int)n << 23));
}

// Section 3 over one block. False when an element is not finite.
bool quantizeBlock(const float* x, int n, float* d, int8_t* q) {
  uint32_t amaxBits = 0;
  for (int k = 0; k < n; k++) {
    const uint32_t bits = floatToBits(x[k]) & 0x7fffffff;
    if (bits > amaxBits) amaxBits = bits;
  }
  if (amaxBits >= 0x7f800000) return false;
  const float amax = bitsToFloat(amaxBits);
  const float id = amax < 7.888609052210118e-31f ? 0 : 127 / amax;  // 2^-100
  *d = amax / 127;
  for (int k = 0; k < n; k++) q[k] = (int8_t)rne(x[k] * id);
  return true;
}

bool quantize256(const float* x, size_t k, Activation256* out) {
  for (size_t b = 0; b < k / 256; b++) {
    if (!quantizeBlock(x + b * 256, 256, &out[b].d, out[b].q)) return false;
    for (int s = 0; s < 16; s++) {
      int sum = 0;
      for (int i = 0; i < 16; i++) sum += out[b].q[s * 16 + i];
      out[b].sums[s] = (int16_t)sum;
    }
    for (int s = 0; s < 8; s++) out[b].sums32[s] = (int16_t)(out[b].sums[2 * s] + out[b].sums[2 * s + 1]);
  }
  return true;
}

bool quantize32(const float* x, size_t k, Activation32* out) {
  for (size_t b = 0; b < k / 32; b++) {
    if (!quantizeBlock(x + b * 32, 32, &out[b].d, out[b].q)) return false;
    out[b].sum = 0;
    for (int i = 0; i < 32; i++) out[b].sum += out[b].q[i];
  }
  return true;
}

#include "scalar_dot.inc"

template <typename Block, typename Activation, Type type, int blockValues>
void multiplyQuantised(const Multiply& job) {
  const size_t blocks = job.k / blockValues;
  for (size_t row = 0; row < (job.nRows + 15) / 16 * 16; row++) {
    const uint8_t* group = job.weights + row / 16 * 16 * blocks * sizeof(Block);
    for (size_t t = 0; t < job.nTokens; t++) {
      const Activation* x = (const Activation*)(job.x + t * job.xStride);
      float acc = 0;
      for (size_t b = 0; b < blocks; b++) {
        const uint8_t* packed = group + b * 16 * sizeof(Block);
        acc = dot(acc, unpackRow<Block>(packed, type, (int)(row % 16)), x[b]);
      }
      job.out[t * job.outStride + row] = acc;
    }
  }
}

float toFloat(float value) { return value; }
float toFloat(uint16_t half) { return halfToFloat(half); }

struct Brain {
  uint16_t bits;
};
float toFloat(Brain value) { return bitsToFloat((uint32_t)value.bits << 16); }

// Section 5. Reading the padding adds +0 times +0, as the section says.
template <typename Element>
float dotFloat(const Element* group, size_t row, const float* x, size_t n) {
  Lanes lanes;
  for (size_t k = 0; k < n; k++) {
    const Element w = group[(k / 16 * kGroupRows + row) * 16 + k % 16];
    lanes.lane[k % 16] = fmaf(toFloat(w), x[k], lanes.lane[k % 16]);
  }
  return lanes.fold();
}

template <typename Element>
void multiplyFloat(const Multiply& job) {
  const size_t stride = (job.k + 15) / 16 * 16;
  for (size_t row = 0; row < (job.nRows + 15) / 16 * 16; row++) {
    const Element* group = (const Element*)job.weights + row / 16 * 16 * stride;
    for (size_t t = 0; t < job.nTokens; t++) {
      const float* x = (const float*)(job.x + t * job.xStride);
      job.out[t * job.outStride + row] = dotFloat(group, row % 16, x, stride);
    }
  }
}

void rmsNorm(const float* x, const float* weight, size_t n, size_t count, float eps, float* out) {
  Lanes lanes;
  for (size_t k = 0; k < n; k++) lanes.lane[k % 16] = fmaf(x[k], x[k], lanes.lane[k % 16]);
  const float s = 1.0f / sqrtf(lanes.fold() / (float)count + eps);
  for (size_t k = 0; k < n; k++) out[k] = (x[k] * s) * weight[k];
}

void add(float* y, const float* x, size_t n) {
  for (size_t k = 0; k < n; k++) y[k] = y[k] + x[k];
}

void siluMultiply(float* gate, const float* up, size_t n) {
  for (size_t k = 0; k < n; k++) {
    const float silu = gate[k] / (1.0f + exponential(-gate[k]));
    gate[k] = silu * up[k];
  }
}

// Element `at` of cached rows; the product of a Q8_0 element is exact.
template <Type type>
float cachedValue(const void* rows, size_t at) {
  if (type == Type::F32) return ((const float*)rows)[at];
  if (type == Type::F16) return halfToFloat(((const uint16_t*)rows)[at]);
  const BlockQ8_0& block = ((const BlockQ8_0*)rows)[at / 32];
  return (float)block.qs[at % 32] * halfToFloat(block.d);
}

// Element k of position `i`, which stands among the sixteen of its group.
template <Type type>
float cachedKey(const CacheRows& keys, size_t i, size_t k) {
  const size_t group = i / kGroupRows * kGroupRows * keys.stride, p = i % kGroupRows;
  if (type != Type::Q8_0) return cachedValue<type>(keys.rows, group + k * kGroupRows + p);
  const size_t block = group / 32 + k / 32 * kGroupRows;
  const uint8_t* blocks = (const uint8_t*)keys.rows + block * sizeof(BlockQ8_0);
  uint16_t scale;
  memcpy(&scale, blocks + 2 * p, 2);
  return (float)(int8_t)blocks[(2 + k % 32) * kGroupRows + p] * halfToFloat(scale);
}

template <Type type>
void scoresOf(const float* q, CacheRows keys, size_t n, float scale, float* scores) {
  for (size_t i = 0; i < n; i++) {
    Lanes lanes;
    for (size_t k = 0; k < keys.stride; k++) {
      const float key = cachedKey<type>(keys, i, k);
      lanes.lane[k % 16] = fmaf(key, q[k], lanes.lane[k % 16]);
    }
    scores[i] = lanes.fold() * scale;
  }
}

void scores(const Heads& heads, CacheRows keys, size_t n, float scale) {
  for (size_t h = 0; h < heads.count; h++) {
    const float* q = heads.in + h * heads.inStride;
    float* out = heads.out + h * heads.outStride;
    if (keys.type == Type::F16) scoresOf<Type::F16>(q, keys, n, scale, out);
    else if (keys.type == Type::F32) scoresOf<Type::F32>(q, keys, n, scale, out);
    else scoresOf<Type::Q8_0>(q, keys, n, scale, out);
  }
}

float maximum(const float* x, size_t n) {
  float top = x[0];
  for (size_t i = 1; i < n; i++) top = x[i] > top ? x[i] : top;
  return top;
}

float expSum(const float* x, size_t n, float top, float* y) {
  Lanes lanes;
  for (size_t i = 0; i < n; i++) {
    y[i] = exponential(x[i] - top);
    lanes.lane[i % 16] += y[i];
  }
  return lanes.fold();
}

template <Type type>
void mixValuesOf(const float* weights, CacheRows values, size_t n, size_t width, float* out) {
  for (size_t d = 0; d < width; d++) {
    float acc = 0;
    for (size_t i = 0; i < n; i++) {
      acc = fmaf(weights[i], cachedValue<type>(values.rows, i * values.stride + d), acc);
    }
    out[d] = acc;
  }
}

void mixValues(const Heads& heads, CacheRows values, size_t n, size_t width) {
  for (size_t h = 0; h < heads.count; h++) {
    const float* weights = heads.in + h * heads.inStride;
    float* out = heads.out + h * heads.outStride;
    if (values.type == Type::F16) mixValuesOf<Type::F16>(weights, values, n, width, out);
    else if (values.type == Type::F32) mixValuesOf<Type::F32>(weights, values, n, width, out);
    else mixValuesOf<Type::Q8_0>(weights, values, n, width, out);
  }
}

bool toHalf(const float* x, uint16_t* out, size_t n) {
  bool finite = true;
  for (size_t k = 0; k < n; k++) {
    out[k] = floatToHalf(x[k]);
    if ((out[k] & 0x7c00) == 0x7c00) finite = false;
  }
  return finite;
}

void codeDots(const int8_t* packed, size_t nGroups, const int8_t* x, int32_t* out) {
  for (size_t row = 0; row < nGroups * kGroupRows; row++) {
    const int8_t* group = packed + row / kGroupRows * kGroupRows * kCodeWidth;
    out[row] = 0;
    for (size_t k = 0; k < kCodeWidth; k++) {
      out[row] += group[k / 4 * 64 + row % kGroupRows * 4 + k % 4] * x[k];
    }
  }
}

uint32_t readOnce(const uint8_t* p, size_t bytes, int) {
  uint32_t all = 0, word;
  for (size_t at = 0; at < bytes; at += 4) {
    memcpy(&word, p + at, 4);
    all ^= word;
  }
  return all;
}

// Read anew each time, so that the loops below cannot be computed beforehand.
volatile int32_t one = 1;

uint64_t int8Peak(size_t rounds) {
  int32_t sum = 0;
  for (size_t r = 0; r < rounds; r++) sum += one * one;
  return (uint64_t)sum;
}

uint64_t floatPeak(size_t rounds) {
  float sum = 0;
  for (size_t r = 0; r < rounds; r++) sum = fmaf((float)one, 1, sum);
  return (uint64_t)sum;
}

constexpr KernelTable makeTable() {
  KernelTable table = {};
  table.name = "scalar";
  table.quantize256 = quantize256;
  table.quantize32 = quantize32;
  table.multiply[(int)Type::F32] = multiplyFloat<float>;
  table.multiply[(int)Type::F16] = multiplyFloat<uint16_t>;
  table.multiply[(int)Type::BF16] = multiplyFloat<Brain>;
  table.multiply[(int)Type::Q4_0] = multiplyQuantised<BlockQ4_0, Activation32, Type::Q4_0, 32>;
  table.multiply[(int)Type::Q4_1] = multiplyQuantised<BlockQ4_1, Activation32, Type::Q4_1, 32>;
  table.multiply[(int)Type::Q5_0] = multiplyQuantised<BlockQ5_0, Activation32, Type::Q5_0, 32>;
  table.multiply[(int)Type::Q5_1] = multiplyQuantised<BlockQ5_1, Activation32, Type::Q5_1, 32>;
  table.multiply[(int)Type::Q8_0] = multiplyQuantised<BlockQ8_0, Activation32, Type::Q8_0, 32>;
  table.multiply[(int)Type::Q2_K] = multiplyQuantised<BlockQ2_K, Activation256, Type::Q2_K, 256>;
  table.multiply[(int)Type::Q3_K] = multiplyQuantised<PackedQ3_K, Activation256, Type::Q3_K, 256>;
  table.multiply[(int)Type::Q4_K] = multiplyQuantised<BlockQ4_K, Activation256, Type::Q4_K, 256>;
  table.multiply[(int)Type::Q5_K] = multiplyQuantised<PackedQ5_K, Activation256, Type::Q5_K, 256>;
  table.multiply[(int)Type::Q6_K] = multiplyQuantised<PackedQ6_K, Activation256, Type::Q6_K, 256>;
  table.rmsNorm = rmsNorm;
  table.add = add;
  table.siluMultiply = siluMultiply;
  table.scores = scores;
  table.maximum = maximum;
  table.expSum = expSum;
  table.mixValues = mixValues;
  table.toHalf = toHalf;
  table.codeDots = codeDots;
  table.readOnce = readOnce;
  table.int8Peak = int8Peak;
  table.floatPeak = floatPeak;
  return table;
}

}  // namespace

extern const KernelTable kScalarTable;
const KernelTable kScalarTable = makeTable();

}  // namespace swarm
