// Anonymous memory on huge pages where the system has them: weights and KV caches live here. A mapped
// file sits on 4 KiB pages, which costs about 15 % of read bandwidth, and raises SIGBUS when it shrinks.

#pragma once

#include <stddef.h>
#include <stdint.h>

namespace swarm {

class HugeBuffer {
 public:
  HugeBuffer() = default;
  ~HugeBuffer();
  HugeBuffer(HugeBuffer&& other) noexcept;
  HugeBuffer& operator=(HugeBuffer&& other) noexcept;
  HugeBuffer(const HugeBuffer&) = delete;
  HugeBuffer& operator=(const HugeBuffer&) = delete;

  // Zeroed memory, aligned to 2 MiB when it is larger than that. False when there is none.
  bool allocate(size_t sizeBytes);
  void release();

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
  void* mapping_ = nullptr;
  size_t mappingBytes_ = 0;
};

// Forbids a sanitized build to touch these bytes; nothing in any other build. Mapped memory has no guard
// zones of its own, so gaps between tensors are marked where they are laid out.
void forbidBytes(const uint8_t* from, size_t bytes);
void allowBytes(const uint8_t* from, size_t bytes);

}  // namespace swarm
