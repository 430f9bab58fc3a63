// Values of a block in other bits than the file's: where a type splits a value over two fields (Q3_K, Q5_K,
// Q6_K), packing.h lets most values stand whole in one byte, so that kernels need fewer instructions each.
// As many bytes as before. Layout calls it for each block that is packed, and back for rows of a token table.

#pragma once

#include <stdint.h>

#include "../kernels/blocks.h"

namespace swarm {

bool isRearranged(Type type);

// One block of such a type, of the file's size in both forms; the two lie apart.
void rearrange(Type type, const uint8_t* file, uint8_t* packed);
void restore(Type type, const uint8_t* packed, uint8_t* file);

}  // namespace swarm
