// Measures what this machine gives our own kernels: how fast weights are consumed at decode, and how
// many integer operations a second prefill reaches. Used for the gossiped profile.

#pragma once

#include <stdint.h>

#include "../kernels/kernels.h"

namespace swarm {

struct ProbeResult {
  uint64_t weightBytesPerSecond = 0;  // Q4_K matrix by vector, weights larger than the caches
  uint64_t int8OpsPerSecond = 0;      // Q4_K matrix by 64 vectors, multiply and add counted as two
};

// Takes about half a second. False when there is no memory.
bool probe(const KernelTable& kernels, int threads, ProbeResult* result);

}  // namespace swarm
