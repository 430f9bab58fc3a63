// Flow A, how often each layer was read on this machine: two additions per step, so that whoever shows
// bytes of weights per second need not stand in the way of a token. Knows no bytes and no time.

import type { LayerRange } from '../model/layer-range.ts'

export class LayerReads {
  /** (nLayers + 1,) reads that begin at a layer minus those that end before it. */
  readonly #edges: Float64Array

  constructor(nLayers: number) {
    this.#edges = new Float64Array(nLayers + 1)
  }

  /** One step has run through these layers. */
  count({ start, end }: LayerRange): void {
    this.#edges[start] = (this.#edges[start] as number) + 1
    this.#edges[end] = (this.#edges[end] as number) - 1
  }

  /** (nLayers,) steps so far that read each layer; whoever reads the last one reads the head too. */
  perLayer(): number[] {
    let reads = 0
    return Array.from(this.#edges.subarray(0, -1), (edge) => (reads += edge))
  }
}
