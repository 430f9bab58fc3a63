// Which tables are compiled in and which of them this machine can run. gcc's and clang's
// __builtin_cpu_supports asks cpuid and also whether the operating system saves the registers (XCR0).

#include "dispatch.h"

namespace swarm {

extern const KernelTable kScalarTable;
#if defined(__x86_64__)
extern const KernelTable kAvx2Table;
extern const KernelTable kAvx512Table;
extern const KernelTable kAvx512VnniTable;
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

bool hasAvx512() {
  return hasAvx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
}

bool hasAvx512Vnni() { return hasAvx512() && __builtin_cpu_supports("avx512vnni"); }
#endif

const Candidate kBestFirst[] = {
#if defined(__x86_64__)
    {&kAvx512VnniTable, hasAvx512Vnni},
    {&kAvx512Table, hasAvx512},
    {&kAvx2Table, hasAvx2},
#endif
    {&kScalarTable, always},
};

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

const KernelTable* chooseTable(const char* forced) {
  if (forced && *forced) return findTable(forced);
  return findTable(availableTables().front());
}

}  // namespace swarm
