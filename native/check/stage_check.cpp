// Runs the whole engine without Node, so that a sanitized build of it can: models are written to a folder,
// loaded in ranges and run on every kernel table in several ways that must give the same bits. Then
// configurations and weights are damaged at random: each is refused with a status or runs, and touches
// nothing that is not its own. Usage: stage_check FOLDER SEED COUNT. Exit status 1 when something fails.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "../stage/config_check.h"
#include "../stage/model.h"
#include "generate.h"

namespace swarm {
namespace {

int failures = 0;

void expect(bool good, const std::string& what) {
  if (good) return;
  fprintf(stderr, "stage_check: %s\n", what.c_str());
  failures++;
}

struct Recipe {
  const char* name;
  size_t dim, hiddenDim, nLayers, nHeads, nKvHeads, headDim, vocabSize;
  Type attention, feedForward, table;
  bool tied, halves, biases, headNorms, ropeFreqs;
};

// Sizes that fill a packed group and some that do not, heads of every padding, every family of types.
const Recipe kRecipes[] = {
    {"llama", 256, 512, 3, 4, 2, 64, 99, Type::Q4_K, Type::Q6_K, Type::Q6_K, false, false, false, false,
     false},
    {"qwen2", 256, 256, 2, 4, 4, 64, 48, Type::Q3_K, Type::Q2_K, Type::Q5_K, true, true, true, false,
     false},
    {"qwen3", 64, 96, 2, 2, 1, 48, 33, Type::Q8_0, Type::Q5_1, Type::F16, true, true, false, true, false},
    {"odd", 160, 96, 2, 5, 1, 32, 17, Type::Q4_0, Type::Q5_0, Type::BF16, false, false, true, false, true},
    {"small", 32, 32, 1, 3, 3, 10, 5, Type::F32, Type::Q4_1, Type::F32, false, false, false, false, true},
};

struct MadeModel {
  ModelConfig config;
  std::vector<uint8_t> file;
};

void addTensor(MadeModel& model, Random& random, Role role, int layer, Type type, size_t rows, size_t cols) {
  const bool vector = rows == 1;
  // Scales below a thousandth, so that a random model stays in range.
  std::vector<uint8_t> bytes = fileRows(random, type, rows, cols, 0x1400);
  if (vector) {
    for (size_t i = 0; i < cols; i++) {
      const float value = role == Role::RopeFreqs ? 1 + (float)(random.next() % 7)
                                                  : 1 + random.value() / 1000;
      memcpy(&bytes[i * 4], &value, 4);
    }
  }
  // Not aligned on purpose: the format asks for 32 bytes, the engine for nothing.
  model.file.resize(model.file.size() + random.next() % 5);
  model.config.tensors.push_back({role, layer, type, rows, cols, model.file.size(),
                                  std::to_string((int)role) + "." + std::to_string(layer)});
  model.file.insert(model.file.end(), bytes.begin(), bytes.end());
}

MadeModel makeModel(const Recipe& r) {
  MadeModel model;
  Random random = {r.dim};
  ModelConfig& c = model.config;
  c.dim = r.dim, c.hiddenDim = r.hiddenDim, c.nLayers = r.nLayers, c.nHeads = r.nHeads;
  c.nKvHeads = r.nKvHeads, c.headDim = r.headDim, c.vocabSize = r.vocabSize;
  c.normEpsilon = 1e-5f;
  c.rope.halves = r.halves;
  c.rope.dims = r.headDim;
  const size_t q = r.nHeads * r.headDim, kv = r.nKvHeads * r.headDim;
  addTensor(model, random, Role::TokenEmbedding, -1, r.table, r.vocabSize, r.dim);
  if (r.ropeFreqs) addTensor(model, random, Role::RopeFreqs, -1, Type::F32, 1, r.headDim / 2);
  for (int i = 0; i < (int)r.nLayers; i++) {
    addTensor(model, random, Role::AttnNorm, i, Type::F32, 1, r.dim);
    addTensor(model, random, Role::AttnQ, i, r.attention, q, r.dim);
    addTensor(model, random, Role::AttnK, i, r.attention, kv, r.dim);
    addTensor(model, random, Role::AttnV, i, r.attention, kv, r.dim);
    if (r.biases) {
      addTensor(model, random, Role::AttnQBias, i, Type::F32, 1, q);
      addTensor(model, random, Role::AttnKBias, i, Type::F32, 1, kv);
      addTensor(model, random, Role::AttnVBias, i, Type::F32, 1, kv);
    }
    if (r.headNorms) {
      addTensor(model, random, Role::AttnQNorm, i, Type::F32, 1, r.headDim);
      addTensor(model, random, Role::AttnKNorm, i, Type::F32, 1, r.headDim);
    }
    // The columns of this one are q, which need not be whole blocks of the attention's type.
    const Type output = q % blockValues(r.attention) == 0 ? r.attention : Type::F16;
    addTensor(model, random, Role::AttnOutput, i, output, r.dim, q);
    addTensor(model, random, Role::FfnNorm, i, Type::F32, 1, r.dim);
    addTensor(model, random, Role::FfnGate, i, r.feedForward, r.hiddenDim, r.dim);
    addTensor(model, random, Role::FfnUp, i, r.feedForward, r.hiddenDim, r.dim);
    addTensor(model, random, Role::FfnDown, i, r.feedForward, r.dim, r.hiddenDim);
  }
  addTensor(model, random, Role::OutputNorm, -1, Type::F32, 1, r.dim);
  if (!r.tied) addTensor(model, random, Role::Output, -1, r.table, r.vocabSize, r.dim);
  return model;
}

// Writes the file; the configuration then names it as it is now.
void place(ModelConfig& config, const std::vector<uint8_t>& file, const std::string& path) {
  FILE* out = fopen(path.c_str(), "wb");
  const bool written = out && fwrite(file.data(), 1, file.size(), out) == file.size();
  if (!out || fclose(out) != 0 || !written) {
    perror(path.c_str());
    exit(2);
  }
  struct stat info;
  stat(path.c_str(), &info);
  config.path = path;
  config.sizeBytes = (uint64_t)info.st_size;
  config.mtimeNs = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
}

constexpr size_t kPositions = 11;

// One stage: positions in chunks of `chunk`, hidden vectors or ids in, hidden vectors or logits out.
struct Pass {
  size_t start, end, chunk;
  int threads;
  bool half;
};

// All of these layers, in slices as short as they get. `between` is called after each but the last.
Status loadAll(Model& model, const std::vector<LayerSpan>& spans,
               const std::function<void()>& between = [] {}) {
  for (;;) {
    LoadProgress progress;
    std::vector<LayerSpan> held;
    const Status status = model.load(spans, nullptr, 0, &progress, &held);
    if (!status.ok() || progress.isDone) return status;
    between();
  }
}

Status runPass(ModelConfig config, const KernelTable& table, const Pass& pass,
               std::vector<float>& x, uint32_t* token) {
  config.threads = pass.threads;
  const size_t dim = config.dim, vocab = config.vocabSize;
  const bool last = pass.end == config.nLayers;
  Model model(config, table);
  Status status = loadAll(model, {{pass.start, pass.end}});
  if (!status.ok()) return status;
  KvCache cache;
  const Type kvType = pass.half ? Type::F16 : Type::F32;
  cache.open(model.config(), pass.start, pass.end, kPositions + 1, kvType, model.kv());
  Sampler sampler(table, {}, 0);
  std::vector<float> out(kPositions * (last ? vocab : dim));
  for (size_t at = 0; at < kPositions; at += pass.chunk) {
    Step step;
    step.start = pass.start, step.end = pass.end;
    StepPart part;
    part.cache = &cache;
    part.position = at;
    part.nTokens = pass.chunk < kPositions - at ? pass.chunk : kPositions - at;
    std::vector<int32_t> ids;
    for (size_t t = 0; t < part.nTokens; t++) ids.push_back((int32_t)((at + t) * 7 % vocab));
    if (pass.start == 0) part.ids = ids.data();
    else part.input = (const uint8_t*)&x[at * dim];
    if (last) {
      part.logits = &out[at * vocab];
      part.allLogits = true;
      part.sampler = &sampler;
    } else {
      part.output = (uint8_t*)&out[at * dim];
    }
    step.parts.push_back(part);
    model.step(step);
    const StepPart& done = step.parts[0];
    if (!done.status.ok()) return done.status;
    if (last) *token = done.sampled.back().id;
  }
  x = out;
  return {};
}

void checkWays(const Recipe& recipe, const MadeModel& model) {
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
    }
  }
}

