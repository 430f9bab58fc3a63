// Every buffer that a job uses is held by reference until its promise settles; a cache or sampler that
// is closed meanwhile lives on in the job's shared pointer (session_objects.cpp).

#include "model_object.h"

#include <algorithm>

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

// A number format of keys and values by GGML's number.
Type readKvType(const Napi::Value& value) {
  const int type = value.ToNumber().Int32Value();
  if (!KvFormat::isKnown(type)) throw Napi::TypeError::New(value.Env(), "no such KV type");
  return (Type)type;
}

std::string hex16(uint64_t value) {
  static const char digits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (int i = 15; i >= 0; i--, value >>= 4) text[(size_t)i] = digits[value & 15];
  return text;
}

// { computeUs, parts: [{ error } or { ids, logitsHashes }] } of a step that has run.
Napi::Value toValue(Napi::Env env, const Step& step, double computeUs) {
  Napi::Object result = Napi::Object::New(env);
  Napi::Array outcomes = Napi::Array::New(env, step.parts.size());
  for (size_t i = 0; i < step.parts.size(); i++) {
    const StepPart& part = step.parts[i];
    Napi::Object outcome = Napi::Object::New(env);
    if (!part.status.ok()) {
      outcome.Set("error", toError(env, part.status).Value());
    } else if (part.sampler) {
      Napi::Array ids = Napi::Array::New(env), hashes = Napi::Array::New(env);
      for (uint32_t t = 0; t < part.sampled.size(); t++) {
        ids.Set(t, Napi::Number::New(env, part.sampled[t].id));
        hashes.Set(t, Napi::String::New(env, hex16(part.sampled[t].logitsHash)));
      }
      outcome.Set("ids", ids);
      outcome.Set("logitsHashes", hashes);
    }
    outcomes.Set((uint32_t)i, outcome);
  }
  result.Set("computeUs", Napi::Number::New(env, (double)(int64_t)computeUs));
  result.Set("parts", outcomes);
  return result;
}

}  // namespace

