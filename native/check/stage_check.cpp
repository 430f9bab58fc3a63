// Runs the whole engine without Node, so that a sanitized build of it can: models are written to a folder,
// loaded in ranges and run on every kernel table in several ways that must give the same bits. Then
// configurations and weights are damaged at random: each is refused with a status or runs, and touches
// nothing that is not its own. Parts that stay on disk are disk_check.cpp's. Usage: stage_check FOLDER SEED
// COUNT. Exit status 1 when something fails.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../stage/config_check.h"
#include "disk_check.h"

namespace swarm {

int failures = 0;

void expect(bool good, const std::string& what) {
  if (good) return;
  fprintf(stderr, "stage_check: %s\n", what.c_str());
  failures++;
}

namespace {

void checkWays(const Recipe& recipe, const MadeModel& model, Random& random) {
  const size_t n = recipe.nLayers;
  for (const bool half : {true, false}) {
    std::vector<float> expected;
    uint32_t expectedToken = 0;
    const Status status =
        runPass(model.config, *findTable("scalar"), {0, n, 1, 1, half}, expected, &expectedToken);
    expect(status.ok(), std::string(recipe.name) + ": " + status.message);
    const auto compare = [&](const std::string& way, const KernelTable& table, std::vector<Pass> passes) {
      std::vector<float> x;
      uint32_t token = 0;
      for (const Pass& pass : passes) {
        const Status status = runPass(model.config, table, pass, x, &token);
        expect(status.ok(), way + ": " + status.message);
      }
      const bool same = !x.empty() && x.size() == expected.size() && token == expectedToken &&
                        memcmp(x.data(), expected.data(), x.size() * 4) == 0;
      expect(same, std::string(recipe.name) + " on " + table.name + " differs: " + way);
    };
    for (const std::string& name : availableTables()) {
      const KernelTable& table = *findTable(name);
      compare("one batch", table, {{0, n, kPositions, 1, half}});
      compare("chunks on two threads", table, {{0, n, 4, 2, half}});
      if (n > 1) compare("two stages", table, {{0, 1, 5, 2, half}, {1, n, 3, 1, half}});
      compare("all layers from disk", table, {{0, n, 3, 2, half, allParts(n)}});
      compare("some parts from disk", table, {{0, n, 4, 2, half, someParts(random, n)}});
      if (n < 3) continue;
      const std::vector<size_t> parts = someParts(random, n);
      compare("two stages from disk", table, {{0, 2, 4, 1, half, parts}, {2, n, 1, 2, half, parts}});
    }
  }
}

// Loads that are given up for others at every slice: what serves at the end is what was asked for last.
void checkSpans(const Recipe& recipe, const MadeModel& model, Random& random) {
  const size_t n = recipe.nLayers;
  const LoadWish both = {n > 2 ? std::vector<LayerSpan>{{n - 1, n}, {0, 1}}
                               : std::vector<LayerSpan>{{0, n}},
                         {}};
  const LoadWish whole = {{{0, n}}, {}}, last = {{{n - 1, n}}, {}};
  ModelConfig config = model.config;
  config.threads = 2;
  for (int given = 0; given < 12; given++) {
    const LoadWish some = {{{0, n}}, someParts(random, n)}, other = {{{0, n}}, someParts(random, n)};
    const std::vector<LoadWish> wishes = {both, whole, some, {}, last, other, some, both};
    Model engine(config, *findTable("scalar"));
    LoadProgress progress;
    std::vector<LayerSpan> held;
    for (const LoadWish& wish : wishes) {
      for (int slice = 0; slice < given; slice++) {
        expect(engine.load(wish, nullptr, 0, &progress, &held).ok(), "a slice of a load");
        if (progress.isDone) break;
      }
    }
    expect(loadAll(engine, both).ok(), "the rest of a load");
    engine.load(both, nullptr, 0, &progress, &held);
    const std::vector<LayerSpan>& spans = both.spans;
    const bool isBoth = n > 2 ? held.size() == 2 && held[0] == spans[1] && held[1] == spans[0]
                              : held.size() == 1 && held[0] == spans[0];
    expect(isBoth && progress.isDone && progress.totalBytes == 0, "other layers serve than were asked for");
    Model fresh(config, *findTable("scalar"));
    expect(loadAll(fresh, both).ok() && fresh.residentBytes() == engine.residentBytes(),
           "a load that was given up left something");
  }
}

// Numbers that break arithmetic on sizes.
uint64_t nasty(Random& random) {
  static const uint64_t all[] = {0,  1,   2,   3,         15,        16,         17,        31,
                                 32, 255, 256, 257,       1023,      1024,       1025,      65535,
                                 1ull << 31,  (1ull << 32) - 1, 1ull << 32, 1ull << 53, 1ull << 63, ~0ull};
  return all[random.next() % (sizeof(all) / sizeof(all[0]))];
}

double nastyReal(Random& random) {
  static const double all[] = {0, -1, 1, 0.5, 1e-300, 1e300, 1e9, 1.0 / 0.0, -1.0 / 0.0, 0.0 / 0.0};
  return all[random.next() % (sizeof(all) / sizeof(all[0]))];
}

void damage(ModelConfig& c, Random& random) {
  size_t* const sizes[] = {&c.dim, &c.hiddenDim, &c.nLayers, &c.nHeads, &c.nKvHeads,
                           &c.headDim, &c.vocabSize, &c.rope.dims};
  double* const reals[] = {&c.rope.base,     &c.rope.factor,     &c.rope.originalContext,
                           &c.rope.lowFreqFactor, &c.rope.highFreqFactor, &c.rope.betaFast,
                           &c.rope.betaSlow, &c.rope.attnFactor, &c.rope.extFactor};
  TensorPlace& place = c.tensors[random.next() % c.tensors.size()];
  switch (random.next() % 10) {
    case 0: *sizes[random.next() % 8] = (size_t)nasty(random); break;
    case 1: *sizes[random.next() % 8] += random.next() % 3 - 1; break;
    case 2: *reals[random.next() % 9] = nastyReal(random); break;
    case 3: c.rope.scaling = (RopeScaling)(random.next() % 4); break;
    case 4: place.offset = random.next() % 2 ? nasty(random) : random.next() % c.sizeBytes; break;
    case 5: place.type = (Type)(random.next() % 34); break;
    case 6: place.role = (Role)(random.next() % ((unsigned)Role::Count + 2)); break;
    case 7: place.layer = (int)(random.next() % 5) - 2; break;
    case 8: (random.next() % 2 ? place.rows : place.cols) = (size_t)nasty(random); break;
    default: c.normEpsilon = (float)nastyReal(random);
  }
}

// Every outcome but a status or a run is the sanitizers' to report.
void checkDamage(const std::string& folder, uint64_t seed, int count) {
  Random random = {seed};
  int refused = 0, ran = 0, notFinite = 0;
  const std::vector<std::string> tables = availableTables();
  for (int i = 0; i < count; i++) {
    MadeModel model = makeModel(kRecipes[random.next() % 5]);
    const bool config = random.next() % 2 == 0;
    if (!config) {
      for (int left = 1 + (int)(random.next() % 64); left > 0; left--) {
        model.file[random.next() % model.file.size()] = (uint8_t)random.next();
      }
    }
    place(model.config, model.file, folder + "/damaged");
    for (int left = config ? 1 + (int)(random.next() % 3) : 0; left > 0; left--) damage(model.config, random);
    Status status = checkConfig(model.config);
    std::vector<float> x;
    uint32_t token = 0;
    if (status.ok()) {
      Pass pass = {0, model.config.nLayers, 1 + random.next() % kPositions, 2, random.next() % 2 == 0};
      if (random.next() % 2 == 0) pass.onDisk = someParts(random, model.config.nLayers);
      status = runPass(model.config, *findTable(tables[random.next() % tables.size()]), pass, x, &token);
    }
    if (status.ok()) ran++;
    else if (strcmp(status.code, "STAGE_NOT_FINITE") == 0) notFinite++;
    else refused++;
    const std::string code = status.ok() ? "" : status.code;
    expect(code == "" || code == "STAGE_NOT_FINITE" || code.compare(0, 6, "MODEL_") == 0,
           code + ": " + status.message);
  }
  printf("%d damaged models from seed %llu: %d ran, %d refused, %d not finite\n", count,
         (unsigned long long)seed, ran, refused, notFinite);
  expect(count < 50 || (ran > 0 && refused > 0 && notFinite > 0), "the damage reaches too little");
}

// The file shrinks, grows or goes while it is read.
void checkChanges(const std::string& folder) {
  const std::string path = folder + "/changing";
  const auto outcome = [&](const std::function<void()>& change) {
    MadeModel model = makeModel(kRecipes[0]);
    place(model.config, model.file, path);
    Model engine(model.config, *findTable("scalar"));
    bool changed = false;
    const Status status = loadAll(engine, {{{0, model.config.nLayers}}, {}}, [&] {
      if (!changed) change();
      changed = true;
    });
    return std::string(status.ok() ? "ok" : status.code);
  };
  const auto cut = [&] { expect(truncate(path.c_str(), 4096) == 0, "truncate"); };
  const auto grow = [&] { expect(truncate(path.c_str(), 1 << 22) == 0, "truncate"); };
  expect(outcome([] {}) == "ok", "a file that stays is loaded");
  expect(outcome(cut) == "MODEL_TRUNCATED", "a file that shrinks is refused");
  expect(outcome(grow) == "MODEL_CHANGED", "a file that grows is refused");
  expect(outcome([&] { unlink(path.c_str()); }) == "ok", "a file that was opened may lose its name");
}

}  // namespace
}  // namespace swarm

int main(int argc, char** argv) {
  using namespace swarm;
  if (argc != 4) {
    fprintf(stderr, "usage: stage_check FOLDER SEED COUNT\n");
    return 2;
  }
  const std::string folder = argv[1];
  const uint64_t seed = strtoull(argv[2], nullptr, 10);
  Random random = {seed};
  for (const Recipe& recipe : kRecipes) {
    MadeModel model = makeModel(recipe);
    place(model.config, model.file, folder + "/model");
    const Status status = checkConfig(model.config);
    expect(status.ok(), std::string(recipe.name) + ": " + status.message);
    checkWays(recipe, model, random);
    checkSpans(recipe, model, random);
    checkMoves(recipe, model, random);
  }
  checkChanges(folder);
  checkDisk(folder, random);
  checkDamage(folder, seed, atoi(argv[3]));
  return failures == 0 ? 0 : 1;
}
