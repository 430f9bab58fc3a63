// Single operations of any kernel table, for the tests that compare tables with each other and with
// independent references. Not used by the product.

#pragma once

#include <napi.h>

namespace swarm {

Napi::Object testingExports(Napi::Env env);

}  // namespace swarm
