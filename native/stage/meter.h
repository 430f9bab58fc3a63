// Measures what this machine gives our own kernels, and what it could give at best: how fast weights of a
// type are consumed by how many positions, how fast memory is read, how many products a second the
// instructions allow. For the gossiped profile, `swarm bench` and the benches.

#pragma once

#include <stdint.h>

#include <vector>

#include "../kernels/kernels.h"

namespace swarm {

enum class Meter : int {
  Read = 0,      // bytes of memory per second, by the fastest of several patterns
  Int8 = 1,      // products of bytes per second, from registers
  Float = 2,     // products of floats per second, from registers
  Multiply = 3,  // weights times positions per second, by the kernel of a type
};

struct MeterJob {
  Meter meter = Meter::Read;
  int threads = 1;
  double seconds = 0.2;       // to measure
  Type type = Type::Q4_K;     // Multiply
  size_t nTokens = 1;         // Multiply
};

struct Rate {
  double best = 0;    // of the passes: other work can only make one slower
  double mean = 0;    // what a long run gets, the turns of other programs included
};

// One after another, over one piece of memory. False when there is none.
bool measure(const KernelTable& kernels, const std::vector<MeterJob>& jobs, std::vector<Rate>* rates);

}  // namespace swarm
