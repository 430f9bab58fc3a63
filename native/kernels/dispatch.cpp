// Which tables are compiled in and which of them this machine can run. gcc's and clang's
// __builtin_cpu_supports asks cpuid and also whether the operating system saves the registers (XCR0).

#include "dispatch.h"

#if defined(__x86_64__)
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#ifndef HWCAP_ASIMDDP
#define HWCAP_ASIMDDP (1 << 20)
#endif
#endif

namespace swarm {

extern const KernelTable kScalarTable;
#if defined(__x86_64__)
extern const KernelTable kAvx2Table;
extern const KernelTable kAvxVnniTable;
extern const KernelTable kAvx512Table;
extern const KernelTable kAvx512VnniTable;
extern const KernelTable kAmxPart;
#elif defined(__aarch64__)
extern const KernelTable kNeonTable;
extern const KernelTable kNeonDotTable;
#endif

namespace {

struct Candidate {
  const KernelTable* table;
  bool (*supported)();
};

bool always() { return true; }

#if defined(__x86_64__)
bool hasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("f16c");
}

// gcc 12's __builtin_cpu_supports does not know AVX-VNNI: cpuid leaf 7, subleaf 1, EAX bit 4.
bool hasAvxVnni() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  return hasAvx2() && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 16) != 0;
}

bool hasAvx512() {
  return hasAvx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

bool hasAvx512Vnni() { return hasAvx512() && __builtin_cpu_supports("avx512vnni"); }

// cpuid leaf 7, EDX bits 24 (tiles) and 25 (their integer products). Linux saves the 8 KiB of tiles only for
// programs that have asked for it, before they use them: a kernel before 5.16 says no.
bool hasAmx() {
#if defined(__linux__)
  constexpr unsigned kTilesAndInt8 = 3u << 24;
  constexpr long kRequestFeature = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  unsigned a = 0, b = 0, c = 0, d = 0;
  return hasAvx512Vnni() && __get_cpuid_count(7, 0, &a, &b, &c, &d) &&
         (d & kTilesAndInt8) == kTilesAndInt8 && syscall(SYS_arch_prctl, kRequestFeature, kTileData) == 0;
#else
  return false;
#endif
}

// What a part has, and the rest of a whole table.
KernelTable withPart(KernelTable table, const KernelTable& part) {
  table.name = part.name;
  for (int type = 0; type < kTypeLimit; type++) {
    if (part.multiply[type]) table.multiply[type] = part.multiply[type];
  }
  if (part.int8Peak) table.int8Peak = part.int8Peak;
  return table;
}

const KernelTable kAmxTable = withPart(kAvx512VnniTable, kAmxPart);
#elif defined(__aarch64__)
bool hasNeonDot() {
#if defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#elif defined(__APPLE__)
  return true;  // every Apple processor that runs macOS has it
#else
  return false;
#endif
}
#endif

const Candidate kBestFirst[] = {
#if defined(__x86_64__)
    {&kAmxTable, hasAmx},
    {&kAvx512VnniTable, hasAvx512Vnni},
    {&kAvxVnniTable, hasAvxVnni},
    {&kAvx512Table, hasAvx512},
    {&kAvx2Table, hasAvx2},
#elif defined(__aarch64__)
    {&kNeonDotTable, hasNeonDot},
    {&kNeonTable, always},
#endif
    {&kScalarTable, always},
};

// A core of Sapphire Rapids keeps sixteen lines on their way for one place, and four places give 1.2 to 1.4
// times what one gives (from 12 to 17 GB/s). One of Zen 5 reads a single place, asked for ahead, with nearly
// all that the memory gives (37 GB/s), and four with 0.75 of that; without asking it was not measured. One of
// Zen 4 reads a single place that it is not asked for with nearly all (27 to 33 GB/s), with asking 0.4 to
// 0.75 of it, side by side with 0.4 to 0.7. Others are taken to read ahead as well as that.
Reading readingOfProcessor() {
#if defined(__x86_64__)
  if (__builtin_cpu_is("intel")) return Reading::SideBySide;
  // cpuid leaf 1, EAX: where the family is 15, bits 20 to 27 are added to it. 26 is Zen 5.
  unsigned a = 0, b = 0, c = 0, d = 0;
  const bool known = __builtin_cpu_is("amd") && __get_cpuid(1, &a, &b, &c, &d);
  if (known && (a >> 8 & 15) + (a >> 20 & 255) >= 26) return Reading::Ahead;
#endif
  return Reading::Plain;
}

}  // namespace

std::vector<std::string> availableTables() {
  std::vector<std::string> names;
  for (const Candidate& candidate : kBestFirst) {
    if (candidate.supported()) names.push_back(candidate.table->name);
  }
  return names;
}

const KernelTable* findTable(const std::string& name) {
  for (const Candidate& candidate : kBestFirst) {
    if (name == candidate.table->name && candidate.supported()) return candidate.table;
  }
  return nullptr;
}

Reading readingHere() {
  // Asked once: where a virtual machine runs, cpuid takes tens of microseconds.
  static const Reading reading = readingOfProcessor();
  return reading;
}

const KernelTable* chooseTable(const char* forced) {
  if (forced && *forced) return findTable(forced);
  return findTable(availableTables().front());
}

}  // namespace swarm
