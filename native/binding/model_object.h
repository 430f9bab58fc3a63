// The JavaScript class Model: argument checks, lifetimes and promises around the stage's own class.

#pragma once

#include <napi.h>

#include <memory>

#include "../stage/model.h"
#include "job_queue.h"
#include "session_objects.h"

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
  Napi::Value stepHere(const Napi::CallbackInfo& info);
  Napi::Value weightBytes(const Napi::CallbackInfo& info);
  Napi::Value cacheBytes(const Napi::CallbackInfo& info);
  Napi::Value openCache(const Napi::CallbackInfo& info);
  Napi::Value exportCache(const Napi::CallbackInfo& info);
  Napi::Value importCache(const Napi::CallbackInfo& info);
  Napi::Value moveRows(const Napi::CallbackInfo& info, bool out);
  Napi::Value kvBytes(const Napi::CallbackInfo& info);
  void limitKv(const Napi::CallbackInfo& info);
  Napi::Value openSampler(const Napi::CallbackInfo& info);
  // A step that JavaScript described, for whichever thread.
  struct StepJob {
    std::function<Status()> work;
    std::function<Napi::Value(Napi::Env)> result;
    std::vector<Napi::Object> held;
  };
  StepJob readStep(const Napi::CallbackInfo& info);
  StepPart readPart(const Napi::Object& from, const Step& step, PartHolds& holds,
                    std::vector<Napi::Object>& held);
  void close(const Napi::CallbackInfo& info);
  Model& model(Napi::Env env);

  std::shared_ptr<Model> model_;
  std::unique_ptr<JobQueue> queue_;
};

}  // namespace swarm
