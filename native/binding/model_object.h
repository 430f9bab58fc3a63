// The JavaScript classes Model, Cache and Sampler: argument checks, lifetimes and promises around the
// stage's own classes.

#pragma once

#include <napi.h>

#include <memory>

#include "../stage/model.h"
#include "job_queue.h"

namespace swarm {

// What a running part keeps alive of this addon's objects.
struct PartHolds {
  std::shared_ptr<KvCache> cache;
  std::shared_ptr<Sampler> sampler;
};

// new Model(config, tableName). See src/compute/addon.ts for the surface and its contract.
class ModelObject : public Napi::ObjectWrap<ModelObject> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit ModelObject(const Napi::CallbackInfo& info);

 private:
  Napi::Value load(const Napi::CallbackInfo& info);
  Napi::Value step(const Napi::CallbackInfo& info);
  Napi::Value weightBytes(const Napi::CallbackInfo& info);
  Napi::Value cacheBytes(const Napi::CallbackInfo& info);
  Napi::Value openCache(const Napi::CallbackInfo& info);
  Napi::Value exportCache(const Napi::CallbackInfo& info);
  Napi::Value importCache(const Napi::CallbackInfo& info);
  Napi::Value moveRows(const Napi::CallbackInfo& info, bool out);
  Napi::Value kvBytes(const Napi::CallbackInfo& info);
  void limitKv(const Napi::CallbackInfo& info);
  Napi::Value openSampler(const Napi::CallbackInfo& info);
  StepPart readPart(const Napi::Object& from, const Step& step, PartHolds& holds,
                    std::vector<Napi::Object>& held);
  void close(const Napi::CallbackInfo& info);
  Model& model(Napi::Env env);

  std::shared_ptr<Model> model_;
  std::unique_ptr<JobQueue> queue_;
};

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
