// A promise is settled only on the event loop, through one thread-safe function per queue.

#include "job_queue.h"

#include <exception>
#include <utility>

#include "../stage/control_word.h"

namespace swarm {

struct JobQueue::Job {
  Job(Napi::Env env) : deferred(Napi::Promise::Deferred::New(env)) {}

  std::function<Status()> work;
  std::function<Napi::Value(Napi::Env)> result;
  std::vector<Napi::ObjectReference> held;
  Napi::Promise::Deferred deferred;
  Status status;
};

namespace {

Status runGuarded(const std::function<Status()>& work) {
  const ControlWordKeeper keeper;
  try {
    return work();
  } catch (const std::exception& error) {
    return Status::fail("NATIVE_OUT_OF_MEMORY", error.what());
  }
}

}  // namespace

Napi::Error toError(Napi::Env env, const Status& status) {
  Napi::Error error = Napi::Error::New(env, status.message);
  error.Set("code", Napi::String::New(env, status.code));
  return error;
}

JobQueue::JobQueue(Napi::Env env) {
  const Napi::Function noop = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  shared_->toEventLoop = Napi::ThreadSafeFunction::New(env, noop, "swarm", 0, 1);
  shared_->toEventLoop.Unref(env);
  thread_ = std::thread([this] { loop(); });
}

JobQueue::~JobQueue() { close(); }

Napi::Promise JobQueue::submit(Napi::Env env, std::function<Status()> work,
                               std::function<Napi::Value(Napi::Env)> result,
                               const std::vector<Napi::Object>& held) {
  auto job = std::make_shared<Job>(env);
  const Napi::Promise promise = job->deferred.Promise();
  job->work = std::move(work);
  job->result = std::move(result);
  for (const Napi::Object& object : held) job->held.push_back(Napi::Persistent(object));
  if (shared_->pending++ == 0) shared_->toEventLoop.Ref(env);
  {
    std::lock_guard<std::mutex> lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
  return promise;
}

Napi::Value JobQueue::runHere(Napi::Env env, const std::function<Status()>& work,
                              const std::function<Napi::Value(Napi::Env)>& result) {
  const bool isIdle = shared_->pending == 0;
  const Status status = isIdle ? runGuarded(work) : Status::fail("NATIVE_FAILED", "a job is running");
  if (!status.ok()) throw toError(env, status);
  return result(env);
}

void JobQueue::post(std::function<void(Napi::Env)> call) {
  auto* carried = new std::function<void(Napi::Env)>(std::move(call));
  const auto run = [](Napi::Env env, Napi::Function, std::function<void(Napi::Env)>* carried) {
    if (env != nullptr) (*carried)(env);
    delete carried;
  };
  // It fails only while the environment goes away; then `carried` is left to the process, because what
  // it holds may be released on the event loop only.
  shared_->toEventLoop.BlockingCall(carried, run);
}

void JobQueue::loop() {
  for (;;) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock<std::mutex> lock(mutex_);
      wake_.wait(lock, [this] { return closing_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job->status = runGuarded(job->work);
    job->work = nullptr;
    // Moved, not copied: what the job holds of JavaScript must be released on the event loop.
    post([shared = shared_, job = std::move(job)](Napi::Env env) {
      Napi::HandleScope scope(env);
      if (--shared->pending == 0) shared->toEventLoop.Unref(env);
      job->held.clear();
      if (job->status.ok()) job->deferred.Resolve(job->result(env));
      else job->deferred.Reject(toError(env, job->status).Value());
    });
  }
}

void JobQueue::close() {
  {
    std::lock_guard<std::mutex> lock(mutex_);
    if (closing_) return;
    closing_ = true;
  }
  wake_.notify_one();
  thread_.join();
  shared_->toEventLoop.Release();
}

}  // namespace swarm
