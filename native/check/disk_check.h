// The engine while parts of its layers pass through memory (disk_check.cpp).

#pragma once

#include "engine_run.h"

namespace swarm {

// Loads of other layers and other parts on disk, one after the other and one in the midst of the other: what
// serves gives the same bits at any time, and takes the memory that it would had nothing been before.
void checkMoves(const Recipe& recipe, const MadeModel& model, Random& random);

// Passes that end early, and a file that loses its name, changes or comes back between two of them.
void checkDisk(const std::string& folder, Random& random);

}  // namespace swarm
