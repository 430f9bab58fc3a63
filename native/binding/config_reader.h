// Reads a model's configuration from the plain object that src/compute builds.

#pragma once

#include <napi.h>

#include "../stage/config.h"
#include "../stage/sampler.h"
#include "../stage/status.h"

namespace swarm {

// Throws a JavaScript TypeError when a field is missing or of the wrong kind. A value that does not
// fit the engine gives a status.
Status readConfig(const Napi::Object& from, ModelConfig* config);
Sampling readSampling(const Napi::Object& from);

// Non-negative whole number of a property; throws a TypeError otherwise.
uint64_t readSize(const Napi::Object& from, const char* name);

}  // namespace swarm
