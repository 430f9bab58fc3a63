// GGML's quantisation blocks as they lie in a GGUF file (ggml-common.h of llama.cpp is the format's
// reference), and the activation blocks of docs/arithmetic.md section 3. Sizes are checked here once.
// No functions: kernel files include this, and anything shared could be merged across instruction sets.

#pragma once

#include <stdint.h>

namespace swarm {

// One of GGML's type numbers; names are exactly GGML's.
enum class Type : int {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q4_1 = 3,
  Q5_0 = 6,
  Q5_1 = 7,
  Q8_0 = 8,
  Q2_K = 10,
  Q3_K = 11,
  Q4_K = 12,
  Q5_K = 13,
  Q6_K = 14,
  BF16 = 30,
};

constexpr int kTypeLimit = 31;

// Rows of one packed group: 16 rows lie interleaved, so that a vector lane is a row (layout.h).
constexpr int kGroupRows = 16;

struct BlockQ4_0 {
  uint16_t d;       // f16 scale
  uint8_t qs[16];   // value l in the low half, l + 16 in the high half, minus 8
};

struct BlockQ4_1 {
  uint16_t d;
  uint16_t m;       // f16 minimum
  uint8_t qs[16];
};

struct BlockQ5_0 {
  uint16_t d;
  uint8_t qh[4];    // bit l: fifth bit of value l, little-endian
  uint8_t qs[16];
};

struct BlockQ5_1 {
  uint16_t d;
  uint16_t m;
  uint8_t qh[4];
  uint8_t qs[16];
};

struct BlockQ8_0 {
  uint16_t d;
  int8_t qs[32];
};

struct BlockQ2_K {
  uint8_t scales[16];  // per 16 values: scale in the low half, minimum in the high half
  uint8_t qs[64];      // four values of 2 bits, 32 apart
  uint16_t d;
  uint16_t dmin;
};

struct BlockQ3_K {
  uint8_t hmask[32];   // third bit; 0 means minus 4
  uint8_t qs[64];
  uint8_t scales[12];  // sixteen 6-bit scales, minus 32
  uint16_t d;
};

struct BlockQ4_K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];  // eight 6-bit scales and eight 6-bit minimums, per 32 values
  uint8_t qs[128];
};

struct BlockQ5_K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t qh[32];
  uint8_t qs[128];
};

struct BlockQ6_K {
  uint8_t ql[128];
  uint8_t qh[64];
  int8_t scales[16];   // per 16 values
  uint16_t d;
};

static_assert(sizeof(BlockQ4_0) == 18, "GGML block size");
static_assert(sizeof(BlockQ4_1) == 20, "GGML block size");
static_assert(sizeof(BlockQ5_0) == 22, "GGML block size");
static_assert(sizeof(BlockQ5_1) == 24, "GGML block size");
static_assert(sizeof(BlockQ8_0) == 34, "GGML block size");
static_assert(sizeof(BlockQ2_K) == 84, "GGML block size");
static_assert(sizeof(BlockQ3_K) == 110, "GGML block size");
static_assert(sizeof(BlockQ4_K) == 144, "GGML block size");
static_assert(sizeof(BlockQ5_K) == 176, "GGML block size");
static_assert(sizeof(BlockQ6_K) == 210, "GGML block size");

// Activations quantised for the K types. sums[i] is the sum of q[16 i .. 16 i + 15], sums32[i] of 32 each.
// Whole lines of a cache: a tile of AMX is loaded three times as fast where none of its rows crosses one.
struct Activation256 {
  int8_t q[256];
  int16_t sums[16];
  int16_t sums32[8];
  float d;
  uint8_t unused[12];
};

// Activations quantised for the types of 32 values. sum is the sum of all q.
struct Activation32 {
  float d;
  int32_t sum;
  int8_t q[32];
};

// What activations lie in: vectors of it begin where a line does.
struct alignas(64) CacheLine {
  uint8_t bytes[64];
};

static_assert(sizeof(Activation256) == 320, "whole lines of 64 bytes");
static_assert(sizeof(Activation32) == 40, "no padding");

// Where they lie within an activation block, for the tables, which take blocks as bytes.
constexpr int kSumsAt = 256, kSums32At = 288, kScaleAt = 304;

}  // namespace swarm