Napi::Function ModelObject::define(Napi::Env env) {
  return DefineClass(env, "Model",
                     {
                         InstanceMethod<&ModelObject::load>("load"),
                         InstanceMethod<&ModelObject::step>("step"),
                         InstanceMethod<&ModelObject::stepHere>("stepHere"),
                         InstanceMethod<&ModelObject::weightBytes>("weightBytes"),
                         InstanceMethod<&ModelObject::cacheBytes>("cacheBytes"),
                         InstanceMethod<&ModelObject::openCache>("openCache"),
                         InstanceMethod<&ModelObject::exportCache>("exportCache"),
                         InstanceMethod<&ModelObject::importCache>("importCache"),
                         InstanceMethod<&ModelObject::kvBytes>("kvBytes"),
                         InstanceMethod<&ModelObject::limitKv>("limitKv"),
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

// load([start, end, ...], { onDisk, cancel, sliceMs }) -> { doneBytes, totalBytes, isDone, held }
Napi::Value ModelObject::load(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  model(env);
  const Napi::Array edges = info[0].As<Napi::Array>();
  const Napi::Object from = info[1].As<Napi::Object>();
  LoadWish wish;
  for (uint32_t i = 0; i + 1 < edges.Length(); i += 2) {
    const size_t start = edges.Get(i).ToNumber().Uint32Value();
    const size_t end = edges.Get(i + 1).ToNumber().Uint32Value();
    if (start >= end || end > model_->config().nLayers) throw Napi::RangeError::New(env, "no such layers");
    wish.spans.push_back({start, end});
  }
  const Napi::Array onDisk = from.Get("onDisk").As<Napi::Array>();
  for (uint32_t i = 0; i < onDisk.Length(); i++) {
    const size_t part = onDisk.Get(i).ToNumber().Uint32Value(), layer = part / kLayerParts;
    const bool isWanted = std::any_of(wish.spans.begin(), wish.spans.end(), [&](const LayerSpan& span) {
      return span.start <= layer && layer < span.end;
    });
    const bool isNext = wish.onDisk.empty() || wish.onDisk.back() < part;
    if (!isWanted || !isNext) throw Napi::RangeError::New(env, "no such parts of layers on disk");
    wish.onDisk.push_back(part);
  }
  std::vector<Napi::Object> held = {info.This().As<Napi::Object>()};
  const std::atomic<int>* cancel = cancelCell(from, held);
  const int sliceMs = (int)readSize(from, "sliceMs");
  struct Loaded {
    LoadProgress progress;
    std::vector<LayerSpan> held;
  };
  auto model = model_;
  auto loaded = std::make_shared<Loaded>();
  return queue_->submit(
      env,
      [model, wish, cancel, sliceMs, loaded] {
        return model->load(wish, cancel, sliceMs, &loaded->progress, &loaded->held);
      },
      [loaded](Napi::Env env) -> Napi::Value {
        const auto number = [env](uint64_t value) { return Napi::Number::New(env, (double)value); };
        Napi::Object result = Napi::Object::New(env);
        Napi::Array edges = Napi::Array::New(env);
        for (const LayerSpan& span : loaded->held) {
          edges.Set(edges.Length(), number(span.start));
          edges.Set(edges.Length(), number(span.end));
        }
        result.Set("doneBytes", number(loaded->progress.doneBytes));
        result.Set("totalBytes", number(loaded->progress.totalBytes));
        result.Set("isDone", Napi::Boolean::New(env, loaded->progress.isDone));
        result.Set("held", edges);
        return result;
      },
      held);
}

StepPart ModelObject::readPart(const Napi::Object& from, const Step& step, PartHolds& holds,
                               std::vector<Napi::Object>& held) {
  const Napi::Env env = from.Env();
  const ModelConfig& config = model_->config();
  StepPart part;
  holds.cache = CacheObject::of(from.Get("cache"));
  part.cache = holds.cache.get();
  part.position = readSize(from, "position");
  part.nTokens = readSize(from, "nTokens");
  if (part.nTokens == 0 || part.nTokens > part.cache->capacity()) {
    throw toError(env, Status::fail("STAGE_FULL", "a step has from 1 to as many positions as its cache"));
  }
  const size_t rowBytes = part.nTokens * config.dim * 4;
  if (step.start == 0) {
    part.ids = (const int32_t*)bytesOf(from, "ids", part.nTokens * 4, held);
    if (!part.ids) throw Napi::TypeError::New(env, "a step from layer 0 takes ids");
  } else {
    part.input = bytesOf(from, "input", rowBytes, held);
    if (!part.input) throw Napi::TypeError::New(env, "a step from a later layer takes input");
  }
  const bool last = step.end == config.nLayers;
  part.output = last ? nullptr : bytesOf(from, "output", rowBytes, held);
  const Napi::Value wanted = from.Get("sampler");
  if (last && wanted.IsObject()) {
    holds.sampler = SamplerObject::Unwrap(wanted.As<Napi::Object>())->sampler;
    part.sampler = holds.sampler.get();
    part.draft = (const int32_t*)bytesOf(from, "draft", (part.nTokens - 1) * 4, held);
  }
  if (last && from.Get("logits").IsTypedArray()) {
    const size_t one = config.vocabSize * 4;
    part.allLogits = from.Get("logits").As<Napi::TypedArray>().ByteLength() != one;
    part.logits = (float*)bytesOf(from, "logits", part.allLogits ? part.nTokens * one : one, held);
  }
  part.cancel = cancelCell(from, held);
  return part;
}

ModelObject::StepJob ModelObject::readStep(const Napi::CallbackInfo& info) {
  model(info.Env());
  const Napi::Object from = info[0].As<Napi::Object>();
  const Napi::Array parts = from.Get("parts").As<Napi::Array>();
  auto step = std::make_shared<Step>();
  auto holds = std::make_shared<std::vector<PartHolds>>(parts.Length());
  StepJob job;
  job.held.push_back(info.This().As<Napi::Object>());
  step->start = readSize(from, "start");
  step->end = readSize(from, "end");
  if (from.Has("threads")) step->threads = (int)readSize(from, "threads");
  for (uint32_t i = 0; i < parts.Length(); i++) {
    step->parts.push_back(readPart(parts.Get(i).As<Napi::Object>(), *step, (*holds)[i], job.held));
  }
  auto computeUs = std::make_shared<double>(0);
  job.work = [model = model_, step, holds, computeUs] {
    const auto start = std::chrono::steady_clock::now();
    model->step(*step);
    *computeUs = std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start)
                     .count();
    // From here on the caches may be truncated and freed.
    for (PartHolds& hold : *holds) hold.cache.reset();
    return Status();
  };
  job.result = [step, holds, computeUs](Napi::Env env) { return toValue(env, *step, *computeUs); };
  return job;
}

// step({ start, end, threads,
//        parts: [{ cache, position, nTokens, ids, input, output, sampler, draft, logits, cancel }] })
Napi::Value ModelObject::step(const Napi::CallbackInfo& info) {
  StepJob job = readStep(info);
  return queue_->submit(info.Env(), std::move(job.work), std::move(job.result), job.held);
}

// The same, on the calling thread and at once.
Napi::Value ModelObject::stepHere(const Napi::CallbackInfo& info) {
  const StepJob job = readStep(info);
  return queue_->runHere(info.Env(), job.work, job.result);
}

Napi::Value ModelObject::weightBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), (double)model(info.Env()).residentBytes());
}

