// hnswlib through its Node package, as the graph index that our exact search is compared with. It lies in
// the bench's own package and compiles on demand, because installing it runs a compiler; where it was not
// built, `openHnsw` says how, and the comparison is left out.

import { createRequire } from 'node:module'

/** What we call of hnswlib-node 3.0. */
interface Graph {
  initIndex(options: {
    maxElements: number
    m: number
    efConstruction: number
    randomSeed: number
  }): void
  addPoint(point: number[], label: number): void
  searchKnn(point: number[], count: number): { neighbors: number[] }
  setEf(ef: number): void
}

/** Its own defaults, with the width of search that gives it a recall worth comparing with. */
const GRAPH = { m: 16, efConstruction: 200, randomSeed: 100 }
const EF = 200

export const HNSW_MISSING =
  'hnswlib is not built; run: npm install --prefix bench --ignore-scripts --omit=optional && ' +
  'npm rebuild --prefix bench hnswlib-node (needs a C++ compiler and the headers of Node)'

/** An index of unit vectors by inner product; null where the package is missing. */
export class Hnsw {
  readonly #graph: Graph

  private constructor(graph: Graph) {
    this.#graph = graph
  }

  static open(rows: readonly Float32Array[]): Hnsw | null {
    const require = createRequire(new URL('../../bench/package.json', import.meta.url))
    let make: new (space: 'ip', dim: number) => Graph
    try {
      make = require('hnswlib-node').HierarchicalNSW
    } catch {
      return null
    }
    const graph = new make('ip', rows[0]?.length ?? 0)
    graph.initIndex({ maxElements: rows.length, ...GRAPH })
    for (const [label, vector] of rows.entries()) graph.addPoint(Array.from(vector), label)
    graph.setEf(EF)
    return new Hnsw(graph)
  }

  /** @param question as its package takes it; made before the clock runs. */
  search(question: number[], limit: number): number[] {
    return this.#graph.searchKnn(question, limit).neighbors
  }
}
