// How 16 rows of a quantised matrix lie in memory ("packed group"): for block b of the 16 rows, each
// field of the block is cut into units, and unit i of the 16 rows stands together. The bytes are the
// file's, only their order differs, so a group takes exactly 16 rows' bytes and a vector of 16 lanes
// loads one unit of 16 rows at once. Data only, for the same reason as blocks.h.

#pragma once

#include "blocks.h"

namespace swarm {

struct PackedField {
  int bytes;  // of one row's block; 0 ends the list
  int unit;   // bytes that stay together
};

struct Packing {
  Type type;
  int blockValues;
  int blockBytes;
  PackedField fields[6];  // in the order of the block's bytes
};

// 4-byte units hold what one lane feeds to a four-way int8 dot product.
constexpr Packing kPackings[] = {
    {Type::Q4_0, 32, 18, {{2, 2}, {16, 4}}},
    {Type::Q4_1, 32, 20, {{2, 2}, {2, 2}, {16, 4}}},
    {Type::Q5_0, 32, 22, {{2, 2}, {4, 4}, {16, 4}}},
    {Type::Q5_1, 32, 24, {{2, 2}, {2, 2}, {4, 4}, {16, 4}}},
    {Type::Q8_0, 32, 34, {{2, 2}, {32, 4}}},
    {Type::Q2_K, 256, 84, {{16, 1}, {64, 4}, {2, 2}, {2, 2}}},
    {Type::Q3_K, 256, 110, {{32, 4}, {64, 4}, {12, 1}, {2, 2}}},
    {Type::Q4_K, 256, 144, {{2, 2}, {2, 2}, {12, 1}, {128, 4}}},
    {Type::Q5_K, 256, 176, {{2, 2}, {2, 2}, {12, 1}, {32, 4}, {128, 4}}},
    {Type::Q6_K, 256, 210, {{128, 4}, {64, 4}, {16, 1}, {2, 2}}},
};

}  // namespace swarm
