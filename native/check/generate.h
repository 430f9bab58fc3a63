// Inputs of the check programs, made from a seed: the same on every processor and with every compiler.

#pragma once

#include <stdint.h>
#include <string.h>

#include <vector>

#include "../stage/layout.h"

namespace swarm {

struct Random {
  uint64_t state;
  uint32_t next() {
    state = state * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(state >> 33);
  }
  // Signs, zeros and six decades.
  float value() {
    const uint32_t kind = next() % 16;
    if (kind == 0) return 0;
    const float unit = (float)(next() & 0xffffff) / 16777216.0f - 0.5f;
    static const float scales[] = {1e-3f, 1e-2f, 0.1f, 1, 10, 100};
    return unit * scales[next() % 6];
  }
};

struct Hash {
  uint64_t state = 0xcbf29ce484222325;
  void add(const void* data, size_t bytes) {
    for (size_t i = 0; i < bytes; i++) state = (state ^ ((const uint8_t*)data)[i]) * 0x100000001b3;
  }
};

inline std::vector<float> values(Random& random, size_t n) {
  std::vector<float> all(paddedFloats(n));
  for (size_t i = 0; i < n; i++) all[i] = random.value();
  return all;
}

// Random bytes; two-byte fields in front of or behind a block's integers are kept finite f16 numbers whose
// bits without the sign lie below `halfEnd`.
inline std::vector<uint8_t> fileRows(Random& random, Type type, size_t rows, size_t cols,
                                     uint32_t halfEnd = 0x4800) {
  std::vector<uint8_t> bytes(rows * fileRowBytes(type, cols));
  for (uint8_t& byte : bytes) byte = (uint8_t)random.next();
  const auto finite = [&](size_t at) {
    const uint16_t half = (uint16_t)((random.next() & 0x8000) | (random.next() % halfEnd));
    memcpy(&bytes[at], &half, 2);
  };
  if (type == Type::F32) {
    for (size_t at = 0; at < bytes.size(); at += 4) {
      const float value = random.value();
      memcpy(&bytes[at], &value, 4);
    }
  } else if (!isQuantised(type)) {
    for (size_t at = 0; at < bytes.size(); at += 2) finite(at);
  } else {
    const size_t block = fileRowBytes(type, blockValues(type));
    const bool behind = type == Type::Q2_K || type == Type::Q3_K || type == Type::Q6_K;
    for (size_t at = 0; at < bytes.size(); at += block) {
      finite(at + (behind ? block - 2 : 0));
      if (type == Type::Q2_K) finite(at + block - 4);
      if (type == Type::Q4_1 || type == Type::Q5_1 || type == Type::Q4_K || type == Type::Q5_K) {
        finite(at + 2);
      }
    }
  }
  return bytes;
}

}  // namespace swarm