// cacheBytes(layers, capacity, type)
Napi::Value ModelObject::cacheBytes(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const uint64_t bytes = KvCache::bytesFor(
      model(env).config(), info[0].As<Napi::Number>().Uint32Value(),
      info[1].As<Napi::Number>().Uint32Value(), readKvType(info[2]));
  return Napi::Number::New(env, (double)bytes);
}

// openCache(start, end, capacity, type)
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
  CacheObject::of(object)->open(config, start, end, capacity, readKvType(info[3]), model_->kv());
  return object;
}

// exportCache(cache, span, target), importCache(cache, span, bytes): span is [layer start,
// layer end, position start, position end]
Napi::Value ModelObject::moveRows(const Napi::CallbackInfo& info, bool out) {
  const Napi::Env env = info.Env();
  model(env);
  const auto cache = CacheObject::of(info[0]);
  const Napi::Array numbers = info[1].As<Napi::Array>();
  const auto at = [&](uint32_t i) { return (size_t)numbers.Get(i).ToNumber().Uint32Value(); };
  const KvSpan span = {at(0), at(1), at(2), at(3)};
  Napi::Uint8Array bytes = info[2].As<Napi::Uint8Array>();
  const bool isSpan = span.layerStart < span.layerEnd && span.layerEnd <= cache->end() &&
                      span.start < span.end && span.end <= cache->capacity();
  if (isSpan && bytes.ByteLength() != cache->exportBytes(span)) {
    throw toError(env, Status::fail("WIRE_BAD_FRAME",
                                    "keys and values of this span have " +
                                        std::to_string(cache->exportBytes(span)) + " bytes, not " +
                                        std::to_string(bytes.ByteLength())));
  }
  if (!out) CacheObject::mustBeIdle(env, cache);
  auto hold = std::make_shared<PartHolds>();
  hold->cache = cache;
  uint8_t* data = bytes.Data();
  return queue_->submit(
      env,
      [hold, span, data, out] {
        const Status status = out ? hold->cache->exportTo(span, data)
                                  : hold->cache->importFrom(span, data);
        hold->cache.reset();
        return status;
      },
      [](Napi::Env env) { return env.Undefined(); }, {info.This().As<Napi::Object>(), bytes});
}

Napi::Value ModelObject::exportCache(const Napi::CallbackInfo& info) { return moveRows(info, true); }

Napi::Value ModelObject::importCache(const Napi::CallbackInfo& info) { return moveRows(info, false); }

Napi::Value ModelObject::kvBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), (double)model(info.Env()).kv()->used());
}

void ModelObject::limitKv(const Napi::CallbackInfo& info) {
  const double bytes = info[0].As<Napi::Number>().DoubleValue();
  model(info.Env()).kv()->setBudget(bytes > 0 ? (uint64_t)bytes : 0);
}

// openSampler(sampling, logitsHash): 16 hex digits, of the rows that the turn has sampled from so far
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
  const uint64_t hash = strtoull(info[1].ToString().Utf8Value().c_str(), nullptr, 16);
  Napi::Object object = registry(env).sampler.New({});
  SamplerObject::Unwrap(object)->sampler =
      std::make_shared<Sampler>(owner.kernels(), std::move(sampling), hash);
  return object;
}

// The JavaScript side waits for its jobs first, so this does not block.
void ModelObject::close(const Napi::CallbackInfo&) {
  queue_.reset();
  model_.reset();
}

}  // namespace swarm
