// What the engine's memory safety rests on, checked before any memory is taken. src/model has validated
// the file already and says more about it; whatever passes here may be loaded and run without a read or
// a write outside its buffers (native/check/stage_check.cpp tries).

#pragma once

#include "config.h"
#include "status.h"

namespace swarm {

// MODEL_BAD_METADATA or MODEL_BAD_TENSOR.
Status checkConfig(const ModelConfig& config);

}  // namespace swarm
