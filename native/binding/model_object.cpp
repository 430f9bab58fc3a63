// Every buffer that a job uses is held by reference until its promise settles; a cache or sampler that
// is closed meanwhile lives on in the job's shared pointer.

#include "model_object.h"

#include "../stage/layout.h"
#include "class_registry.h"
#include "config_reader.h"

namespace swarm {

namespace {

// Bytes of a typed array of any kind; null when the property is absent.
uint8_t* bytesOf(const Napi::Object& from, const char* name, size_t wantedBytes,
                 std::vector<Napi::Object>& held) {
  const Napi::Value value = from.Get(name);
  if (value.IsUndefined() || value.IsNull()) return nullptr;
  if (!value.IsTypedArray()) {
    throw Napi::TypeError::New(from.Env(), std::string(name) + " must be a typed array");
  }
  const Napi::TypedArray array = value.As<Napi::TypedArray>();
  if (array.ByteLength() != wantedBytes) {
    throw Napi::TypeError::New(from.Env(), std::string(name) + " must have " +
                                               std::to_string(wantedBytes) + " bytes, not " +
                                               std::to_string(array.ByteLength()));
  }
  held.push_back(array);
  return (uint8_t*)array.ArrayBuffer().Data() + array.ByteOffset();
}

// A one-element Int32Array that JavaScript sets to cancel a running job.
const std::atomic<int>* cancelCell(const Napi::Object& from, std::vector<Napi::Object>& held) {
  return (const std::atomic<int>*)bytesOf(from, "cancel", 4, held);
}

std::string hex16(uint64_t value) {
  static const char digits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (int i = 15; i >= 0; i--, value >>= 4) text[(size_t)i] = digits[value & 15];
  return text;
}

}  // namespace

Napi::Function ModelObject::define(Napi::Env env) {
  return DefineClass(env, "Model",
                     {
                         InstanceMethod<&ModelObject::load>("load"),
                         InstanceMethod<&ModelObject::step>("step"),
                         InstanceMethod<&ModelObject::weightBytes>("weightBytes"),
                         InstanceMethod<&ModelObject::cacheBytes>("cacheBytes"),
                         InstanceMethod<&ModelObject::openCache>("openCache"),
                         InstanceMethod<&ModelObject::openSampler>("openSampler"),
                         InstanceMethod<&ModelObject::close>("close"),
                     });
}

ModelObject::ModelObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<ModelObject>(info) {
  const Napi::Env env = info.Env();
  const KernelTable* kernels = findTable(info[1].ToString().Utf8Value());
  if (!kernels) throw Napi::TypeError::New(env, "no such kernel table");
  ModelConfig config;
  const Status status = readConfig(info[0].As<Napi::Object>(), &config);
  if (!status.ok()) throw toError(env, status);
  model_ = std::make_shared<Model>(std::move(config), *kernels);
  queue_ = std::make_unique<JobQueue>(env);
}

Model& ModelObject::model(Napi::Env env) {
  if (!model_) throw toError(env, Status::fail("NATIVE_FAILED", "the model is closed"));
  return *model_;
}

// load(start, end, { cancel }, onProgress(done, total))
Napi::Value ModelObject::load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  model(env);
  const size_t start = info[0].As<Napi::Number>().Uint32Value();
  const size_t end = info[1].As<Napi::Number>().Uint32Value();
  if (start > end || end > model_->config().nLayers) {
    throw Napi::RangeError::New(env, "no such layers");
  }
  std::vector<Napi::Object> held = {info.This().As<Napi::Object>()};
  const std::atomic<int>* cancel = cancelCell(info[2].As<Napi::Object>(), held);
  auto onProgress = std::make_shared<Napi::FunctionReference>(
      Napi::Persistent(info[3].As<Napi::Function>()));
  JobQueue* queue = queue_.get();
  // One call per percent: the event loop has better things to do.
  auto percent = std::make_shared<std::atomic<uint64_t>>(0);
  const auto progress = [queue, onProgress, percent](uint64_t done, uint64_t total) {
    const uint64_t now = total ? done * 100 / total : 100;
    if (percent->exchange(now) == now) return;
    queue->post([onProgress, done, total](Napi::Env env) {
      Napi::HandleScope scope(env);
      onProgress->Call({Napi::Number::New(env, (double)done), Napi::Number::New(env, (double)total)});
    });
  };
  auto model = model_;
  return queue_->submit(
      env, [model, start, end, cancel, progress] { return model->load(start, end, cancel, progress); },
      [onProgress](Napi::Env env) { return env.Undefined(); }, held);
}

