// A stage without a model: integer hashing over the bits of activations. Every output bit depends on
// every input bit, the layer, the position and everything the cache holds before it, so one frame that
// is lost, doubled, swapped or sent astray changes the tokens. Splitting equals not splitting, as in
// the real one. Also a policeman: it throws where the contract of Stage is broken.

import { abortError, SwarmError } from '../../src/base/errors.ts'
import { contains, containsAll, layerCount, normalise } from '../../src/model/layer-range.ts'

import type { Clock } from '../../src/base/clock.ts'
import type {
  Sampler,
  Stage,
  StageCache,
  KvSpan,
  StepOutcome,
  StepPart,
  StepRequest,
  StepResult
} from '../../src/compute/stage.ts'
import { NO_LOGITS_HASH } from '../../src/wire/session.ts'

import type { LayerRange } from '../../src/model/layer-range.ts'
import type { KvType, SampledToken, Sampling } from '../../src/wire/session.ts'

export interface ToyModel {
  nLayers: number
  dim: number
  vocabSize: number
  /** Seven of eight tokens are those of a cycle of so many, so that what follows can be guessed. */
  cycle?: number
}

export interface ToyOptions {
  model: ToyModel
  clock: Clock
  /** Time of one step; 0 settles within the same turn of the event loop. */
  stepMs?: (nTokens: number, nLayers: number) => number
}

const KV_BYTES = { f16: 4, f32: 8, q8_0: 2 } as const
const LAYER_BYTES = 1000