// Loads that are given up for others at every slice: what serves at the end is what was asked for last.
void checkSpans(const Recipe& recipe, const MadeModel& model) {
  const size_t n = recipe.nLayers;
  const std::vector<LayerSpan> both = n > 2 ? std::vector<LayerSpan>{{n - 1, n}, {0, 1}}
                                            : std::vector<LayerSpan>{{0, n}};
  const std::vector<std::vector<LayerSpan>> wishes = {both, {{0, n}}, {}, {{n - 1, n}}, {{0, 1}}, both};
  ModelConfig config = model.config;
  config.threads = 2;
  for (int given = 0; given < 12; given++) {
    Model engine(config, *findTable("scalar"));
    LoadProgress progress;
    std::vector<LayerSpan> held;
    for (const std::vector<LayerSpan>& spans : wishes) {
      for (int slice = 0; slice < given; slice++) {
        expect(engine.load(spans, nullptr, 0, &progress, &held).ok(), "a slice of a load");
        if (progress.isDone) break;
      }
    }
    expect(loadAll(engine, both).ok(), "the rest of a load");
    engine.load(both, nullptr, 0, &progress, &held);
    const bool isBoth = n > 2 ? held.size() == 2 && held[0] == both[1] && held[1] == both[0]
                              : held.size() == 1 && held[0] == both[0];
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
      const Pass pass = {0, model.config.nLayers, 1 + random.next() % kPositions, 2, random.next() % 2 == 0};
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
    const Status status = loadAll(engine, {{0, model.config.nLayers}}, [&] {
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
  for (const Recipe& recipe : kRecipes) {
    MadeModel model = makeModel(recipe);
    place(model.config, model.file, folder + "/model");
    const Status status = checkConfig(model.config);
    expect(status.ok(), std::string(recipe.name) + ": " + status.message);
    checkWays(recipe, model);
    checkSpans(recipe, model);
  }
  checkChanges(folder);
  checkDamage(folder, strtoull(argv[2], nullptr, 10), atoi(argv[3]));
  return failures == 0 ? 0 : 1;
}
