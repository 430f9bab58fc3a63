// The JavaScript class VectorIndex: argument checks around the search's own class. Its calls are
// synchronous: a search takes a millisecond or two.

#pragma once

#include <napi.h>

#include <memory>

#include "../search/vector_index.h"

namespace swarm {

// new VectorIndex(tableName). See src/compute/addon.ts for the surface and its contract.
class VectorIndexObject : public Napi::ObjectWrap<VectorIndexObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit VectorIndexObject(const Napi::CallbackInfo& info);
  void Finalize(Napi::Env env) override;

 private:
  Napi::Value set(const Napi::CallbackInfo& info);
  void remove(const Napi::CallbackInfo& info);
  Napi::Value search(const Napi::CallbackInfo& info);
  Napi::Value score(const Napi::CallbackInfo& info);
  Napi::Value bounds(const Napi::CallbackInfo& info);
  Napi::Value size(const Napi::CallbackInfo& info);
  Napi::Value sizeBytes(const Napi::CallbackInfo& info);
  Napi::Value refined(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  VectorIndex& index(Napi::Env env);
  void account(Napi::Env env);

  std::unique_ptr<VectorIndex> index_;
  int64_t accountedBytes_ = 0;
};

}  // namespace swarm
