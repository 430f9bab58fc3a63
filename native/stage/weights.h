// The weights of one model on this machine: a set of layers, one buffer each, so that it can grow and shrink
// without touching the layers that stay; parts of layers that stay on disk are in none, they pass through
// memory (streamer.h). Reads the file in parallel, a slice of time at a time so that steps can run between,
// and closes it unless parts stay on disk; nothing of a model is mapped while it computes.

#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "streamer.h"
#include "team.h"

namespace swarm {

// Layers [start, end).
struct LayerSpan {
  size_t start = 0;
  size_t end = 0;

  bool operator==(const LayerSpan& other) const { return start == other.start && end == other.end; }
};

// What a load is to bring about.
struct LoadWish {
  std::vector<LayerSpan> spans;
  std::vector<size_t> onDisk;  // parts of their layers that are read for each pass, by number, ascending

  bool operator==(const LoadWish& other) const { return spans == other.spans && onDisk == other.onDisk; }
};

// How far a load has come.
struct LoadProgress {
  uint64_t doneBytes = 0;
  uint64_t totalBytes = 0;
  bool isDone = false;
};

class Weights {
 public:
  explicit Weights(const ModelConfig& config);
  ~Weights();

  // Makes exactly these layers serve, with the token table where the first layer is among them and the
  // head where the last is. One call reads for about `sliceMs`, at least one piece; the same wish again
  // goes on until isDone, another one begins anew. Layers outside are freed first, those that stay are not
  // read again, and new ones serve from the end of the call that read their last piece, in the order of
  // the spans. One of which other parts are to stay on disk than do, or some where it was not there, loses
  // its buffer and serves from disk as a whole until its new one has been read. On failure the layers that
  // serve stay, those in between from disk, and what was read of others is freed.
  Status load(const LoadWish& wish, Team& team, const std::atomic<int>* cancel, int sliceMs,
              LoadProgress* progress);

  // Whether it serves: the first one needs the token table, the last one the head.
  bool has(size_t index) const;
  bool streams(size_t index, LayerPart part) const { return contains(layers_[index]->onDisk, part); }
  // Whether anything of [start, end) comes from disk.
  bool streams(size_t start, size_t end) const;
  // Of all its parts, wherever they are.
  size_t layerBytes(size_t index) const;

  // Before a part of a layer is computed and once nobody computes with it, by one thread for all while no
  // other looks at the layer. Of a part that is resident nothing has to be done. As Streamer::take; a part
  // that was entered is entered again at no cost.
  Status enter(size_t index, LayerPart part, const std::function<bool()>& isOver);
  void leave(size_t index, LayerPart part);
  // Whatever a pass that ended early had entered.
  void leaveAll();
  // With the tensors of the parts that are resident and of those that were entered.
  const Layer& layer(size_t index) const { return *layers_[index]; }
  // Tensors that every stage needs, whatever its layers (rope_freqs.weight). Never null after load.
  const Layer* common() const { return common_.get(); }
  // The token table: of whoever has the first layer, or the last one where the head is tied to it.
  const Layer* embedding() const { return embedding_.get(); }
  const Layer* head() const { return head_.get(); }
  // Also while a load runs on another thread; what is being read counts.
  uint64_t residentBytes() const { return residentBytes_.load(std::memory_order_relaxed); }

 private:
  // A buffer that is being read, and where it goes then.
  struct Fresh {
    std::unique_ptr<Layer>* slot;
    std::unique_ptr<Layer> layer;
  };
  struct Due {
    Piece piece;
    size_t fresh;  // index of the buffer that it is part of
    bool isRead;
  };

  Status begin(const LoadWish& wish);
  Status stream(const std::vector<PartSet>& onDisk, const std::vector<bool>& isWanted);
  Status plan(std::unique_ptr<Layer>& slot, int layer, const std::vector<Role>& roles, PartSet onDisk = 0);
  Status checkRotation(const Layer& common) const;
  Status read(Team& team, const std::atomic<int>* cancel, int sliceMs);
  Status install();
  void giveUp();
  void count();

  const ModelConfig& config_;
  std::vector<std::unique_ptr<Layer>> layers_;
  std::unique_ptr<Layer> common_;
  std::unique_ptr<Layer> embedding_;
  std::unique_ptr<Layer> head_;

  Streamer streamer_;

  // The load that has begun and not ended; its file is open until then, and loses nothing with its name.
  std::unique_ptr<ModelFile> file_;
  LoadWish wish_;
  std::vector<Due> due_;
  std::vector<Fresh> fresh_;
  LoadProgress progress_;
  std::atomic<uint64_t> residentBytes_{0};
};

}  // namespace swarm