export class ToyStage implements Stage {
  readonly nLayers: number
  readonly dim: number
  readonly vocabSize: number
  held: readonly LayerRange[] = []
  onDisk: readonly number[] = []
  openCaches = 0
  openSamplers = 0
  steps = 0
  /** Most parts that one step had. */
  mostParts = 0
  kvBytes = 0
  /** Fails the next step with this. */
  nextError: Error | null = null
  readonly #options: ToyOptions
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: ToyOptions) {
    this.#options = options
    this.nLayers = options.model.nLayers
    this.dim = options.model.dim
    this.vocabSize = options.model.vocabSize
  }

  get weightBytes(): number {
    return this.held.reduce((sum, range) => sum + layerCount(range), 0) * LAYER_BYTES
  }

  load(ranges: readonly LayerRange[]): Promise<void> {
    this.held = normalise(ranges)
    return Promise.resolve()
  }

  cacheBytes(range: LayerRange, capacityTokens: number, kvType: KvType): number {
    return (range.end - range.start) * capacityTokens * KV_BYTES[kvType]
  }

  openCache(range: LayerRange, capacityTokens: number, kvType: KvType): ToyCache {
    this.#mustHold(range)
    const bytesOf = (tokens: number) => this.cacheBytes(range, tokens, kvType)
    const count = (change: number) => (this.openCaches += change)
    return new ToyCache({ range, capacityTokens, kvType }, bytesOf, count)
  }

  limitKv(): void {
    // It has no pages: what admission may reserve is decided by whoever asks.
  }

  exportCache(cache: StageCache, { layers, start, end }: KvSpan): Promise<Uint8Array> {
    const words: number[] = []
    for (let layer = layers.start; layer < layers.end; layer++) {
      words.push(...(cache as ToyCache).historyOf(layer).slice(start, end))
    }
    return Promise.resolve(
      new Uint8Array(Uint32Array.of(layers.start, layers.end, start, ...words).buffer)
    )
  }

  importCache(cache: StageCache, modelId: string, piece: Uint8Array): Promise<KvSpan> {
    const [first, last, start, ...words] = new Uint32Array(piece.slice().buffer)
    const layers = { start: first as number, end: last as number }
    const nTokens = words.length / (layers.end - layers.start)
    for (let layer = layers.start; layer < layers.end; layer++) {
      const from = (layer - layers.start) * nTokens
      ;(cache as ToyCache).historyOf(layer).push(...words.slice(from, from + nTokens))
    }
    const end = (start as number) + nTokens
    ;(cache as ToyCache).length = end
    return Promise.resolve({ modelId, layers, start: start as number, end })
  }

  openSampler(sampling: Sampling, logitsHash = NO_LOGITS_HASH): ToySampler {
    this.openSamplers++
    return new ToySampler(sampling, logitsHash, () => this.openSamplers--)
  }

  async step(request: StepRequest, signal?: AbortSignal): Promise<StepResult> {
    const [outcome] = await this.stepTogether([{ request, ...(signal && { signal }) }])
    if (outcome === undefined || 'error' in outcome) throw outcome?.error
    return outcome.result
  }

  stepTogether(parts: StepPart[]): Promise<StepOutcome[]> {
    const result = this.#last.then(() => this.#step(parts))
    this.#last = result.catch(() => {})
    return result
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  async #step(parts: StepPart[]): Promise<StepOutcome[]> {
    if (new Set(parts.map(({ request }) => request.cache)).size < parts.length) {
      throw new Error('toy: two parts of a step use one cache')
    }
    const [{ request }] = parts as [StepPart]
    const { start, end } = request.range
    if (parts.some(({ request: { range } }) => range.start !== start || range.end !== end)) {
      throw new Error('toy: the parts of a step are of different layers')
    }
    this.mostParts = Math.max(this.mostParts, parts.length)
    const nTokens = parts.reduce((sum, part) => sum + part.request.nTokens, 0)
    const stepMs = this.#options.stepMs?.(nTokens, end - start) ?? 0
    return Promise.all(
      parts.map(async (part) => {
        try {
          return { result: await this.#part(part, stepMs) }
        } catch (error) {
          return { error: error as Error }
        }
      })
    )
  }

  async #part({ request, signal }: StepPart, stepMs: number): Promise<StepResult> {
    const { nTokens, position } = request
    const cache = request.cache as ToyCache
    if (signal?.aborted) throw abortError()
    if (cache.isBusy) throw new Error('toy: two steps use one cache')
    this.#check(request, cache)
    cache.isBusy = true
    try {
      await this.#wait(stepMs, signal)
    } finally {
      cache.isBusy = false
    }
    if (cache.isClosed) throw new Error('toy: the cache was closed during a step')
    if (this.nextError !== null) {
      const error = this.nextError
      this.nextError = null
      throw error
    }
    const rows = this.#forward(request, cache)
    cache.length = position + nTokens
    this.steps++
    const tokens = request.sampler ? this.#sampleRows(request, rows) : []
    return { computeUs: Math.round(stepMs * 1000), tokens }
  }

  #check({ range, position, nTokens, ids, input, output }: StepRequest, cache: ToyCache): void {
    this.#mustHold(range)
    if (cache.isClosed) throw new Error('toy: the cache is closed')
    if (!contains(cache.range, range)) throw new Error('toy: the cache has other layers')
    if (position !== cache.length) {
      throw new SwarmError('STAGE_POSITION_GAP', `position ${position}, cached ${cache.length}`)
    }
    if (position + nTokens > cache.capacityTokens) throw new Error('toy: the cache is too small')
    const sizeBytes = nTokens * this.dim * 4
    if (range.start === 0 ? ids?.length !== nTokens : input?.byteLength !== sizeBytes) {
      throw new Error('toy: input of a wrong size')
    }
    if (range.end < this.nLayers && output?.byteLength !== sizeBytes) {
      throw new Error('toy: output of a wrong size')
    }
  }

  #mustHold(range: LayerRange): void {
    if (!containsAll(this.held, [range])) {
      throw new SwarmError('STAGE_NOT_LOADED', 'toy: these layers are not held')
    }
  }

  #wait(stepMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (stepMs === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        timer.cancel()
        reject(abortError())
      }
      const timer = this.#options.clock.after(stepMs, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** @returns (nTokens, dim) words after the range's last layer. */
  #forward({ range, position, nTokens, ids, input, output }: StepRequest, cache: ToyCache) {
    const rows: Uint32Array[] = []
    for (let i = 0; i < nTokens; i++) {
      let row = new Uint32Array(this.dim)
      for (let j = 0; j < this.dim; j++) {
        row[j] = ids
          ? toFiniteBits(mix(mix(0x51ed, ids[i] as number), j))
          : readWord(input as Uint8Array, i * this.dim + j)
      }
      for (let layer = range.start; layer < range.end; layer++) {
        row = this.#layer(row, layer, position + i, cache)
      }
      if (output)
        for (let j = 0; j < this.dim; j++) writeWord(output, i * this.dim + j, row[j] as number)
      rows.push(row)
    }
    return rows
  }

  #layer(
    row: Uint32Array,
    layer: number,
    position: number,
    cache: ToyCache
  ): Uint32Array<ArrayBuffer> {
    let digest = mix(layer + 1, position)
    for (const word of row) digest = mix(digest, word)
    const history = cache.historyOf(layer)
    const before = position === 0 ? 7 : (history[position - 1] as number)
    const state = mix(before, digest)
    history[position] = state
    return Uint32Array.from(row, (word, j) => toFiniteBits(mix(mix(state, j), word)))
  }

  #sampleRows({ sampler, position, nTokens, logits, draft }: StepRequest, rows: Uint32Array[]) {
    if (logits) throw new Error('toy: has no logits')
    const tokens: SampledToken[] = []
    for (let i = draft ? 0 : nTokens - 1; i < nTokens; i++) {
      const row = rows[i] as Uint32Array
      const token = this.#sample(sampler as ToySampler, position + i + 1, row)
      tokens.push(token)
      if (draft && token.id !== draft[i]) break
    }
    return tokens
  }

  /** @param position of the token that is chosen. */
  #sample(sampler: ToySampler, position: number, row: Uint32Array): SampledToken {
    const { sampling, chain, counts } = sampler
    let digest = 0
    for (const word of row) digest = mix(digest, word)
    if (sampling.presencePenalty !== 0) digest = mix(digest, counts)
    sampler.chain = [mix(chain[0], digest), mix(chain[1], digest ^ 0x9e37)]
    const chosen = sampling.temperature === 0 ? digest : mix(digest, mix(sampling.seed, position))
    const [high, low] = sampler.chain
    const { cycle = 0 } = this.#options.model
    const isUsual = cycle > 0 && (chosen >>> 16) % 8 > 0
    const id = isUsual ? position % cycle : chosen % this.vocabSize
    sampler.count(Int32Array.of(id))
    return { id, logitsHash: hex(high) + hex(low) }
  }
}

