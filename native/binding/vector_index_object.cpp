// Vectors and keys are read in place: nothing here outlives the call that it was given in.

#include "vector_index_object.h"

#include <new>

#include "../kernels/dispatch.h"
#include "../stage/control_word.h"
#include "job_queue.h"

namespace swarm {

namespace {

// Far above what the index may hold (src/base/limits.ts); it bounds the table from labels to rows.
constexpr uint32_t kLabelLimit = 1u << 24;

const float* vectorOf(const Napi::Value& value) {
  if (value.IsTypedArray()) {
    const Napi::TypedArray array = value.As<Napi::TypedArray>();
    if (array.TypedArrayType() == napi_float32_array && array.ElementLength() == kCodeWidth) {
      return array.As<Napi::Float32Array>().Data();
    }
  }
  throw Napi::TypeError::New(value.Env(), "a vector is 256 floats");
}

uint32_t labelOf(const Napi::Value& value) {
  const uint32_t label = value.As<Napi::Number>().Uint32Value();
  if (label >= kLabelLimit) throw Napi::RangeError::New(value.Env(), "no such label");
  return label;
}

Napi::Uint8Array bytesOf(const Napi::Value& value) {
  if (!value.IsTypedArray() || value.As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    throw Napi::TypeError::New(value.Env(), "bytes are a Uint8Array");
  }
  return value.As<Napi::Uint8Array>();
}

Napi::Error noMemory(Napi::Env env) {
  return toError(env, Status::fail("NATIVE_OUT_OF_MEMORY", "no memory for one more vector"));
}

}  // namespace

Napi::Function VectorIndexObject::define(Napi::Env env) {
  return DefineClass(env, "VectorIndex",
                     {
                         InstanceMethod<&VectorIndexObject::set>("set"),
                         InstanceMethod<&VectorIndexObject::remove>("remove"),
                         InstanceMethod<&VectorIndexObject::search>("search"),
                         InstanceMethod<&VectorIndexObject::score>("score"),
                         InstanceMethod<&VectorIndexObject::bounds>("bounds"),
                         InstanceMethod<&VectorIndexObject::size>("size"),
                         InstanceMethod<&VectorIndexObject::sizeBytes>("sizeBytes"),
                         InstanceMethod<&VectorIndexObject::refined>("refined"),
                         InstanceMethod<&VectorIndexObject::close>("close"),
                     });
}

VectorIndexObject::VectorIndexObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<VectorIndexObject>(info) {
  const KernelTable* kernels = findTable(info[0].ToString().Utf8Value());
  if (!kernels) throw Napi::TypeError::New(info.Env(), "no such kernel table");
  index_ = std::make_unique<VectorIndex>(*kernels);
}

void VectorIndexObject::Finalize(Napi::Env env) {
  index_.reset();
  account(env);
}

VectorIndex& VectorIndexObject::index(Napi::Env env) {
  if (!index_) throw toError(env, Status::fail("NATIVE_FAILED", "the vector index is closed"));
  setControlWord();
  return *index_;
}

// Tells the collector what this object holds outside of its heap.
void VectorIndexObject::account(Napi::Env env) {
  const int64_t bytes = index_ ? (int64_t)index_->sizeBytes() : 0;
  if (bytes == accountedBytes_) return;
  Napi::MemoryManagement::AdjustExternalMemory(env, bytes - accountedBytes_);
  accountedBytes_ = bytes;
}

// set(label, key, vector): false when the vector is not finite or not of length 1
Napi::Value VectorIndexObject::set(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const Napi::Uint8Array key = bytesOf(info[1]);
  if (key.ElementLength() != kKeyBytes) throw Napi::TypeError::New(env, "a key is 48 bytes");
  try {
    const VectorIndex::Added added = index(env).set(labelOf(info[0]), key.Data(), vectorOf(info[2]));
    if (added == VectorIndex::Added::noMemory) throw noMemory(env);
    account(env);
    return Napi::Boolean::New(env, added == VectorIndex::Added::yes);
  } catch (const std::bad_alloc&) {
    throw noMemory(env);
  }
}

// remove(label)
void VectorIndexObject::remove(const Napi::CallbackInfo& info) {
  index(info.Env()).remove(labelOf(info[0]));
  account(info.Env());
}

// search(question, limit, allowed | null): { labels, scores }; null when the question is no unit vector
Napi::Value VectorIndexObject::search(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const float* question = vectorOf(info[0]);
  const size_t limit = info[1].As<Napi::Number>().Uint32Value();
  const bool all = info[2].IsNull() || info[2].IsUndefined();
  const uint8_t* allowed = all ? nullptr : bytesOf(info[2]).Data();
  const size_t nAllowed = all ? 0 : bytesOf(info[2]).ElementLength();
  std::vector<Neighbour> found;
  try {
    // An empty array may have no memory; it still allows nothing.
    static const uint8_t none = 0;
    if (!index(env).search(question, limit, !all && !allowed ? &none : allowed, nAllowed, &found)) {
      return env.Null();
    }
  } catch (const std::bad_alloc&) {
    throw noMemory(env);
  }
  Napi::Uint32Array labels = Napi::Uint32Array::New(env, found.size());
  Napi::Float64Array scores = Napi::Float64Array::New(env, found.size());
  for (size_t i = 0; i < found.size(); i++) {
    labels[i] = found[i].label;
    scores[i] = found[i].score;
  }
  Napi::Object result = Napi::Object::New(env);
  result.Set("labels", labels);
  result.Set("scores", scores);
  return result;
}

// score(question, label): the canonical product, or null without such a row
Napi::Value VectorIndexObject::score(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  double score;
  if (!index(env).score(vectorOf(info[0]), labelOf(info[1]), &score)) return env.Null();
  return Napi::Number::New(env, score);
}

// bounds(question, label): [lower, upper], or null
Napi::Value VectorIndexObject::bounds(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  Bounds bounds;
  if (!index(env).bounds(vectorOf(info[0]), labelOf(info[1]), &bounds)) return env.Null();
  Napi::Array pair = Napi::Array::New(env, 2);
  pair.Set(0u, Napi::Number::New(env, bounds.lower));
  pair.Set(1u, Napi::Number::New(env, bounds.upper));
  return pair;
}

Napi::Value VectorIndexObject::size(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), (double)index(info.Env()).size());
}

Napi::Value VectorIndexObject::sizeBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), (double)index(info.Env()).sizeBytes());
}

Napi::Value VectorIndexObject::refined(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), (double)index(info.Env()).refined());
}

void VectorIndexObject::close(const Napi::CallbackInfo& info) {
  index_.reset();
  account(info.Env());
}

}  // namespace swarm
