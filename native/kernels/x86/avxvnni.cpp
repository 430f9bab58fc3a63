// The kernel table of AVX-VNNI (256 bits, for processors without AVX-512): the shared algorithms of
// vector/ compiled with this file's own flags.
// Exports the table and nothing else, so that no instruction of it can leak into another path.

#include <immintrin.h>

#include "../kernels.h"
#include "../packing.h"

#define SWARM_VNNI 1

namespace swarm {
namespace {

#include "lanes_avx2.inc"
#include "fold.inc"

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

extern const KernelTable kAvxVnniTable;
const KernelTable kAvxVnniTable = makeTable("avxvnni");

}  // namespace swarm
