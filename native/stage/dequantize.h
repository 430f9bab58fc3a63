// Decoding of stored rows to floats exactly as GGML's reference decodes them. Used for rows of the
// token table; matrix products use the integer form (docs/arithmetic.md section 4).

#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../kernels/blocks.h"

namespace swarm {

// `file` holds one row as in the file; cols is a multiple of the type's block.
void dequantizeRow(Type type, const uint8_t* file, size_t cols, float* out);

float halfToFloat(uint16_t half);

}  // namespace swarm
