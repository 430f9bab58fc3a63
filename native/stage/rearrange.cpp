// Sixteen bytes at a time: two integers in a vector, which compilers have for every processor; masks keep a
// byte's bits from its neighbours. A type's values are the numbers (of a few bits each) that one column of
// sixteen bytes holds in all its fields; a block has `kColumns` of them, and each type says where they lie in
// the file's block (blocks.h) and in the packed one (packing.h).

#include "rearrange.h"

#include <string.h>

#include "../kernels/packing.h"

namespace swarm {

namespace {

typedef uint64_t Bytes __attribute__((vector_size(16)));

Bytes load(const uint8_t* p) {
  Bytes x;
  memcpy(&x, p, 16);
  return x;
}
void store(uint8_t* p, Bytes x) { memcpy(p, &x, 16); }
void add(uint8_t* p, Bytes x) { store(p, load(p) | x); }

// `count` bits of each byte, from bit `from` of it to bit `to`; the others are 0.
Bytes move(Bytes x, int from, int count, int to) {
  const uint64_t mask = (uint64_t)(((1 << count) - 1) << to) * 0x0101010101010101;
  return (to < from ? x >> (from - to) : x << (to - from)) & Bytes{mask, mask};
}

// Four units of four bytes, `apart` bytes from one to the next.
template <int apart>
Bytes loadUnits(const uint8_t* p) {
  uint8_t bytes[16];
  for (int i = 0; i < 4; i++) memcpy(bytes + 4 * i, p + apart * i, 4);
  return load(bytes);
}
template <int apart>
void storeUnits(uint8_t* p, Bytes x) {
  uint8_t bytes[16];
  store(bytes, x);
  for (int i = 0; i < 4; i++) memcpy(p + apart * i, bytes + 4 * i, 4);
}

// Values 4 e + w: quarter w, half e of its 32. Columns: the halves of the block.
struct ColumnsQ3_K {
  static constexpr int kColumns = 2, kValues = 8;
  static constexpr bool kMinimum = false;

  static void read(const BlockQ3_K& block, int column, Bytes* v) {
    for (int e = 0; e < 2; e++) {
      const Bytes low = load(block.qs + 32 * column + 16 * e), high = load(block.hmask + 16 * e);
      for (int w = 0; w < 4; w++) v[4 * e + w] = move(low, 2 * w, 2, 0) | move(high, 4 * column + w, 1, 2);
    }
  }
  static void write(const Bytes* v, int column, BlockQ3_K& block) {
    for (int e = 0; e < 2; e++) {
      for (int w = 0; w < 4; w++) {
        add(block.qs + 32 * column + 16 * e, move(v[4 * e + w], 0, 2, 2 * w));
        add(block.hmask + 16 * e, move(v[4 * e + w], 2, 1, 4 * column + w));
      }
    }
  }
  static void read(const PackedQ3_K& packed, int column, Bytes* v) {
    const uint8_t* p = packed.q + 48 * column;
    const Bytes a = loadUnits<12>(p), b = loadUnits<12>(p + 4), c = loadUnits<12>(p + 8);
    v[0] = move(a, 0, 3, 0);
    v[1] = move(a, 3, 3, 0);
    v[2] = move(b, 0, 3, 0);
    v[3] = move(b, 3, 3, 0);
    v[4] = move(c, 0, 3, 0);
    v[5] = move(c, 3, 3, 0);
    v[6] = move(a, 6, 2, 1) | move(c, 6, 1, 0);
    v[7] = move(b, 6, 2, 1) | move(c, 7, 1, 0);
  }
  static void write(const Bytes* v, int column, PackedQ3_K& packed) {
    uint8_t* p = packed.q + 48 * column;
    storeUnits<12>(p, v[0] | v[1] << 3 | move(v[6], 1, 2, 6));
    storeUnits<12>(p + 4, v[2] | v[3] << 3 | move(v[7], 1, 2, 6));
    storeUnits<12>(p + 8, v[4] | v[5] << 3 | move(v[6], 0, 1, 6) | move(v[7], 0, 1, 7));
  }
};

// Values: sub-blocks. Columns: the halves of their 32.
struct ColumnsQ5_K {
  static constexpr int kColumns = 2, kValues = 8;
  static constexpr bool kMinimum = true;

