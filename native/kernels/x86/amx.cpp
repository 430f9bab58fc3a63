// Products of the K types with many tokens on AMX tiles: the part in which the table "amx" differs from that
// of AVX-512 with VNNI, which takes few tokens and everything else (dispatch.cpp puts them together). Types
// of 32 values gain little here, 0.75 to 1.3 times: their sums are scaled eight times as often. Exports that
// part and nothing else, so that no instruction of it can leak into another path.

#include <immintrin.h>

#include "../kernels.h"
#include "../packing.h"

#define SWARM_VNNI 1

namespace swarm {

extern const KernelTable kAvx512VnniTable;

namespace {

#include "lanes_avx512.inc"

#include "../vector/prefetch.inc"
#include "../vector/unpack256.inc"
#include "tiles_amx.inc"
#include "multiply_amx.inc"

// From so many tokens on tiles are faster: folding into one byte pays soon, into two where more than one tile
// of tokens passes (Sapphire Rapids, times the table without: 1.2 at these numbers, 2.3 to 4 at 128).
template <typename T>
constexpr size_t kTokensMin = T::kNarrow ? 8 : kTileRows + 1;

template <Type type, typename T>
void multiplyAmx(const Multiply& job) {
  if (job.nTokens < kTokensMin<T>) kAvx512VnniTable.multiply[(int)type](job);
  else foldedMultiply<T>(job);
}

// As in vector/ceilings.inc: products from registers only.
uint64_t tilePeak(size_t rounds) {
  alignas(64) int32_t ones[kTileRows][16];
  for (auto& row : ones) storeI(row, set1I(0x01010101));
  shapeTiles(kTileRows, 16);
  zeroTile<0>();
  zeroTile<1>();
  zeroTile<2>();
  zeroTile<3>();
  loadTile<4>(ones, 64);
  loadTile<6>(ones, 64);
  for (size_t r = 0; r < rounds; r++) {
    dotTileSigned<0, 4, 6>();
    dotTileSigned<1, 4, 6>();
    dotTileSigned<2, 4, 6>();
    dotTileSigned<3, 4, 6>();
  }
  alignas(64) int32_t sums[4][kTileRows][16];
  storeTile<0>(sums[0]);
  storeTile<1>(sums[1]);
  storeTile<2>(sums[2]);
  storeTile<3>(sums[3]);
  releaseTiles();
  uint64_t products = 0;
  for (const auto& tile : sums) {
    for (const auto& row : tile) products += (uint32_t)sumLanesI(loadI(row));
  }
  return products;
}

constexpr KernelTable makePart() {
  KernelTable table = {};
  table.name = "amx";
  table.multiply[(int)Type::Q2_K] = multiplyAmx<Type::Q2_K, TypeQ2_K>;
  table.multiply[(int)Type::Q3_K] = multiplyAmx<Type::Q3_K, TypeQ3_K>;
  table.multiply[(int)Type::Q4_K] = multiplyAmx<Type::Q4_K, TypeQ4_K>;
  table.multiply[(int)Type::Q5_K] = multiplyAmx<Type::Q5_K, TypeQ5_K>;
  table.multiply[(int)Type::Q6_K] = multiplyAmx<Type::Q6_K, TypeQ6_K>;
  table.int8Peak = tilePeak;
  return table;
}

}  // namespace

extern const KernelTable kAmxPart;
const KernelTable kAmxPart = makePart();

}  // namespace swarm
