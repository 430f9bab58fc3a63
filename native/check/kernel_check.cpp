// Compares every kernel table of a processor with the scalar one on generated inputs, and prints a hash
// of the scalar results: two processors that print the same lines compute the same bits. A program of
// its own, so that it runs where Node does not (another architecture under emulation).
// Exit status 1 when a table differs.

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <functional>
#include <vector>

#include "../kernels/dispatch.h"
#include "../search/vector_index.h"
#include "../stage/control_word.h"
#include "../stage/exact_math.h"
#include "../stage/kv_format.h"
#include "../stage/layout.h"
#include "generate.h"

namespace swarm {
namespace {

bool allEqual = true;

using Run = std::function<std::vector<float>(const KernelTable&)>;

// Runs the same work with every table; `hash` takes the specification's result.
void compare(const char* name, Hash& hash, const Run& run) {
  const std::vector<float> expected = run(*findTable("scalar"));
  hash.add(expected.data(), expected.size() * 4);
  for (const std::string& table : availableTables()) {
    const std::vector<float> actual = run(*findTable(table));
    if (memcmp(expected.data(), actual.data(), expected.size() * 4) == 0) continue;
    fprintf(stderr, "%s: %s differs from scalar\n", name, table.c_str());
    allEqual = false;
  }
}

std::vector<float> multiply(const KernelTable& table, Type type, const std::vector<uint8_t>& file,
                            size_t rows, size_t cols, const std::vector<float>& x, size_t nTokens,
                            Reading reading) {
  std::vector<uint8_t> weights(matrixBytes(type, rows, cols));
  packRows(type, file.data(), 0, rows, cols, weights.data());
  const size_t stride = paddedFloats(cols);
  const size_t xStride = !isQuantised(type)      ? stride * 4
                         : usesBlocks256(type) ? cols / 256 * sizeof(Activation256)
                                               : cols / 32 * sizeof(Activation32);
  std::vector<uint8_t> input(nTokens * xStride);
  for (size_t t = 0; t < nTokens; t++) {
    const float* row = x.data() + t * stride;
    uint8_t* to = input.data() + t * xStride;
    if (!isQuantised(type)) memcpy(to, row, xStride);
    else if (usesBlocks256(type)) table.quantize256(row, cols, (Activation256*)to);
    else table.quantize32(row, cols, (Activation32*)to);
  }
  const size_t outStride = paddedFloats(rows);
  std::vector<float> out(nTokens * outStride);
  table.multiply[(int)type](
      {weights.data(), rows, cols, input.data(), xStride, nTokens, out.data(), outStride, reading});
  return out;
}

void checkMultiply(Type type) {
  Random random = {(uint64_t)type + 1};
  Hash hash;
  // 61: rows of floats that end within a unit, and take turns several times.
  const size_t step = blockValues(type) == 1 ? 61 : blockValues(type);
  // 72: four groups side by side and a half-filled one after them.
  for (const size_t rows : {1, 16, 17, 72}) {
    for (const size_t blocks : {1, 3, 5}) {
      for (const size_t nTokens : {1, 2, 3, 5, 6, 18}) {
        const size_t cols = blocks * step;
        const std::vector<uint8_t> file = fileRows(random, type, rows, cols);
        std::vector<float> x;
        for (size_t t = 0; t < nTokens; t++) {
          const std::vector<float> row = values(random, cols);
          x.insert(x.end(), row.begin(), row.end());
        }
        for (const Reading reading : {Reading::Plain, Reading::Ahead, Reading::SideBySide}) {
          compare("multiply", hash, [&](const KernelTable& table) {
            return multiply(table, type, file, rows, cols, x, nTokens, reading);
          });
        }
      }
    }
  }
  printf("multiply %d %016llx\n", (int)type, (unsigned long long)hash.state);
}

// Rows come out of a packed matrix as they lay in the file: floats in whole units of sixteen and others.
void checkLayout(Type type) {
  Random random = {(uint64_t)type + 1};
  for (const size_t blocks : {3, 32}) {
    const size_t cols = blocks * blockValues(type), rowBytes = fileRowBytes(type, cols);
    for (const size_t rows : {1, 16, 35}) {
      const std::vector<uint8_t> file = fileRows(random, type, rows, cols);
      std::vector<uint8_t> matrix(matrixBytes(type, rows, cols)), row(rowBytes);
      packRows(type, file.data(), 0, rows, cols, matrix.data());
      for (size_t r = 0; r < rows; r++) {
        unpackRow(type, matrix.data(), r, cols, row.data());
        if (memcmp(row.data(), file.data() + r * rowBytes, rowBytes) == 0) continue;
        fprintf(stderr, "type %d: row %zu of %zu is not the file's\n", (int)type, r, rows);
        allEqual = false;
      }
    }
  }
}

void checkFloats() {
  Random random = {99};
  Hash norm, silu, exps, half, attention;
  for (size_t n = 1; n <= 80; n++) {
    const std::vector<float> x = values(random, n), y = values(random, n);
    compare("rmsNorm", norm, [&](const KernelTable& table) {
      std::vector<float> out(x.size());
      table.rmsNorm(x.data(), y.data(), x.size(), n, 1e-5f, out.data());
      return out;
    });
    compare("siluMultiply", silu, [&](const KernelTable& table) {
      std::vector<float> out = x;
      table.siluMultiply(out.data(), y.data(), out.size());
      return out;
    });
    compare("expSum", exps, [&](const KernelTable& table) {
      std::vector<float> out(n + 2);
      out[n] = table.expSum(x.data(), n, 1.5f, out.data());
      out[n + 1] = table.maximum(x.data(), n);
      return out;
    });
    compare("toHalf", half, [&](const KernelTable& table) {
      std::vector<float> out(x.size());
      table.toHalf(x.data(), (uint16_t*)out.data(), x.size());
      return out;
    });
  }
  for (const size_t width : {16, 64, 80, 96, 128}) {
    for (const size_t n : {1, 3, 4, 21}) {
      const std::vector<float> q = values(random, width), rows = values(random, n * width);
      for (const Type type : {Type::F16, Type::F32, Type::Q8_0}) {
        const KvFormat format = {type, width};
        if (format.stride() != width) continue;
        compare("attention", attention, [&](const KernelTable& table) {
          std::vector<uint8_t> keys(paddedFloats(n) * format.rowBytes(), 0xff);
          std::vector<uint8_t> data(n * format.rowBytes());
          for (size_t i = 0; i < n; i++) {
            format.storeKey(table, &rows[i * width], keys.data(), i);
            format.store(table, &rows[i * width], &data[i * format.rowBytes()]);
          }
          std::vector<float> out(n + width);
          table.scores({q.data(), width, 1, out.data(), n}, {keys.data(), type, width}, n, 0.25f);
          table.mixValues({out.data(), n, 1, out.data() + n, width}, {data.data(), type, width}, n, width);
          return out;
        });
      }
    }
  }
  printf("rmsNorm %016llx\nsilu %016llx\nexp %016llx\nhalf %016llx\nattention %016llx\n",
         (unsigned long long)norm.state, (unsigned long long)silu.state, (unsigned long long)exps.state,
         (unsigned long long)half.state, (unsigned long long)attention.state);
}

// Unit vectors, some of them twice; what the search finds, with its scores.
void checkSearch() {
  Random random = {7};
  const size_t rows = 700;
  std::vector<float> vectors;
  for (size_t row = 0; row < rows; row++) {
    std::vector<float> vector = values(random, kCodeWidth);
    double sum = 0;
    for (const float value : vector) sum += (double)value * value;
    const float length = (float)sqrt(sum);
    for (float& value : vector) value /= length;
    if (row % 7 == 6) vector.assign(vectors.end() - kCodeWidth, vectors.end());
    vectors.insert(vectors.end(), vector.begin(), vector.end());
  }
  Hash hash;
  for (size_t question = 0; question < rows; question += 50) {
    compare("search", hash, [&](const KernelTable& table) {
      VectorIndex index(table);
      for (uint32_t row = 0; row < rows; row++) {
        uint8_t key[kKeyBytes] = {(uint8_t)(row * 37), (uint8_t)row, (uint8_t)(row >> 8)};
        index.set(row, key, &vectors[row * kCodeWidth]);
      }
      for (uint32_t row = 1; row < rows; row += 90) index.remove(row);
      std::vector<Neighbour> found;
      index.search(&vectors[question * kCodeWidth], 20, nullptr, 0, &found);
      std::vector<float> out;
      for (const Neighbour& neighbour : found) {
        out.push_back((float)neighbour.label);
        float halves[2];
        memcpy(halves, &neighbour.score, sizeof(halves));
        out.insert(out.end(), halves, halves + 2);
      }
      out.push_back((float)index.refined());
      return out;
    });
  }
  printf("search %016llx\n", (unsigned long long)hash.state);
}

void checkExactMath() {
  Hash hash;
  for (int i = 0; i < 4000; i++) {
    const double x = i * 7.3;
    const SinCos both = exactSinCos(x);
    const double all[] = {exactExp(-x / 1000), exactLog(1 + x), both.sin, both.cos};
    hash.add(all, sizeof(all));
  }
  printf("exact math %016llx\n", (unsigned long long)hash.state);
}

}  // namespace
}  // namespace swarm

int main() {
  using namespace swarm;
  setControlWord();
  fprintf(stderr, "tables:");
  for (const std::string& name : availableTables()) fprintf(stderr, " %s", name.c_str());
  fprintf(stderr, "\n");
  for (int type = 0; type < kTypeLimit; type++) {
    if (!isKnownType(type)) continue;
    checkLayout((Type)type);
    checkMultiply((Type)type);
  }
  checkFloats();
  checkSearch();
  checkExactMath();
  return allEqual ? 0 : 1;
}
