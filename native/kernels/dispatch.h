// Chooses the kernel table once: candidates best first, the first one that both the processor and the
// operating system support. A forced name that is not available is an error, never a quiet fallback.

#pragma once

#include <string>
#include <vector>

#include "kernels.h"

namespace swarm {

// Names of the tables this machine can run, best first. Never empty: `scalar` is always there.
std::vector<std::string> availableTables();

// The table of that name; null when it does not exist or this machine cannot run it.
const KernelTable* findTable(const std::string& name);

// The way in which this processor's cores read weights fastest, as far as it is known. Speed only.
Reading readingHere();

// The best table, or the one that SWARM_KERNELS names; null when that one is not available.
const KernelTable* chooseTable(const char* forced);

}  // namespace swarm
