// How 16 rows of a quantised matrix lie in memory ("packed group"): for block b of the 16 rows, each
// field of the block is cut into units, and unit i of the 16 rows stands together, so that a vector of 16
// lanes loads one unit of 16 rows at once. The block's fields are the file's, except for three types whose
// file puts a value's bits in two fields: theirs are rearranged first. No byte is added: a group takes
// exactly 16 rows' bytes. Data only, for the same reason as blocks.h.

#pragma once

#include "blocks.h"

namespace swarm {

// Rearranged: most values stand whole in one byte, the others fill what is free above them, so that a
// kernel takes most with one instruction. v.2:1 below is bits 2 and 1 of v.

// Value k = 128 h + 32 w + 16 e + 4 i + j. q[12 (4 h + i) + j] and the bytes 4 and 8 after it, A, B, C,
// have for v(e, w): A = v(0,0), v(0,1) << 3, v(1,2).2:1 << 6; B = v(0,2), v(0,3) << 3, v(1,3).2:1 << 6;
// C = v(1,0), v(1,1) << 3, v(1,2).0 << 6, v(1,3).0 << 7.
struct PackedQ3_K {
  uint8_t q[96];
  uint8_t scales[12];
  uint16_t d;
};

// Value k = 32 s + 4 i + j. A = q[8 i + j], B four bytes after it, C and D 64 bytes after these, and
// E = q[128 + 4 i + j] have v(s) for s = 0 to 4, and above them: A v(5).4:2, B v(6).4:2, C v(7).4:2;
// D v(5).1:0 << 6, v(7).1 << 5; E v(6).1:0 << 6, v(7).0 << 5. Kernels so come to new bytes in their order,
// which the processor must see to read ahead.
struct PackedQ5_K {
  uint16_t d;
  uint16_t dmin;
  uint8_t scales[12];
  uint8_t q[160];
};

// Value k = 128 h + 32 w + 4 i + j. q[12 (8 h + i) + j] and the bytes 4 and 8 after it, A, B, C, have v(w)
// for w = 0 to 2, and above them v(3).5:4, v(3).3:2 and v(3).1:0.
struct PackedQ6_K {
  uint8_t q[192];
  int8_t scales[16];
  uint16_t d;
};

static_assert(sizeof(PackedQ3_K) == sizeof(BlockQ3_K), "no byte added");
static_assert(sizeof(PackedQ5_K) == sizeof(BlockQ5_K), "no byte added");
static_assert(sizeof(PackedQ6_K) == sizeof(BlockQ6_K), "no byte added");

struct PackedField {
  int bytes;  // of one row's block; 0 ends the list
  int unit;   // bytes that stay together
};

struct Packing {
  Type type;
  int blockValues;
  int blockBytes;
  PackedField fields[6];  // in the order of the block's bytes, rearranged
};

// 4-byte units hold what one lane feeds to a four-way int8 dot product, 2-byte units of scales what it feeds
// to a two-way one.
constexpr Packing kPackings[] = {
    {Type::Q4_0, 32, 18, {{2, 2}, {16, 4}}},
    {Type::Q4_1, 32, 20, {{2, 2}, {2, 2}, {16, 4}}},
    {Type::Q5_0, 32, 22, {{2, 2}, {4, 4}, {16, 4}}},
    {Type::Q5_1, 32, 24, {{2, 2}, {2, 2}, {4, 4}, {16, 4}}},
    {Type::Q8_0, 32, 34, {{2, 2}, {32, 4}}},
    {Type::Q2_K, 256, 84, {{16, 2}, {64, 4}, {2, 2}, {2, 2}}},
    {Type::Q3_K, 256, 110, {{96, 4}, {12, 2}, {2, 2}}},
    {Type::Q4_K, 256, 144, {{2, 2}, {2, 2}, {12, 2}, {128, 4}}},
    {Type::Q5_K, 256, 176, {{2, 2}, {2, 2}, {12, 2}, {160, 4}}},
    {Type::Q6_K, 256, 210, {{192, 4}, {16, 2}, {2, 2}}},
};

}  // namespace swarm
