// Field by field; whether the values fit the engine is config_check.h's business.

#include "config_reader.h"

#include <math.h>

#include "../stage/config_check.h"

namespace swarm {

namespace {

double readNumber(const Napi::Object& from, const char* name) {
  const Napi::Value value = from.Get(name);
  if (!value.IsNumber()) {
    throw Napi::TypeError::New(from.Env(), std::string(name) + " must be a number");
  }
  return value.As<Napi::Number>().DoubleValue();
}

bool readBool(const Napi::Object& from, const char* name) {
  return from.Get(name).ToBoolean().Value();
}

void readRope(const Napi::Object& from, RopeConfig* rope) {
  rope->halves = readBool(from, "halves");
  rope->dims = readSize(from, "dims");
  rope->base = readNumber(from, "base");
  rope->scaling = (RopeScaling)readSize(from, "scaling");
  rope->factor = readNumber(from, "factor");
  rope->originalContext = readNumber(from, "originalContext");
  rope->lowFreqFactor = readNumber(from, "lowFreqFactor");
  rope->highFreqFactor = readNumber(from, "highFreqFactor");
  rope->betaFast = readNumber(from, "betaFast");
  rope->betaSlow = readNumber(from, "betaSlow");
  rope->attnFactor = readNumber(from, "attnFactor");
  rope->extFactor = readNumber(from, "extFactor");
}

}  // namespace

uint64_t readSize(const Napi::Object& from, const char* name) {
  const double value = readNumber(from, name);
  if (!(value >= 0) || value > 9007199254740991.0 || value != floor(value)) {
    throw Napi::TypeError::New(from.Env(), std::string(name) + " must be a whole number");
  }
  return (uint64_t)value;
}

Status readConfig(const Napi::Object& from, ModelConfig* config) {
  config->path = from.Get("path").ToString().Utf8Value();
  config->sizeBytes = readSize(from, "sizeBytes");
  bool lossless = true;
  const Napi::Value mtime = from.Get("mtimeNs");
  if (!mtime.IsBigInt()) throw Napi::TypeError::New(from.Env(), "mtimeNs must be a bigint");
  config->mtimeNs = mtime.As<Napi::BigInt>().Int64Value(&lossless);
  config->threads = (int)readSize(from, "threads");
  const Napi::Array places = from.Get("places").As<Napi::Array>();
  for (uint32_t i = 0; i < places.Length(); i++) {
    const Napi::Array cpus = places.Get(i).As<Napi::Array>();
    config->places.emplace_back();
    for (uint32_t j = 0; j < cpus.Length(); j++) {
      config->places.back().push_back((int)cpus.Get(j).As<Napi::Number>().Uint32Value());
    }
  }
  config->dim = readSize(from, "dim");
  config->hiddenDim = readSize(from, "hiddenDim");
  config->nLayers = readSize(from, "nLayers");
  config->nHeads = readSize(from, "nHeads");
  config->nKvHeads = readSize(from, "nKvHeads");
  config->headDim = readSize(from, "headDim");
  config->vocabSize = readSize(from, "vocabSize");
  config->normEpsilon = (float)readNumber(from, "normEpsilon");
  readRope(from.Get("rope").As<Napi::Object>(), &config->rope);
  const Napi::Array tensors = from.Get("tensors").As<Napi::Array>();
  for (uint32_t i = 0; i < tensors.Length(); i++) {
    const Napi::Object tensor = tensors.Get(i).As<Napi::Object>();
    TensorPlace place;
    place.role = (Role)readSize(tensor, "role");
    place.layer = (int)readNumber(tensor, "layer");
    place.type = (Type)readSize(tensor, "type");
    place.rows = readSize(tensor, "rows");
    place.cols = readSize(tensor, "cols");
    place.offset = readSize(tensor, "offsetBytes");
    place.name = tensor.Get("name").ToString().Utf8Value();
    config->tensors.push_back(place);
  }
  return checkConfig(*config);
}

Sampling readSampling(const Napi::Object& from) {
  Sampling sampling;
  sampling.temperature = (float)readNumber(from, "temperature");
  sampling.topK = readSize(from, "topK");
  sampling.topP = (float)readNumber(from, "topP");
  sampling.minP = (float)readNumber(from, "minP");
  sampling.presencePenalty = (float)readNumber(from, "presencePenalty");
  sampling.frequencyPenalty = (float)readNumber(from, "frequencyPenalty");
  sampling.seed = readSize(from, "seed");
  const Napi::Array bias = from.Get("bias").As<Napi::Array>();
  for (uint32_t i = 0; i < bias.Length(); i++) {
    const Napi::Object entry = bias.Get(i).As<Napi::Object>();
    sampling.bias.push_back({(uint32_t)readSize(entry, "id"), (float)readNumber(entry, "value")});
  }
  return sampling;
}

}  // namespace swarm
