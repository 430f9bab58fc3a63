// The addon's exports; src/compute/addon.ts describes each of them. Node-API lives in this folder only.

#include <napi.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "../kernels/dispatch.h"
#include "../stage/layout.h"
#include "../stage/meter.h"
#include "class_registry.h"
#include "config_reader.h"
#include "job_queue.h"
#include "model_object.h"
#include "self_test.h"
#include "testing.h"
#include "vector_index_object.h"

namespace swarm {

namespace {

// The version of docs/arithmetic.md that this addon computes.
constexpr int kArithmeticVersion = 1;
// Positions of one measurement: more than any step has.
constexpr uint64_t kMeterTokensMax = 4096;

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

// giveBackFreed(): the C library keeps what was freed below a block still in use, and after days of sessions
// and logs that come and go that is more than what is used.
void giveBackFreed(const Napi::CallbackInfo&) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

// Measures off the event loop; an AsyncWorker because it belongs to no model.
class MeterWorker : public Napi::AsyncWorker {
 public:
  MeterWorker(Napi::Env env, const KernelTable& kernels, std::vector<MeterJob> jobs)
      : Napi::AsyncWorker(env), deferred_(env), kernels_(kernels), jobs_(std::move(jobs)) {}

  Napi::Promise promise() const { return deferred_.Promise(); }
  void Execute() override { done_ = measure(kernels_, jobs_, &rates_); }
  void OnOK() override {
    const Napi::Env env = Env();
    if (!done_) {
      const char* message = "no memory to measure this machine";
      deferred_.Reject(toError(env, Status::fail("NATIVE_OUT_OF_MEMORY", message)).Value());
      return;
    }
    Napi::Array results = Napi::Array::New(env, rates_.size());
    for (size_t i = 0; i < rates_.size(); i++) {
      Napi::Object result = Napi::Object::New(env);
      result.Set("best", Napi::Number::New(env, rates_[i].best));
      result.Set("mean", Napi::Number::New(env, rates_[i].mean));
      results.Set((uint32_t)i, result);
    }
    deferred_.Resolve(results);
  }

 private:
  Napi::Promise::Deferred deferred_;
  const KernelTable& kernels_;
  const std::vector<MeterJob> jobs_;
  std::vector<Rate> rates_;
  bool done_ = false;
};

// measure(table, [{ meter, threads, seconds, type, nTokens }]): a rate for each
Napi::Value runMeter(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const KernelTable* table = findTable(info[0].ToString().Utf8Value());
  if (!table) throw Napi::TypeError::New(env, "no such kernel table");
  const Napi::Array list = info[1].As<Napi::Array>();
  std::vector<MeterJob> jobs(list.Length());
  for (uint32_t i = 0; i < list.Length(); i++) {
    const Napi::Object from = list.Get(i).As<Napi::Object>();
    const uint64_t type = readSize(from, "type");
    jobs[i].meter = (Meter)readSize(from, "meter");
    jobs[i].threads = (int)readSize(from, "threads");
    jobs[i].seconds = from.Get("seconds").ToNumber().DoubleValue();
    jobs[i].nTokens = readSize(from, "nTokens");
    jobs[i].type = (Type)type;
    if (!isKnownType((int)type) || jobs[i].nTokens < 1 || jobs[i].nTokens > kMeterTokensMax) {
      throw Napi::TypeError::New(env, "there is no such thing to measure");
    }
  }
  auto* worker = new MeterWorker(env, *table, std::move(jobs));
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
  exports.Set("measure", Napi::Function::New(env, runMeter));
  exports.Set("giveBackFreed", Napi::Function::New(env, giveBackFreed));
  exports.Set("Model", ModelObject::define(env));
  exports.Set("VectorIndex", VectorIndexObject::define(env));
  exports.Set("testing", testingExports(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(swarm, init)

}  // namespace swarm
