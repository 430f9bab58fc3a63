// Anonymous mappings, aligned so that the kernel can back them with 2 MiB pages.

#include "huge_buffer.h"

#include <sys/mman.h>

#include <utility>

#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define SWARM_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(SWARM_SANITIZED)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(from, bytes) ((void)(from), (void)(bytes))
#define ASAN_UNPOISON_MEMORY_REGION(from, bytes) ((void)(from), (void)(bytes))
#endif

namespace swarm {

namespace {
constexpr size_t kHugePage = size_t(2) << 20;
}

HugeBuffer::~HugeBuffer() { release(); }

HugeBuffer::HugeBuffer(HugeBuffer&& other) noexcept { *this = std::move(other); }

HugeBuffer& HugeBuffer::operator=(HugeBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(mapping_, other.mapping_);
  std::swap(mappingBytes_, other.mappingBytes_);
  return *this;
}

bool HugeBuffer::allocate(size_t sizeBytes) {
  release();
  const size_t wanted = sizeBytes == 0 ? 1 : sizeBytes;
  const size_t slack = wanted >= kHugePage ? kHugePage : 0;
  void* mapping = mmap(nullptr, wanted + slack, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return false;
  uintptr_t start = (uintptr_t)mapping;
  if (slack) start = (start + kHugePage - 1) & ~(uintptr_t)(kHugePage - 1);
#ifdef MADV_HUGEPAGE
  if (slack) madvise((void*)start, wanted, MADV_HUGEPAGE);
#endif
  mapping_ = mapping;
  mappingBytes_ = wanted + slack;
  data_ = (uint8_t*)start;
  size_ = sizeBytes;
  forbidBytes(data_ + size_, (size_t)((uint8_t*)mapping_ + mappingBytes_ - data_) - size_);
  return true;
}

void forbidBytes(const uint8_t* from, size_t bytes) { ASAN_POISON_MEMORY_REGION(from, bytes); }

void allowBytes(const uint8_t* from, size_t bytes) { ASAN_UNPOISON_MEMORY_REGION(from, bytes); }

void HugeBuffer::release() {
  // The next mapping may get the same addresses.
  ASAN_UNPOISON_MEMORY_REGION(mapping_, mappingBytes_);
  if (mapping_) munmap(mapping_, mappingBytes_);
  mapping_ = nullptr;
  mappingBytes_ = 0;
  data_ = nullptr;
  size_ = 0;
}

}  // namespace swarm
