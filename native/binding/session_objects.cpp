// Both wrap one shared pointer: closing here frees nothing that a running step still uses.

#include "session_objects.h"

#include "class_registry.h"
#include "job_queue.h"

namespace swarm {

Napi::Function CacheObject::define(Napi::Env env) {
  return DefineClass(env, "Cache",
                     {
                         InstanceMethod<&CacheObject::length>("length"),
                         InstanceMethod<&CacheObject::heldBytes>("heldBytes"),
                         InstanceMethod<&CacheObject::truncate>("truncate"),
                         InstanceMethod<&CacheObject::fork>("fork"),
                         InstanceMethod<&CacheObject::close>("close"),
                     });
}

CacheObject::CacheObject(const Napi::CallbackInfo& info) : Napi::ObjectWrap<CacheObject>(info) {}

std::shared_ptr<KvCache> CacheObject::of(const Napi::Value& value) {
  std::shared_ptr<KvCache> cache = Unwrap(value.As<Napi::Object>())->cache_;
  if (!cache) throw toError(value.Env(), Status::fail("NATIVE_FAILED", "the cache is closed"));
  return cache;
}

void CacheObject::mustBeIdle(Napi::Env env, const std::shared_ptr<KvCache>& cache) {
  // One reference is the object's, one the caller's; each job that has not ended holds another.
  if (cache.use_count() <= 2) return;
  throw toError(env, Status::fail("NATIVE_FAILED", "a step still uses the cache"));
}

Napi::Value CacheObject::length(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), cache_ ? (double)cache_->length() : 0);
}

Napi::Value CacheObject::heldBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), cache_ ? (double)cache_->heldBytes() : 0);
}

void CacheObject::truncate(const Napi::CallbackInfo& info) {
  const auto cache = of(info.This());
  mustBeIdle(info.Env(), cache);
  cache->truncate(info[0].As<Napi::Number>().Uint32Value());
}

// fork(length, capacity)
Napi::Value CacheObject::fork(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const size_t length = info[0].As<Napi::Number>().Uint32Value();
  const size_t capacity = info[1].As<Napi::Number>().Uint32Value();
  if (length > capacity || capacity == 0) throw Napi::RangeError::New(env, "a fork holds what it takes");
  const auto cache = of(info.This());
  Napi::Object object = registry(env).cache.New({});
  cache->forkInto(*of(object), length, capacity);
  return object;
}

void CacheObject::close(const Napi::CallbackInfo&) { cache_.reset(); }

Napi::Function SamplerObject::define(Napi::Env env) {
  return DefineClass(env, "Sampler", {InstanceMethod<&SamplerObject::count>("count")});
}

SamplerObject::SamplerObject(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<SamplerObject>(info) {}

// count(ids): no step of this sampler may run
void SamplerObject::count(const Napi::CallbackInfo& info) {
  const auto ids = info[0].As<Napi::Int32Array>();
  for (size_t i = 0; i < ids.ElementLength(); i++) sampler->count((uint32_t)ids[i]);
}

}  // namespace swarm
