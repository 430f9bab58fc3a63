// The addon's exports; src/compute/addon.ts describes each of them. Node-API lives in this folder only.

#include <napi.h>

#include "../kernels/dispatch.h"
#include "../stage/probe.h"
#include "class_registry.h"
#include "job_queue.h"
#include "model_object.h"
#include "self_test.h"
#include "testing.h"
#include "vector_index_object.h"

namespace swarm {

namespace {

// The version of docs/arithmetic.md that this addon computes.
constexpr int kArithmeticVersion = 1;

// chooseKernels(forced): { selected, available }
Napi::Value chooseKernels(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string forced = info[0].IsString() ? info[0].ToString().Utf8Value() : "";
  Napi::Array available = Napi::Array::New(env);
  for (const std::string& name : availableTables()) available.Set(available.Length(), name);
  const KernelTable* table = chooseTable(forced.c_str());
  Napi::Object result = Napi::Object::New(env);
  result.Set("selected", table ? Napi::Value::From(env, table->name) : env.Null());
  result.Set("available", available);
  return result;
}

// selfTest(table): what is wrong, or an empty string.
Napi::Value runSelfTest(const Napi::CallbackInfo& info) {
  const KernelTable* table = findTable(info[0].ToString().Utf8Value());
  return Napi::Value::From(info.Env(), table ? selfTest(*table) : std::string("no such kernel table"));
}

// Measures off the event loop; an AsyncWorker because it belongs to no model.
class ProbeWorker : public Napi::AsyncWorker {
 public:
  ProbeWorker(Napi::Env env, const KernelTable& kernels, int threads)
      : Napi::AsyncWorker(env), deferred_(env), kernels_(kernels), threads_(threads) {}

  Napi::Promise promise() const { return deferred_.Promise(); }
  void Execute() override { done_ = probe(kernels_, threads_, &result_); }
  void OnOK() override {
    const Napi::Env env = Env();
    if (!done_) {
      deferred_.Reject(
          toError(env, Status::fail("NATIVE_OUT_OF_MEMORY", "no memory to measure this machine"))
              .Value());
      return;
    }
    Napi::Object result = Napi::Object::New(env);
    result.Set("weightBytesPerSecond", Napi::Number::New(env, (double)result_.weightBytesPerSecond));
    result.Set("int8OpsPerSecond", Napi::Number::New(env, (double)result_.int8OpsPerSecond));
    deferred_.Resolve(result);
  }

 private:
  Napi::Promise::Deferred deferred_;
  const KernelTable& kernels_;
  const int threads_;
  ProbeResult result_;
  bool done_ = false;
};

// probe(table, threads)
Napi::Value runProbe(const Napi::CallbackInfo& info) {
  const KernelTable* table = findTable(info[0].ToString().Utf8Value());
  if (!table) throw Napi::TypeError::New(info.Env(), "no such kernel table");
  auto* worker = new ProbeWorker(info.Env(), *table, info[1].As<Napi::Number>().Int32Value());
  const Napi::Promise promise = worker->promise();
  worker->Queue();
  return promise;
}

Napi::Object init(Napi::Env env, Napi::Object exports) {
  auto* classes = new ClassRegistry();
  classes->cache = Napi::Persistent(CacheObject::define(env));
  classes->sampler = Napi::Persistent(SamplerObject::define(env));
  env.SetInstanceData(classes);
  exports.Set("arithmeticVersion", Napi::Number::New(env, kArithmeticVersion));
  exports.Set("chooseKernels", Napi::Function::New(env, chooseKernels));
  exports.Set("selfTest", Napi::Function::New(env, runSelfTest));
  exports.Set("probe", Napi::Function::New(env, runProbe));
  exports.Set("Model", ModelObject::define(env));
  exports.Set("VectorIndex", VectorIndexObject::define(env));
  exports.Set("testing", testingExports(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(swarm, init)

}  // namespace swarm
