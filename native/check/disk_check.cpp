// Parts of layers that stay on disk, on the scalar table; stage_check.cpp has the others. What comes out is
// compared with that of layers that were in memory, one by one.

#include "disk_check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace swarm {

namespace {

constexpr int kMoves = 10;
constexpr int kLists = 6;

const KernelTable& scalar() { return *findTable("scalar"); }

// What goes into each layer and comes out of the last one.
class Expected {
 public:
  explicit Expected(const ModelConfig& config) : between_(config.nLayers + 1) {
    for (size_t i = 0; i < config.nLayers; i++) {
      between_[i + 1] = between_[i];
      const Pass pass = {i, i + 1, kPositions, 1, true};
      expect(runPass(config, scalar(), pass, between_[i + 1], &token_).ok(), "a layer alone");
    }
  }

  // Through layers [start, end) of what an engine has loaded: "" or the code of what went wrong.
  std::string through(Model& engine, size_t start, size_t end, size_t chunk) const {
    std::vector<float> x = between_[start];
    uint32_t token = token_;
    const Status status = runPass(engine, {start, end, chunk, 0, true}, x, &token);
    if (!status.ok()) return status.code;
    const std::vector<float>& wanted = between_[end];
    const bool same = x.size() == wanted.size() && token == token_ &&
                      memcmp(x.data(), wanted.data(), x.size() * sizeof(float)) == 0;
    return same ? "" : "other bits";
  }

 private:
  std::vector<std::vector<float>> between_;
  uint32_t token_ = 0;
};

// Now and then through a range that begins or ends elsewhere than the passes before.
void expectServes(Model& engine, const std::vector<LayerSpan>& held, const Expected& expected, Random& random,
                  const std::string& when) {
  for (const LayerSpan& span : held) {
    size_t start = span.start, end = span.end;
    if (random.next() % 3 == 0) start += random.next() % (end - start);
    if (random.next() % 3 == 0) end = start + 1 + random.next() % (end - start);
    const std::string wrong = expected.through(engine, start, end, 1 + random.next() % kPositions);
    const std::string range = std::to_string(start) + "-" + std::to_string(end - 1);
    expect(wrong == "", "layers " + range + " " + when + ": " + wrong);
  }
}

LoadWish someWish(Random& random, size_t nLayers) {
  size_t start = random.next() % nLayers, end = start + 1 + random.next() % (nLayers - start);
  if (random.next() % 2) start = 0, end = nLayers;
  LoadWish wish = {{{start, end}}, {}};
  for (const size_t part : someParts(random, nLayers)) {
    if (start <= part / kLayerParts && part / kLayerParts < end) wish.onDisk.push_back(part);
  }
  return wish;
}

bool hasTwoOfAKind(const std::vector<size_t>& parts) {
  size_t count[kLayerParts] = {};
  bool has = false;
  for (const size_t part : parts) has = ++count[part % kLayerParts] > 1 || has;
  return has;
}

// A model's file as it was, whatever became of it.
void restore(const MadeModel& model, bool isSameFile) {
  const std::string& path = model.config.path;
  FILE* out = fopen(path.c_str(), isSameFile ? "r+b" : "wb");
  expect(out && fwrite(model.file.data(), 1, model.file.size(), out) == model.file.size(), "restore");
  if (out) fclose(out);
  timespec times[2] = {};
  times[0].tv_sec = times[1].tv_sec = model.config.mtimeNs / 1000000000;
  times[0].tv_nsec = times[1].tv_nsec = model.config.mtimeNs % 1000000000;
  expect(utimensat(AT_FDCWD, path.c_str(), times, 0) == 0, "utimensat");
}

void cut(const MadeModel& model) { expect(truncate(model.config.path.c_str(), 4096) == 0, "truncate"); }

bool isOfChange(const std::string& code) { return code == "MODEL_TRUNCATED" || code == "MODEL_CHANGED"; }

// A pass that was cancelled or ended early leaves the next ones as they are.
void checkEarlyEnds(const MadeModel& model, const std::vector<size_t>& parts) {
  const size_t n = model.config.nLayers, vocab = model.config.vocabSize;
  restore(model, false);
  Model engine(model.config, scalar());
  expect(loadAll(engine, {{{0, n}}, parts}).ok(), "parts stay on disk");
  std::vector<float> logits(vocab);
  const std::atomic<int> cancelled{1};
  const auto pass = [&](size_t end, const std::atomic<int>* cancel) {
    KvCache cache;
    cache.open(model.config, 0, n, 2, Type::F32, engine.kv());
    const int32_t id = 3;
    StepPart part;
    part.cache = &cache, part.nTokens = 1, part.ids = &id, part.cancel = cancel;
    if (end == n) part.logits = logits.data();
    Step step;
    step.end = end;
    step.parts.push_back(part);
    engine.step(step);
    return std::string(step.parts[0].status.ok() ? "ok" : step.parts[0].status.code);
  };
  expect(pass(n, nullptr) == "ok", "a pass from disk");
  const std::vector<float> expected = logits;
  const size_t resident = engine.residentBytes();
  for (const size_t end : {2, 1, 3, 1, 4}) {
    expect(pass(end, nullptr) == "ok" && pass(n, &cancelled) == kCancelled, "a pass that ends early");
    expect(pass(n, nullptr) == "ok" && logits == expected, "a pass after one that ended early");
  }
  expect(engine.residentBytes() == resident, "passes take memory");
  unlink(model.config.path.c_str());
  expect(pass(n, nullptr) == "ok" && logits == expected, "a file that is open may lose its name");
  restore(model, false);
  Model again(model.config, scalar());
  cut(model);
  expect(std::string(loadAll(again, {{{0, n}}, parts}).code) == "MODEL_CHANGED",
         "a file that changed is not streamed");
}

// What is read of a file that changes between two passes is refused, and served again when it is back.
void checkChanges(const MadeModel& model, const Expected& expected, const std::vector<size_t>& parts) {
  const size_t n = model.config.nLayers;
  restore(model, false);
  Model engine(model.config, scalar());
  expect(loadAll(engine, {{{0, n}}, parts}).ok(), "parts stay on disk");
  const auto pass = [&] { return expected.through(engine, 0, n, kPositions); };
  expect(pass() == "", "a pass before the change");
  cut(model);
  // What was read ahead before is still of the old file.
  std::string code;
  for (int left = 3; left > 0 && code == ""; left--) code = pass();
  expect(isOfChange(code), "a pass from a file that shrank: " + code);
  code = pass();
  expect(isOfChange(code), "the one after it: " + code);
  restore(model, true);
  for (int left = 3; left > 0 && code != ""; left--) code = pass();
  expect(code == "", "a pass from the file as it was: " + code);
}

// A load that fails takes nothing away: at its beginning all is as before it, in its midst layers that change
// come from disk.
void checkFailedMoves(const MadeModel& model, const Expected& expected, Random& random) {
  const size_t n = model.config.nLayers;
  restore(model, false);
  Model engine(model.config, scalar());
  const std::vector<size_t> first = someParts(random, n), second = someParts(random, n);
  expect(loadAll(engine, {{{0, n}}, first}).ok(), "a load before one that fails");
  const uint64_t resident = engine.residentBytes();
  unlink(model.config.path.c_str());
  const Status status = loadAll(engine, {{{0, n}}, allParts(n)});
  if (first.size() < n * kLayerParts) {
    expect(std::string(status.ok() ? "ok" : status.code) == "MODEL_UNREADABLE", "a load without a file");
    expect(engine.residentBytes() == resident, "a load that failed at once changes what is resident");
  }
  expect(expected.through(engine, 0, n, 2) == "", "a pass after a load that failed at once");
  restore(model, false);
  bool changed = false;
  const Status late = loadAll(engine, {{{0, n}}, second}, [&] {
    if (!changed) cut(model);
    changed = true;
  });
  expect(late.ok() == !changed, "a load from a file that is cut off");
  restore(model, true);
  std::string code = "none";
  for (int left = 3; left > 0 && code != ""; left--) code = expected.through(engine, 0, n, 2);
  expect(code == "", "a pass after a load that failed: " + code);
  expect(loadAll(engine, {{{0, n}}, second}).ok(), "a load after one that failed");
  expect(expected.through(engine, 0, n, 2) == "", "a pass after a load that was begun again");
}

}  // namespace

