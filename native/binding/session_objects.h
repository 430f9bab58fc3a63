// The JavaScript classes Cache and Sampler: what a session has of a model, with its lifetime. Steps, which
// use both, are model_object.cpp's.

#pragma once

#include <napi.h>

#include <memory>

#include "../stage/kv_cache.h"
#include "../stage/sampler.h"

namespace swarm {

class CacheObject : public Napi::ObjectWrap<CacheObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit CacheObject(const Napi::CallbackInfo& info);

  // Of a Cache object; throws when it is closed.
  static std::shared_ptr<KvCache> of(const Napi::Value& value);
  // Throws while a job uses the cache. The caller holds one reference to it.
  static void mustBeIdle(Napi::Env env, const std::shared_ptr<KvCache>& cache);

 private:
  Napi::Value length(const Napi::CallbackInfo& info);
  Napi::Value heldBytes(const Napi::CallbackInfo& info);
  Napi::Value fork(const Napi::CallbackInfo& info);
  void truncate(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  std::shared_ptr<KvCache> cache_ = std::make_shared<KvCache>();
};

class SamplerObject : public Napi::ObjectWrap<SamplerObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit SamplerObject(const Napi::CallbackInfo& info);

  std::shared_ptr<Sampler> sampler;

 private:
  void count(const Napi::CallbackInfo& info);
};

}  // namespace swarm
