// Linux only; macOS takes hints about kinds of cores instead of processors, and needs none.

#include "affinity.h"

#ifdef __linux__
#include <sched.h>
#endif

namespace swarm {

void stayOn(const std::vector<int>& cpus) {
#ifdef __linux__
  if (cpus.empty()) return;
  int most = 0;
  for (const int cpu : cpus) most = cpu > most ? cpu : most;
  cpu_set_t* set = CPU_ALLOC((size_t)most + 1);
  if (!set) return;
  const size_t bytes = CPU_ALLOC_SIZE((size_t)most + 1);
  CPU_ZERO_S(bytes, set);
  for (const int cpu : cpus) CPU_SET_S(cpu, bytes, set);
  sched_setaffinity(0, bytes, set);
  CPU_FREE(set);
#else
  (void)cpus;
#endif
}

}  // namespace swarm
