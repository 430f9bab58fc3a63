// The threads of a stage alone, for a build that watches how threads order their memory: every chunk of a
// shared loop is done once and its result seen by all after the barrier, with any number of threads and in
// runs of changing width; and in which order a thread takes chunks. Usage: team_check. Exit status 1 when
// something fails.

#include <stdint.h>
#include <stdio.h>

#include <thread>
#include <vector>

#include "../stage/team.h"

namespace swarm {
namespace {

constexpr int kThreads = 5;
// Rounds after which a portion would be taken for one of now: portions.h.
constexpr int kRounds = 1 << 16;

int failures = 0;

void expect(bool good, const char* what, size_t count, int threads) {
  if (good) return;
  fprintf(stderr, "team_check: %zu chunks by %d threads: %s\n", count, threads, what);
  failures++;
}

// Three loops over `count` chunks: the first thread dawdles in the second, so that others take its chunks,
// and the third reads what another chunk wrote.
void checkRun(Team& team, size_t count, int threads) {
  std::vector<int> visits(count), seen(count);
  team.run(
      [&](int thread) {
        team.share(count, [&](size_t i) { visits[i]++; });
        team.share(count, [&](size_t i) {
          if (thread == 0) std::this_thread::yield();
          visits[i] += 10;
        });
        team.share(count, [&](size_t i) { seen[i] = visits[count - 1 - i]; });
      },
      threads);
  bool isOnce = true;
  for (const int value : seen) isOnce = isOnce && value == 11;
  expect(isOnce, "not each of them once", count, threads);
}

// A thread takes its own portion from the front, then the other's from the back.
void checkOrder() {
  Portions portions(2);
  std::vector<size_t> taken;
  size_t chunk = 0;
  portions.take(1, 8, 1, 2, &chunk);
  taken.push_back(chunk);
  while (portions.take(1, 8, 0, 2, &chunk)) taken.push_back(chunk);
  expect(taken == std::vector<size_t>{4, 0, 1, 2, 3, 7, 6, 5}, "not in the order of portions", 8, 2);
}

}  // namespace
}  // namespace swarm

int main() {
  using namespace swarm;
  checkOrder();
  Team team(kThreads);
  for (int again = 0; again < 20; again++) {
    for (const size_t count : {0, 1, 2, 3, 7, 64, 300}) {
      for (int threads = 1; threads <= kThreads; threads++) checkRun(team, count, threads);
    }
  }
  // Portions that were left so long ago that the number of their round comes again.
  for (int rounds = kRounds - 8; rounds < kRounds + 8; rounds++) {
    checkRun(team, 10, 2);
    team.run([&](int) { for (int i = 0; i < rounds; i++) team.barrier(); }, 1);
    checkRun(team, 10, 2);
  }
  return failures == 0 ? 0 : 1;
}