// step({ cache, start, end, position, nTokens, ids, input, output, sampler, logits, cancel, threads })
Napi::Value ModelObject::step(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ModelConfig& config = model(env).config();
  const Napi::Object from = info[0].As<Napi::Object>();
  auto step = std::make_shared<Step>();
  std::vector<Napi::Object> held = {info.This().As<Napi::Object>()};
  const auto cache = CacheObject::Unwrap(from.Get("cache").As<Napi::Object>())->cache;
  if (!cache) throw toError(env, Status::fail("NATIVE_FAILED", "the cache is closed"));
  step->cache = cache.get();
  step->start = readSize(from, "start");
  step->end = readSize(from, "end");
  step->position = readSize(from, "position");
  step->nTokens = readSize(from, "nTokens");
  if (step->nTokens == 0 || step->nTokens > cache->capacity()) {
    throw toError(env, Status::fail("STAGE_FULL", "a step has from 1 to as many positions as its cache"));
  }
  const size_t rowBytes = step->nTokens * config.dim * 4;
  if (step->start == 0) {
    step->ids = (const int32_t*)bytesOf(from, "ids", step->nTokens * 4, held);
    if (!step->ids) throw Napi::TypeError::New(env, "a step from layer 0 takes ids");
  } else {
    step->input = bytesOf(from, "input", rowBytes, held);
    if (!step->input) throw Napi::TypeError::New(env, "a step from a later layer takes input");
  }
  const bool last = step->end == config.nLayers;
  step->output = last ? nullptr : bytesOf(from, "output", rowBytes, held);
  std::shared_ptr<Sampler> sampler;
  const Napi::Value wanted = from.Get("sampler");
  if (last && wanted.IsObject()) {
    sampler = SamplerObject::Unwrap(wanted.As<Napi::Object>())->sampler;
    step->sampler = sampler.get();
  }
  if (last && from.Get("logits").IsTypedArray()) {
    const size_t one = config.vocabSize * 4;
    step->allLogits = from.Get("logits").As<Napi::TypedArray>().ByteLength() != one;
    step->logits = (float*)bytesOf(from, "logits", step->allLogits ? step->nTokens * one : one, held);
  }
  step->cancel = cancelCell(from, held);
  if (from.Has("threads")) step->threads = (int)readSize(from, "threads");

  auto model = model_;
  auto computeUs = std::make_shared<double>(0);
  return queue_->submit(
      env,
      [model, step, cache, sampler, computeUs] {
        const auto start = std::chrono::steady_clock::now();
        const Status status = model->step(*step);
        *computeUs = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
                         .count();
        return status;
      },
      [step, sampler, computeUs](Napi::Env env) -> Napi::Value {
        Napi::Object result = Napi::Object::New(env);
        result.Set("computeUs", Napi::Number::New(env, (double)(int64_t)*computeUs));
        if (sampler) {
          result.Set("token", Napi::Number::New(env, step->token));
          result.Set("logitsHash", Napi::String::New(env, hex16(sampler->logitsHash())));
        }
        return result;
      },
      held);
}

Napi::Value ModelObject::weightBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), (double)model(info.Env()).residentBytes());
}

// cacheBytes(layers, capacity, half)
Napi::Value ModelObject::cacheBytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const uint64_t bytes = KvCache::bytesFor(
      model(env).config(), info[0].As<Napi::Number>().Uint32Value(),
      info[1].As<Napi::Number>().Uint32Value(), info[2].ToBoolean().Value());
  return Napi::Number::New(env, (double)bytes);
}

// openCache(start, end, capacity, half)
Napi::Value ModelObject::openCache(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const ModelConfig& config = model(env).config();
  const size_t start = info[0].As<Napi::Number>().Uint32Value();
  const size_t end = info[1].As<Napi::Number>().Uint32Value();
  const size_t capacity = info[2].As<Napi::Number>().Uint32Value();
  if (start >= end || end > config.nLayers || capacity == 0) {
    throw Napi::RangeError::New(env, "no such layers or no positions");
  }
  Napi::Object object = registry(env).cache.New({});
  CacheObject* made = CacheObject::Unwrap(object);
  if (!made->cache->open(config, start, end, capacity, info[3].ToBoolean().Value())) {
    throw toError(env, Status::fail("NATIVE_OUT_OF_MEMORY", "no memory for the keys and values of " +
                                                                std::to_string(capacity) +
                                                                " positions; use a smaller --ctx"));
  }
  return object;
}

Napi::Value ModelObject::openSampler(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Model& owner = model(env);
  Sampling sampling = readSampling(info[0].As<Napi::Object>());
  for (const auto& [id, value] : sampling.bias) {
    if (id >= owner.config().vocabSize) {
      throw toError(env, Status::fail("USAGE_BAD_VALUE", "logit bias for id " + std::to_string(id) +
                                                             ", which is not in the vocabulary"));
    }
  }
  Napi::Object object = registry(env).sampler.New({});
  SamplerObject::Unwrap(object)->sampler =
      std::make_shared<Sampler>(owner.kernels(), std::move(sampling));
  return object;
}

// The JavaScript side waits for its jobs first, so this does not block.
void ModelObject::close(const Napi::CallbackInfo&) {
  queue_.reset();
  model_.reset();
}

Napi::Function CacheObject::define(Napi::Env env) {
  return DefineClass(env, "Cache",
                     {
                         InstanceMethod<&CacheObject::length>("length"),
                         InstanceMethod<&CacheObject::truncate>("truncate"),
                         InstanceMethod<&CacheObject::close>("close"),
                     });
}

CacheObject::CacheObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CacheObject>(info) {}

Napi::Value CacheObject::length(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), cache ? (double)cache->length() : 0);
}

void CacheObject::truncate(const Napi::CallbackInfo& info) {
  const size_t length = info[0].As<Napi::Number>().Uint32Value();
  if (cache && length < cache->length()) cache->setLength(length);
}

void CacheObject::close(const Napi::CallbackInfo&) { cache.reset(); }

Napi::Function SamplerObject::define(Napi::Env env) { return DefineClass(env, "Sampler", {}); }

SamplerObject::SamplerObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<SamplerObject>(info) {}

}  // namespace swarm
