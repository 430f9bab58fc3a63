// Each meter repeats one pass, a few milliseconds long, and keeps the best rate and that of all passes.

#include "meter.h"

#include <string.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

#include "../kernels/dispatch.h"
#include "huge_buffer.h"
#include "layout.h"
#include "team.h"

namespace swarm {

namespace {

constexpr size_t kCols = 2048;
constexpr size_t kChunkRows = 64;
// Four times a cache is enough for next to nothing of it to be found there again; the least is for
// systems that do not tell. The most is what a first start has time to clear (1 GiB took three seconds); a
// cache beyond a quarter of it is shared by many cores, and little of it is ours.
constexpr size_t kMemoryMin = size_t(128) << 20;
constexpr size_t kMemoryMax = size_t(256) << 20;
// Rows that one pass multiplies by several positions.
constexpr size_t kBatchRows = 2048;
// Of the memory, what one pass multiplies by one position: milliseconds, and some hundred of them where
// nothing but plain C++ runs. The next pass goes on behind it, so that it is found in no cache.
constexpr size_t kPassBytes = size_t(64) << 20;
constexpr size_t kReadChunk = size_t(1) << 20;
constexpr size_t kPrefetchSlack = 8192;
constexpr size_t kPassesMin = 3;
// Beyond so many times what was asked for, one pass has to do.
constexpr double kPatience = 2;
constexpr size_t kPeakRounds = size_t(1) << 17;

size_t memoryBytes() {
  long cache = 0;
#ifdef _SC_LEVEL3_CACHE_SIZE
  cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
#endif
  return std::clamp(cache > 0 ? 4 * (size_t)cache : 0, kMemoryMin, kMemoryMax);
}

// Runs pass() again and again; each returns how many units it has done. The mean is over all the time: of
// passes that others interrupt the median would tell nothing.
template <typename Pass>
Rate ratesOf(double seconds, const Pass& pass) {
  using Clock = std::chrono::steady_clock;
  double best = 0, all = 0, taken = 0;
  const auto isEnough = [&](size_t passes) {
    if (passes < kPassesMin) return taken > kPatience * seconds;
    return taken >= seconds;
  };
  for (size_t passes = 0; passes == 0 || !isEnough(passes); passes++) {
    const auto start = Clock::now();
    const double units = pass();
    const double own = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::max(best, units / own);
    all += units;
    taken += own;
  }
  return {best, all / taken};
}

Rate measureRead(const KernelTable& kernels, const MeterJob& job, Team& team, const uint8_t* memory,
                 size_t bytes) {
  const size_t chunks = bytes / kReadChunk;
  std::atomic<uint32_t> sum{0};
  Rate rate;
  for (const int streams : {1, 2, 4, 8}) {
    const Rate one = ratesOf(job.seconds / 4, [&] {
      team.run([&](int) {
        team.share(chunks, [&](size_t i) {
          sum ^= kernels.readOnce(memory + i * kReadChunk, kReadChunk, streams);
        });
      });
      return (double)(chunks * kReadChunk);
    });
    if (one.best > rate.best) rate = one;
  }
  return rate;
}

Rate measureMultiply(const KernelTable& kernels, const MeterJob& job, Team& team,
                     const uint8_t* weights, size_t bytes) {
  const Type type = job.type;
  const size_t rows = bytes / fileRowBytes(type, kCols) / kBatchRows * kBatchRows;
  // Every position is the same: what is in them does not matter either.
  std::vector<float> x(kCols);
  for (size_t i = 0; i < kCols; i++) x[i] = (float)(i % 17) - 8;
  std::vector<uint8_t> blocks(kCols * 4);
  if (usesBlocks256(type)) kernels.quantize256(x.data(), kCols, (Activation256*)blocks.data());
  else if (isQuantised(type)) kernels.quantize32(x.data(), kCols, (Activation32*)blocks.data());
  else memcpy(blocks.data(), x.data(), kCols * 4);
  size_t stride = kCols * 4;
  if (isQuantised(type)) stride = usesBlocks256(type) ? kCols / 256 * sizeof(Activation256)
                                                      : kCols / 32 * sizeof(Activation32);
  std::vector<CacheLine> lines(job.nTokens * stride / sizeof(CacheLine) + 1);
  uint8_t* positions = lines.data()->bytes;
  for (size_t t = 0; t < job.nTokens; t++) memcpy(positions + t * stride, blocks.data(), stride);
  const size_t passRows =
      job.nTokens == 1 ? kPassBytes / fileRowBytes(type, kCols) / kChunkRows * kChunkRows : kBatchRows;
  std::vector<float> out(job.nTokens * passRows);
  size_t first = 0;
  return ratesOf(job.seconds, [&] {
    team.run([&](int) {
      team.share(passRows / kChunkRows, [&](size_t chunk) {
        const size_t row = chunk * kChunkRows;
        kernels.multiply[(int)type]({weights + rowOffset(type, first + row, kCols), kChunkRows, kCols,
                                     positions, stride, job.nTokens, out.data() + row, passRows,
                                     readingHere()});
      });
    });
    first = first + 2 * passRows <= rows ? first + passRows : 0;
    return (double)(passRows * kCols * job.nTokens);
  });
}

Rate measurePeak(uint64_t (*peak)(size_t), const MeterJob& job, Team& team) {
  return ratesOf(job.seconds, [&] {
    std::atomic<uint64_t> products{0};
    team.run([&](int) { products += peak(kPeakRounds); });
    return (double)products.load();
  });
}

}  // namespace

bool measure(const KernelTable& kernels, const std::vector<MeterJob>& jobs, std::vector<Rate>* rates) {
  HugeBuffer memory;
  // The products read up to one prefetch beyond a matrix.
  const size_t bytes = memoryBytes();
  if (!memory.allocate(bytes + kPrefetchSlack)) return false;
  // Content does not change the speed, but untouched pages would all be the same zero page.
  memset(memory.data(), 0x11, memory.size());
  for (const MeterJob& job : jobs) {
    Team team(job.threads);
    switch (job.meter) {
      case Meter::Read: rates->push_back(measureRead(kernels, job, team, memory.data(), bytes)); break;
      case Meter::Int8: rates->push_back(measurePeak(kernels.int8Peak, job, team)); break;
      case Meter::Float: rates->push_back(measurePeak(kernels.floatPeak, job, team)); break;
      default: rates->push_back(measureMultiply(kernels, job, team, memory.data(), bytes));
    }
  }
  return true;
}

}  // namespace swarm