  static void read(const BlockQ5_K& block, int column, Bytes* v) {
    const Bytes high = load(block.qh + 16 * column);
    for (int s = 0; s < 8; s++) {
      const Bytes low = load(block.qs + s / 2 * 32 + 16 * column);
      v[s] = move(low, s % 2 * 4, 4, 0) | move(high, s, 1, 4);
    }
  }
  static void write(const Bytes* v, int column, BlockQ5_K& block) {
    for (int s = 0; s < 8; s++) {
      add(block.qs + s / 2 * 32 + 16 * column, move(v[s], 0, 4, s % 2 * 4));
      add(block.qh + 16 * column, move(v[s], 4, 1, s));
    }
  }
  static void read(const PackedQ5_K& packed, int column, Bytes* v) {
    const uint8_t* p = packed.q + 32 * column;
    const Bytes a = loadUnits<8>(p), b = loadUnits<8>(p + 4), c = loadUnits<8>(p + 64);
    const Bytes d = loadUnits<8>(p + 68), e = load(packed.q + 128 + 16 * column);
    const Bytes whole[5] = {a, b, c, d, e};
    for (int s = 0; s < 5; s++) v[s] = move(whole[s], 0, 5, 0);
    v[5] = move(a, 5, 3, 2) | move(d, 6, 2, 0);
    v[6] = move(b, 5, 3, 2) | move(e, 6, 2, 0);
    v[7] = move(c, 5, 3, 2) | move(d, 5, 1, 1) | move(e, 5, 1, 0);
  }
  static void write(const Bytes* v, int column, PackedQ5_K& packed) {
    uint8_t* p = packed.q + 32 * column;
    storeUnits<8>(p, v[0] | move(v[5], 2, 3, 5));
    storeUnits<8>(p + 4, v[1] | move(v[6], 2, 3, 5));
    storeUnits<8>(p + 64, v[2] | move(v[7], 2, 3, 5));
    storeUnits<8>(p + 68, v[3] | move(v[5], 0, 2, 6) | move(v[7], 1, 1, 5));
    store(packed.q + 128 + 16 * column, v[4] | move(v[6], 0, 2, 6) | move(v[7], 0, 1, 5));
  }
};

// Values: quarters of half a block. Columns: half a block's first and last 16 of 32, then the other half's.
struct ColumnsQ6_K {
  static constexpr int kColumns = 4, kValues = 4;
  static constexpr bool kMinimum = false;

  static void read(const BlockQ6_K& block, int column, Bytes* v) {
    const Bytes high = load(block.qh + 16 * column);
    for (int w = 0; w < 4; w++) {
      v[w] = move(load(block.ql + lowAt(column, w)), w / 2 * 4, 4, 0) | move(high, 2 * w, 2, 4);
    }
  }
  static void write(const Bytes* v, int column, BlockQ6_K& block) {
    for (int w = 0; w < 4; w++) {
      add(block.ql + lowAt(column, w), move(v[w], 0, 4, w / 2 * 4));
      add(block.qh + 16 * column, move(v[w], 4, 2, 2 * w));
    }
  }
  static void read(const PackedQ6_K& packed, int column, Bytes* v) {
    const uint8_t* p = packed.q + 48 * column;
    const Bytes a = loadUnits<12>(p), b = loadUnits<12>(p + 4), c = loadUnits<12>(p + 8);
    v[0] = move(a, 0, 6, 0);
    v[1] = move(b, 0, 6, 0);
    v[2] = move(c, 0, 6, 0);
    v[3] = move(a, 6, 2, 4) | move(b, 6, 2, 2) | move(c, 6, 2, 0);
  }
  static void write(const Bytes* v, int column, PackedQ6_K& packed) {
    uint8_t* p = packed.q + 48 * column;
    storeUnits<12>(p, v[0] | move(v[3], 4, 2, 6));
    storeUnits<12>(p + 4, v[1] | move(v[3], 2, 2, 6));
    storeUnits<12>(p + 8, v[2] | move(v[3], 0, 2, 6));
  }
  static int lowAt(int column, int w) { return column / 2 * 64 + w % 2 * 32 + column % 2 * 16; }
};

template <typename Columns, typename From, typename To>
void convert(const uint8_t* from, uint8_t* to) {
  static_assert(sizeof(From) == sizeof(To), "as many bytes in both forms");
  From x;
  To y = {};
  memcpy(&x, from, sizeof(x));
  memcpy(y.scales, x.scales, sizeof(y.scales));
  y.d = x.d;
  if constexpr (Columns::kMinimum) y.dmin = x.dmin;
  for (int column = 0; column < Columns::kColumns; column++) {
    Bytes v[Columns::kValues];
    Columns::read(x, column, v);
    Columns::write(v, column, y);
  }
  memcpy(to, &y, sizeof(y));
}

}  // namespace

bool isRearranged(Type type) { return type == Type::Q3_K || type == Type::Q5_K || type == Type::Q6_K; }

void rearrange(Type type, const uint8_t* file, uint8_t* packed) {
  if (type == Type::Q3_K) convert<ColumnsQ3_K, BlockQ3_K, PackedQ3_K>(file, packed);
  if (type == Type::Q5_K) convert<ColumnsQ5_K, BlockQ5_K, PackedQ5_K>(file, packed);
  if (type == Type::Q6_K) convert<ColumnsQ6_K, BlockQ6_K, PackedQ6_K>(file, packed);
}

void restore(Type type, const uint8_t* packed, uint8_t* file) {
  if (type == Type::Q3_K) convert<ColumnsQ3_K, PackedQ3_K, BlockQ3_K>(packed, file);
  if (type == Type::Q5_K) convert<ColumnsQ5_K, PackedQ5_K, BlockQ5_K>(packed, file);
  if (type == Type::Q6_K) convert<ColumnsQ6_K, PackedQ6_K, BlockQ6_K>(packed, file);
}

}  // namespace swarm
