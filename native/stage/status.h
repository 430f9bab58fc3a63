// How native code reports failure: one of the project's error codes and one sentence. Nothing below
// the binding throws on purpose; the binding turns a status into a JavaScript error.

#pragma once

#include <string>
#include <utility>

namespace swarm {

struct Status {
  const char* code = nullptr;  // an ErrorCode of src/base/errors.ts; null when all is well
  std::string message;

  bool ok() const { return code == nullptr; }
  static Status fail(const char* code, std::string message) { return {code, std::move(message)}; }
};

// The code that the JavaScript side turns into an AbortError.
constexpr const char* kCancelled = "CANCELLED";

}  // namespace swarm
