// The constructors of this addon's classes, one set per JavaScript environment.

#pragma once

#include <napi.h>

namespace swarm {

struct ClassRegistry {
  Napi::FunctionReference cache;
  Napi::FunctionReference sampler;
};

inline ClassRegistry& registry(Napi::Env env) { return *env.GetInstanceData<ClassRegistry>(); }

}  // namespace swarm
