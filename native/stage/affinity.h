// Ties the calling thread to some processors. For speed only: where the system has no such call, or says no,
// the thread goes on where it is.

#pragma once

#include <vector>

namespace swarm {

// An empty list ties to nothing and costs nothing.
void stayOn(const std::vector<int>& cpus);

}  // namespace swarm
