// A start-up check that this machine's arithmetic is the one docs/arithmetic.md assumes: on baseline
// x86-64 `fmaf` is a library call, and a library may be wrong.

#pragma once

#include <string>

#include "../kernels/kernels.h"

namespace swarm {

// Empty when all is well, else one clause that says what is not.
std::string selfTest(const KernelTable& table);

}  // namespace swarm
