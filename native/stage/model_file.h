// A model's file while its weights are read: the bytes of tensors, and that it is still the file that was
// opened at first. Knows no layers; who reads what is weights.h's and streamer.h's.

#pragma once

#include <string>

#include "config.h"
#include "huge_buffer.h"
#include "status.h"

namespace swarm {

class ModelFile {
 public:
  // `direct`: reads go past the system's cache where the file system can. What is read again and again and
  // does not fit in memory would only push out what others keep there.
  explicit ModelFile(const ModelConfig& config, bool direct = false);
  ~ModelFile();
  ModelFile(const ModelFile&) = delete;
  ModelFile& operator=(const ModelFile&) = delete;

  // MODEL_UNREADABLE where it could not be opened, MODEL_CHANGED where it is not what it was.
  Status check() const;

  // `bytes` at `offset` of the file, into `buffer`, which grows as needed and belongs to one thread; they
  // begin at `*data`. Any thread.
  Status read(const std::string& tensor, uint64_t offset, size_t bytes, HugeBuffer& buffer,
              const uint8_t** data) const;

 private:
  const ModelConfig& config_;
  int fd_;
  int openError_ = 0;
  // Bytes that offsets, lengths and addresses of a read are multiples of.
  size_t block_ = 1;
};

}  // namespace swarm
