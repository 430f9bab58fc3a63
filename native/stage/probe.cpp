// Best of several short runs: other work on the machine can only make a run slower.

#include "probe.h"

#include <string.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "huge_buffer.h"
#include "layout.h"
#include "team.h"

namespace swarm {

namespace {

constexpr size_t kCols = 2048;
// Several times the third-level cache of ordinary machines, so that what is measured is memory.
constexpr size_t kWeightBytes = size_t(256) << 20;
constexpr size_t kTokens = 64;
constexpr size_t kPrefillRows = 2048;
constexpr size_t kChunkRows = 64;
constexpr auto kEach = std::chrono::milliseconds(200);

// The best rate of `work` over kEach, in units per second.
template <typename Work>
uint64_t bestRate(double units, const Work& work) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + kEach;
  double best = 0;
  do {
    const auto start = Clock::now();
    work();
    best = std::max(best, units / std::chrono::duration<double>(Clock::now() - start).count());
  } while (Clock::now() < until);
  return (uint64_t)best;
}

}  // namespace

bool probe(const KernelTable& kernels, int threads, ProbeResult* result) {
  const size_t rowBytes = fileRowBytes(Type::Q4_K, kCols);
  const size_t rows = kWeightBytes / rowBytes / kChunkRows * kChunkRows;
  HugeBuffer weights;
  if (!weights.allocate(rows * rowBytes + 4096)) return false;
  // Content does not change the speed, but untouched pages would all be the same zero page.
  memset(weights.data(), 0x11, weights.size());

  std::vector<float> x(kCols);
  for (size_t i = 0; i < kCols; i++) x[i] = (float)(i % 17) - 8;
  const size_t xStride = kCols / 256 * sizeof(Activation256);
  std::vector<uint8_t> blocks(kTokens * xStride);
  for (size_t t = 0; t < kTokens; t++) {
    kernels.quantize256(x.data(), kCols, (Activation256*)(blocks.data() + t * xStride));
  }
  std::vector<float> out(std::max(rows, kTokens * kPrefillRows));

  Team team(threads);
  const auto multiply = [&](size_t nRows, size_t nTokens) {
    team.run([&](int) {
      team.share(nRows / kChunkRows, [&](size_t chunk) {
        const size_t row = chunk * kChunkRows;
        const Multiply job = {weights.data() + rowOffset(Type::Q4_K, row, kCols), kChunkRows, kCols,
                              blocks.data(), xStride, nTokens, out.data() + row, nRows};
        kernels.multiply[(int)Type::Q4_K](job);
      });
    });
  };
  result->weightBytesPerSecond = bestRate((double)(rows * rowBytes), [&] { multiply(rows, 1); });
  const double operations = 2.0 * (double)kPrefillRows * (double)kCols * (double)kTokens;
  result->int8OpsPerSecond = bestRate(operations, [&] { multiply(kPrefillRows, kTokens); });
  return true;
}

}  // namespace swarm
