// Runs native work off the event loop, in order, on one thread per model, and settles a promise for
// each job back on the event loop. Owns the threads and the promises; knows nothing of models.

#pragma once

#include <napi.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "../stage/status.h"

namespace swarm {

// A JavaScript error with the status's code, for throwing or rejecting.
Napi::Error toError(Napi::Env env, const Status& status);

class JobQueue {
 public:
  explicit JobQueue(Napi::Env env);
  ~JobQueue();
  JobQueue(const JobQueue&) = delete;
  JobQueue& operator=(const JobQueue&) = delete;

  // `work` runs on the queue's thread; `result` makes the promise's value on the event loop. `held`
  // are JavaScript objects whose memory the work uses: they stay alive until the promise settles.
  Napi::Promise submit(Napi::Env env, std::function<Status()> work,
                       std::function<Napi::Value(Napi::Env)> result,
                       const std::vector<Napi::Object>& held);

  // The same work on the calling thread, the event loop's, which waits for it: what it takes to hand a job to
  // another thread and back may be more than the job. Throws while a job has not settled.
  Napi::Value runHere(Napi::Env env, const std::function<Status()>& work,
                      const std::function<Napi::Value(Napi::Env)>& result);

  // Calls back on the event loop from inside `work`, for progress.
  void post(std::function<void(Napi::Env)> call);

  // Lets the jobs submitted so far finish, then stops the thread; blocks for as long. A caller on the
  // event loop first waits for its jobs.
  void close();

 private:
  struct Job;
  // What a callback may still need after the queue itself is gone.
  struct Shared {
    Napi::ThreadSafeFunction toEventLoop;
    size_t pending = 0;  // event loop only: while above 0 the process is kept alive
  };
  void loop();

  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::thread thread_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::shared_ptr<Job>> jobs_;
  bool closing_ = false;
};

}  // namespace swarm
