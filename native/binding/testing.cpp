// Each function takes the table's name first and plain typed arrays; sizes are the caller's business
// except where a mistake would touch foreign memory.

#include "testing.h"

#include <string.h>

#include <vector>

#include "../kernels/dispatch.h"
#include "../stage/dequantize.h"
#include "../stage/exact_math.h"
#include "../stage/kv_format.h"
#include "../stage/layout.h"
#include "../stage/pacer.h"
#include "../stage/rope.h"
#include "../stage/sampler.h"
#include "config_reader.h"

namespace swarm {

namespace {

const KernelTable& tableOf(const Napi::CallbackInfo& info) {
  const KernelTable* table = findTable(info[0].ToString().Utf8Value());
  if (!table) throw Napi::TypeError::New(info.Env(), "no such kernel table");
  return *table;
}

template <typename T>
std::vector<T> copyOf(const Napi::Value& value) {
  const Napi::TypedArray array = value.As<Napi::TypedArray>();
  std::vector<T> copy(array.ByteLength() / sizeof(T));
  memcpy(copy.data(), (uint8_t*)array.ArrayBuffer().Data() + array.ByteOffset(), copy.size() * sizeof(T));
  return copy;
}

// With room for a multiple of 16, filled with `pad` behind the values.
std::vector<float> floatsOf(const Napi::Value& value, float pad = 0) {
  std::vector<float> floats = copyOf<float>(value);
  floats.resize(paddedFloats(floats.size()), pad);
  return floats;
}

Napi::Float32Array toFloats(Napi::Env env, const float* values, size_t n) {
  Napi::Float32Array array = Napi::Float32Array::New(env, n);
  memcpy(array.Data(), values, n * sizeof(float));
  return array;
}

template <typename T>
Napi::Uint8Array toBytes(Napi::Env env, const T* values, size_t n) {
  Napi::Uint8Array array = Napi::Uint8Array::New(env, n * sizeof(T));
  memcpy(array.Data(), values, n * sizeof(T));
  return array;
}

size_t sizeAt(const Napi::CallbackInfo& info, size_t index) {
  return info[index].As<Napi::Number>().Uint32Value();
}

// dequantize(type, fileBytes, count)
Napi::Value dequantize(const Napi::CallbackInfo& info) {
  const Type type = (Type)sizeAt(info, 0);
  const std::vector<uint8_t> file = copyOf<uint8_t>(info[1]);
  const size_t count = sizeAt(info, 2);
  if (!isKnownType((int)type) || fileRowBytes(type, count) != file.size()) {
    throw Napi::TypeError::New(info.Env(), "bytes do not fit the type");
  }
  std::vector<float> out(count);
  dequantizeRow(type, file.data(), count, out.data());
  return toFloats(info.Env(), out.data(), count);
}

// quantize(table, blockValues, x): bytes of the activation blocks, or null when not finite
Napi::Value quantize(const Napi::CallbackInfo& info) {
  const KernelTable& table = tableOf(info);
  const bool large = sizeAt(info, 1) == 256;
  const std::vector<float> x = floatsOf(info[2]);
  if (large) {
    std::vector<Activation256> out(x.size() / 256);
    if (!table.quantize256(x.data(), x.size(), out.data())) return info.Env().Null();
    return toBytes(info.Env(), out.data(), out.size());
  }
  std::vector<Activation32> out(x.size() / 32);
  if (!table.quantize32(x.data(), x.size(), out.data())) return info.Env().Null();
  return toBytes(info.Env(), out.data(), out.size());
}

// multiply(table, type, fileRows, rows, cols, x (nTokens, cols), nTokens, reading): (nTokens, rows)
Napi::Value multiply(const Napi::CallbackInfo& info) {
  const KernelTable& table = tableOf(info);
  const Type type = (Type)sizeAt(info, 1);
  const std::vector<uint8_t> file = copyOf<uint8_t>(info[2]);
  const size_t rows = sizeAt(info, 3), cols = sizeAt(info, 4), nTokens = sizeAt(info, 6);
  const std::vector<float> x = copyOf<float>(info[5]);
  if (!isKnownType((int)type) || cols % blockValues(type) != 0 || x.size() != nTokens * cols ||
      file.size() != rows * fileRowBytes(type, cols)) {
    throw Napi::TypeError::New(info.Env(), "sizes do not fit");
  }
  std::vector<uint8_t> weights(matrixBytes(type, rows, cols));
  packRows(type, file.data(), 0, rows, cols, weights.data());
  std::vector<uint8_t> input;
  size_t xStride;
  if (!isQuantised(type)) {
    xStride = paddedFloats(cols) * 4;
    input.resize(nTokens * xStride);
    for (size_t t = 0; t < nTokens; t++) memcpy(&input[t * xStride], &x[t * cols], cols * 4);
  } else if (usesBlocks256(type)) {
    xStride = cols / 256 * sizeof(Activation256);
    input.resize(nTokens * xStride);
    for (size_t t = 0; t < nTokens; t++) {
      table.quantize256(&x[t * cols], cols, (Activation256*)&input[t * xStride]);
    }
  } else {
    xStride = cols / 32 * sizeof(Activation32);
    input.resize(nTokens * xStride);
    for (size_t t = 0; t < nTokens; t++) {
      table.quantize32(&x[t * cols], cols, (Activation32*)&input[t * xStride]);
    }
  }
  const size_t outStride = paddedFloats(rows);
  // NaN everywhere shows an element that was never written.
  std::vector<float> out(nTokens * outStride, __builtin_nanf(""));
  const Multiply job = {weights.data(), rows,       cols,      input.data(),           xStride,
                        nTokens,        out.data(), outStride, (Reading)sizeAt(info, 7)};
  table.multiply[(int)type](job);
  std::vector<float> dense(nTokens * rows);
  for (size_t t = 0; t < nTokens; t++) memcpy(&dense[t * rows], &out[t * outStride], rows * 4);
  return toFloats(info.Env(), dense.data(), dense.size());
}

// rmsNorm(table, x, weight, eps)
Napi::Value rmsNorm(const Napi::CallbackInfo& info) {
  const size_t n = info[1].As<Napi::TypedArray>().ElementLength();
  std::vector<float> x = floatsOf(info[1]);
  const std::vector<float> weight = floatsOf(info[2]);
  tableOf(info).rmsNorm(x.data(), weight.data(), x.size(), n, info[3].As<Napi::Number>().FloatValue(),
                        x.data());
  return toFloats(info.Env(), x.data(), n);
}

// siluMultiply(table, gate, up)
Napi::Value siluMultiply(const Napi::CallbackInfo& info) {
  const size_t n = info[1].As<Napi::TypedArray>().ElementLength();
  std::vector<float> gate = floatsOf(info[1]);
  const std::vector<float> up = floatsOf(info[2]);
  tableOf(info).siluMultiply(gate.data(), up.data(), gate.size());
  return toFloats(info.Env(), gate.data(), n);
}

// expSum(table, x, top): the weights, then their sum
Napi::Value expSum(const Napi::CallbackInfo& info) {
  std::vector<float> x = copyOf<float>(info[1]);
  x.push_back(0);
  x.back() = tableOf(info).expSum(x.data(), x.size() - 1, info[2].As<Napi::Number>().FloatValue(), x.data());
  return toFloats(info.Env(), x.data(), x.size());
}

// toHalf(table, x): bytes, or null when an element does not fit
Napi::Value toHalf(const Napi::CallbackInfo& info) {
  const size_t n = info[1].As<Napi::TypedArray>().ElementLength();
  const std::vector<float> x = floatsOf(info[1]);
  std::vector<uint16_t> out(x.size());
  if (!tableOf(info).toHalf(x.data(), out.data(), x.size())) return info.Env().Null();
  return toBytes(info.Env(), out.data(), n);
}

// attend(table, q (heads, width), keys (n, width), values (n, width), type, heads): scores of all heads, then
// their mixed values
Napi::Value attend(const Napi::CallbackInfo& info) {
  const KernelTable& table = tableOf(info);
  const std::vector<float> q = copyOf<float>(info[1]);
  const std::vector<float> keys = copyOf<float>(info[2]), values = copyOf<float>(info[3]);
  const size_t heads = info.Length() > 5 ? sizeAt(info, 5) : 1, width = q.size() / (heads ? heads : 1);
  const KvFormat format = {(Type)sizeAt(info, 4), width};
  const size_t n = keys.size() / width;
  if (!KvFormat::isKnown((int)format.type) || width != format.stride() ||
      q.size() != heads * width || values.size() != keys.size()) {
    throw Napi::TypeError::New(info.Env(), "sizes");
  }
  // The rest of the last group is NaN, which no result may show.
  std::vector<uint8_t> keyRows(paddedFloats(n) * format.rowBytes(), 0xff);
  std::vector<uint8_t> valueRows(n * format.rowBytes());
  for (size_t i = 0; i < n; i++) {
    format.storeKey(table, &keys[i * width], keyRows.data(), i);
    format.store(table, &values[i * width], &valueRows[i * format.rowBytes()]);
  }
  std::vector<float> out(heads * (n + width));
  table.scores({q.data(), width, heads, out.data(), n}, {keyRows.data(), format.type, width}, n, 0.125f);
  table.mixValues({out.data(), n, heads, out.data() + heads * n, width},
                  {valueRows.data(), format.type, width}, n, width);
  return toFloats(info.Env(), out.data(), out.size());
}

// maximum(table, x)
Napi::Value maximum(const Napi::CallbackInfo& info) {
  const std::vector<float> x = copyOf<float>(info[1]);
  return Napi::Number::New(info.Env(), tableOf(info).maximum(x.data(), x.size()));
}

// sample(table, sampling, logits, position): [id, hash as two 32-bit halves]
Napi::Value sample(const Napi::CallbackInfo& info) {
  Sampler sampler(tableOf(info), readSampling(info[1].As<Napi::Object>()), 0);
  const std::vector<float> logits = copyOf<float>(info[2]);
  const uint32_t id = sampler.sample(logits.data(), logits.size(), sizeAt(info, 3)).id;
  return Napi::Number::New(info.Env(), id);
}

// codeDots(table, codes (groups * 16, 256), x (256)): the sums, as the bytes of int32
Napi::Value codeDots(const Napi::CallbackInfo& info) {
  const std::vector<int8_t> rows = copyOf<int8_t>(info[1]), x = copyOf<int8_t>(info[2]);
  const size_t group = (size_t)kGroupRows * kCodeWidth, groups = rows.size() / group;
  if (rows.size() % group != 0 || x.size() != kCodeWidth) {
    throw Napi::TypeError::New(info.Env(), "sizes do not fit");
  }
  std::vector<int8_t> packed(rows.size());
  for (size_t i = 0; i < rows.size(); i++) {
    const size_t row = i / kCodeWidth, k = i % kCodeWidth;
    packed[row / kGroupRows * group + k / 4 * 64 + row % kGroupRows * 4 + k % 4] = rows[i];
  }
  std::vector<int32_t> out(groups * kGroupRows);
  tableOf(info).codeDots(packed.data(), groups, x.data(), out.data());
  return toBytes(info.Env(), out.data(), out.size());
}

// ceilings(table, bytes, rounds): exclusive or of the words by 1, 2, 4 and 8 streams, then the products
// that the int8 and float peaks have summed
Napi::Value ceilings(const Napi::CallbackInfo& info) {
  const KernelTable& table = tableOf(info);
  std::vector<uint8_t> bytes = copyOf<uint8_t>(info[1]);
  const size_t size = bytes.size(), rounds = sizeAt(info, 2);
  if (size % 1024 != 0) throw Napi::TypeError::New(info.Env(), "sizes do not fit");
  const std::vector<double> values = {
      (double)table.readOnce(bytes.data(), size, 1), (double)table.readOnce(bytes.data(), size, 2),
      (double)table.readOnce(bytes.data(), size, 4), (double)table.readOnce(bytes.data(), size, 8),
      (double)table.int8Peak(rounds),                (double)table.floatPeak(rounds)};
  Napi::Array result = Napi::Array::New(info.Env(), values.size());
  for (uint32_t i = 0; i < values.size(); i++) result.Set(i, values[i]);
  return result;
}

// pace(threads, steps, machine): the threads of each step, on a machine that says of a step with so many
// threads how long it takes in seconds and how many cores it loses: machine(threads, step) -> [s, cores]
Napi::Value pace(const Napi::CallbackInfo& info) {
  Pacer pacer((int)sizeAt(info, 0));
  const Napi::Function machine = info[2].As<Napi::Function>();
  Napi::Array chosen = Napi::Array::New(info.Env());
  for (uint32_t i = 0; i < sizeAt(info, 1); i++) {
    const int threads = pacer.threads();
    chosen.Set(i, threads);
    const Napi::Array outcome =
        machine.Call({Napi::Number::New(info.Env(), threads), Napi::Number::New(info.Env(), i)})
            .As<Napi::Array>();
    const auto number = [&](uint32_t at) { return outcome.Get(at).ToNumber().DoubleValue(); };
    pacer.report(1, number(0), number(1));
  }
  return chosen;
}

// exact(name, x): binary64 functions of exact_math.h
Napi::Value exact(const Napi::CallbackInfo& info) {
  const std::string name = info[0].ToString().Utf8Value();
  const double x = info[1].As<Napi::Number>().DoubleValue();
  if (name == "exp") return Napi::Number::New(info.Env(), exactExp(x));
  if (name == "log") return Napi::Number::New(info.Env(), exactLog(x));
  const SinCos both = exactSinCos(x);
  return Napi::Number::New(info.Env(), name == "sin" ? both.sin : both.cos);
}

}  // namespace

Napi::Object testingExports(Napi::Env env) {
  Napi::Object exports = Napi::Object::New(env);
  exports.Set("dequantize", Napi::Function::New(env, dequantize));
  exports.Set("quantize", Napi::Function::New(env, quantize));
  exports.Set("multiply", Napi::Function::New(env, multiply));
  exports.Set("rmsNorm", Napi::Function::New(env, rmsNorm));
  exports.Set("siluMultiply", Napi::Function::New(env, siluMultiply));
  exports.Set("expSum", Napi::Function::New(env, expSum));
  exports.Set("toHalf", Napi::Function::New(env, toHalf));
  exports.Set("attend", Napi::Function::New(env, attend));
  exports.Set("maximum", Napi::Function::New(env, maximum));
  exports.Set("ceilings", Napi::Function::New(env, ceilings));
  exports.Set("pace", Napi::Function::New(env, pace));
  exports.Set("codeDots", Napi::Function::New(env, codeDots));
  exports.Set("sample", Napi::Function::New(env, sample));
  exports.Set("exact", Napi::Function::New(env, exact));
  return exports;
}

}  // namespace swarm
