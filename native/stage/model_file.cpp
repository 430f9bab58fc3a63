// Opening, checking and reading; direct reads take whole blocks around what is asked for.

#include "model_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef O_DIRECT
#define O_DIRECT 0
#endif

namespace swarm {

namespace {
// Of any disk; a page, so that the buffer's own alignment suffices.
constexpr size_t kDiskBlock = 4096;
// Not blocking: a pipe that was put in the file's place would wait for a writer for good.
constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
}  // namespace

ModelFile::ModelFile(const ModelConfig& config, bool direct) : config_(config), fd_(-1) {
  const char* path = config.path.c_str();
  if (direct && O_DIRECT != 0) fd_ = open(path, kFlags | O_DIRECT);
  if (fd_ >= 0) block_ = kDiskBlock;
  else fd_ = open(path, kFlags);
  if (fd_ < 0) openError_ = errno;
}

ModelFile::~ModelFile() {
  if (fd_ >= 0) close(fd_);
}

Status ModelFile::check() const {
  const auto unreadable = [&](int error) {
    return Status::fail("MODEL_UNREADABLE", config_.path + ": " + strerror(error));
  };
  if (fd_ < 0) return unreadable(openError_);
  struct stat info;
  if (fstat(fd_, &info) != 0) return unreadable(errno);
  const int64_t mtimeNs = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
  if (!S_ISREG(info.st_mode) || (uint64_t)info.st_size != config_.sizeBytes || mtimeNs != config_.mtimeNs) {
    return Status::fail("MODEL_CHANGED", config_.path + " changed while it was being read; start again");
  }
  return {};
}

Status ModelFile::read(const std::string& tensor, uint64_t offset, size_t bytes, HugeBuffer& buffer,
                       const uint8_t** data) const {
  const uint64_t from = offset / block_ * block_;
  const uint64_t to = (offset + bytes + block_ - 1) / block_ * block_;
  if (buffer.size() < to - from && !buffer.allocate((size_t)(to - from))) {
    return Status::fail("NATIVE_OUT_OF_MEMORY", "no memory to read tensor " + tensor + " into");
  }
  // The file may end inside the last block.
  for (uint64_t at = from; at < offset + bytes;) {
    const ssize_t got = pread(fd_, buffer.data() + (at - from), (size_t)(to - at), (off_t)at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      return Status::fail("MODEL_UNREADABLE", "tensor " + tensor + " of " + config_.path +
                                                  " could not be read: " + strerror(errno));
    }
    if (got == 0) {
      return Status::fail("MODEL_TRUNCATED", "tensor " + tensor + " of " + config_.path +
                                                 " is cut off; fetch the file again");
    }
    at += (uint64_t)got;
  }
  *data = buffer.data() + (offset - from);
  return {};
}

}  // namespace swarm