class ToyCache implements StageCache {
  readonly range: LayerRange
  readonly capacityTokens: number
  readonly kvType: KvType
  length = 0
  isBusy = false
  isClosed = false
  readonly #history = new Map<number, number[]>()
  readonly #bytesOf: (tokens: number) => number
  readonly #count: (change: number) => void

  constructor(
    shape: Pick<StageCache, 'range' | 'capacityTokens' | 'kvType'>,
    bytesOf: (tokens: number) => number,
    count: (change: number) => void
  ) {
    this.range = shape.range
    this.capacityTokens = shape.capacityTokens
    this.kvType = shape.kvType
    this.#bytesOf = bytesOf
    this.#count = count
    count(1)
  }

  get sizeBytes(): number {
    return this.#bytesOf(this.capacityTokens)
  }

  get heldBytes(): number {
    return this.#bytesOf(this.length)
  }

  fork(length: number, capacityTokens: number): ToyCache {
    if (this.isClosed) throw new Error('toy: forked after close')
    const shape = { range: this.range, capacityTokens, kvType: this.kvType }
    const fork = new ToyCache(shape, this.#bytesOf, this.#count)
    fork.length = Math.min(length, this.length)
    for (const [layer, history] of this.#history) {
      fork.historyOf(layer).push(...history.slice(0, fork.length))
    }
    return fork
  }

  /** One word per position: all that this layer saw up to there. */
  historyOf(layer: number): number[] {
    let history = this.#history.get(layer)
    if (!history) this.#history.set(layer, (history = []))
    return history
  }

  truncate(length: number): void {
    if (this.isBusy) throw new Error('toy: truncated during a step')
    if (length > this.length) throw new Error('toy: truncated to more than there is')
    this.length = length
    for (const history of this.#history.values()) history.length = Math.min(history.length, length)
  }

  close(): void {
    if (this.isBusy) throw new Error('toy: closed during a step')
    if (this.isClosed) throw new Error('toy: closed twice')
    this.isClosed = true
    this.#count(-1)
  }
}

class ToySampler implements Sampler {
  readonly sampling: Sampling
  chain: [number, number]
  /** Of the ids chosen so far, in any order. */
  counts = 0
  readonly #onClose: () => void

  constructor(sampling: Sampling, logitsHash: string, onClose: () => void) {
    this.sampling = sampling
    this.chain = [parseInt(logitsHash.slice(0, 8), 16), parseInt(logitsHash.slice(8), 16)]
    this.#onClose = onClose
  }

  count(ids: Int32Array): void {
    for (const id of ids) this.counts = (this.counts + mix(0x77, id)) >>> 0
  }

  close(): void {
    this.#onClose()
  }
}

/** A bijection of each argument (murmur3's finaliser over a sum of odd multiples). */
function mix(a: number, b: number): number {
  let z = (Math.imul(a, 0x9e3779b1) + Math.imul(b, 0x85ebca77) + 0x165667b1) >>> 0
  z = Math.imul(z ^ (z >>> 16), 0x85ebca6b)
  z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35)
  return (z ^ (z >>> 16)) >>> 0
}

/** Any word as the bits of a float between 0.5 and 1 or their negatives. */
function toFiniteBits(word: number): number {
  return ((word & 0x807fffff) | 0x3f000000) >>> 0
}

function readWord(bytes: Uint8Array, index: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(index * 4, true)
}

function writeWord(bytes: Uint8Array, index: number, word: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(index * 4, word, true)
}

function hex(word: number): string {
  return word.toString(16).padStart(8, '0')
}