void checkMoves(const Recipe& recipe, const MadeModel& model, Random& random) {
  const size_t n = recipe.nLayers;
  const Expected expected(model.config);
  ModelConfig config = model.config;
  config.threads = 2;
  Model engine(config, scalar());
  LoadProgress progress;
  std::vector<LayerSpan> held;
  for (int move = 0; move < kMoves; move++) {
    const LoadWish wish = someWish(random, n);
    const std::vector<LayerSpan> before = held;
    // Every other load is given up for the next one.
    const std::atomic<int> cancelled{1};
    size_t slices = random.next() % 2 ? 1 + random.next() % 12 : SIZE_MAX;
    const bool isAborted = random.next() % 4 == 0;
    do {
      expect(engine.load(wish, nullptr, 0, &progress, &held).ok(), "a slice of a load");
      expectServes(engine, held, expected, random, "between slices");
      for (const LayerSpan& span : before) {
        for (size_t i = std::max(span.start, wish.spans[0].start);
             i < std::min(span.end, wish.spans[0].end); i++) {
          const bool isHeld = std::any_of(held.begin(), held.end(), [&](const LayerSpan& one) {
            return one.start <= i && i < one.end;
          });
          expect(isHeld, "a layer that is wanted stopped serving");
        }
      }
    } while (!progress.isDone && --slices > 0);
    if (!progress.isDone && isAborted) {
      const Status status = engine.load(wish, &cancelled, 0, &progress, &held);
      expect(!status.ok() && std::string(status.code) == kCancelled, "a load that is cancelled");
      expectServes(engine, held, expected, random, "after a load that was cancelled");
    }
    if (!progress.isDone) continue;
    expect(held == wish.spans, "other layers serve than were asked for");
    expectServes(engine, held, expected, random, "after a load");
    Model fresh(config, scalar());
    expect(loadAll(fresh, wish).ok() && fresh.residentBytes() == engine.residentBytes(),
           "what was there before takes memory");
  }
}

void checkDisk(const std::string& folder, Random& random) {
  MadeModel model = makeModel(kRecipes[3]);
  place(model.config, model.file, folder + "/streamed");
  const Expected expected(model.config);
  for (int list = 0; list < kLists; list++) {
    std::vector<size_t> parts;
    while (!hasTwoOfAKind(parts)) {
      parts = list == 0 ? allParts(model.config.nLayers) : someParts(random, model.config.nLayers);
    }
    checkEarlyEnds(model, parts);
    checkChanges(model, expected, parts);
    checkFailedMoves(model, expected, random);
  }
}

}  // namespace swarm
