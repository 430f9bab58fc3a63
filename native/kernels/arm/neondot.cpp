// The kernel table of NEON with the dot product extension: the shared algorithms of vector/ compiled
// with this file's own flags.
// Exports the table and nothing else, so that no instruction of it can leak into another path.

#include <arm_neon.h>

#include "../kernels.h"
#include "../packing.h"

#define SWARM_DOT 1

namespace swarm {
namespace {

#include "lanes_neon.inc"

#include "../vector/prefetch.inc"
#include "../vector/float.inc"
#include "../vector/attention.inc"
#include "../vector/activation.inc"
#include "../vector/unpack256.inc"
#include "../vector/unpack32.inc"
#include "../vector/tiles.inc"
#include "../vector/multiply256.inc"
#include "../vector/multiply32.inc"
#include "../vector/multiply_float.inc"
#include "../vector/search.inc"
#include "../vector/ceilings.inc"
#include "../vector/table.inc"

}  // namespace

extern const KernelTable kNeonDotTable;
const KernelTable kNeonDotTable = makeTable("neondot");

}  // namespace swarm
