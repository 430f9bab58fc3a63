// llama.cpp through its prebuilt Node package, as the engine that ours is compared with. It lies in a
// package of its own (bench/package.json), so the product never depends on it; where it is not
// installed, `loadLlama` says so and its users skip. Flash attention is off and keys and values are F32
// unless asked otherwise, because those change its results.

import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** What we call of node-llama-cpp 3.22. */
interface Sequence {
  controlledEvaluate(
    input: [number, { generateNext: { token?: boolean; logits?: boolean; options: object } }][]
  ): Promise<{ next: { token?: number; logits?: Map<number, number> } }[]>
  evaluate(tokens: number[], options: object): AsyncIterable<number>
  evaluateWithoutGeneratingNewTokens(tokens: number[]): Promise<void>
  clearHistory(): Promise<void>
}

interface Context {
  getSequence(): Sequence
  dispose(): Promise<void>
}

interface LlamaModel {
  createContext(options: object): Promise<Context>
  dispose(): Promise<void>
}

interface Llama {
  loadModel(options: { modelPath: string }): Promise<LlamaModel>
  dispose(): Promise<void>
}

interface LlamaPackage {
  getLlama(options: object): Promise<Llama>
}

export interface LlamaOptions {
  threads: number
  contextTokens: number
  kvType: 'F16' | 'F32'
}

/** One model loaded in llama.cpp with one sequence. */
export class LlamaEngine {
  readonly #llama: Llama
  readonly #model: LlamaModel
  readonly #context: Context
  readonly #sequence: Sequence

  private constructor(llama: Llama, model: LlamaModel, context: Context) {
    this.#llama = llama
    this.#model = model
    this.#context = context
    this.#sequence = context.getSequence()
  }

  static async open(path: string, options: LlamaOptions): Promise<LlamaEngine> {
    const { getLlama } = await loadLlama()
    const llama = await getLlama({
      gpu: false,
      build: 'never',
      skipDownload: true,
      logLevel: 'error'
    })
    const model = await llama.loadModel({ modelPath: path })
    const context = await model.createContext({
      contextSize: options.contextTokens,
      batchSize: Math.min(512, options.contextTokens),
      threads: options.threads,
      flashAttention: false,
      experimentalKvCacheKeyType: options.kvType,
      experimentalKvCacheValueType: options.kvType
    })
    return new LlamaEngine(llama, model, context)
  }

  /** @returns (vocab,) logits after each of `ids`, from an empty context. */
  async logits(ids: readonly number[], vocabSize: number): Promise<Float32Array[]> {
    await this.#sequence.clearHistory()
    const generateNext = { token: true, logits: true, options: { temperature: 0 } }
    const results = await this.#sequence.controlledEvaluate(ids.map((id) => [id, { generateNext }]))
    return results.map(({ next }) => {
      const row = new Float32Array(vocabSize)
      for (const [id, value] of next.logits ?? []) row[id] = value
      return row
    })
  }

  /**
   * Milliseconds to take in `ids` from an empty context and choose a token: without one llama.cpp leaves out
   * the head, which ours and its own bench compute.
   */
  async prefillMs(ids: readonly number[]): Promise<number> {
    await this.#sequence.clearHistory()
    const start = performance.now()
    await this.firstToken(ids)
    return performance.now() - start
  }

  /** The most likely token after the context so far and `ids`. */
  async firstToken(ids: readonly number[]): Promise<number> {
    for await (const id of this.#sequence.evaluate([...ids], { temperature: 0 })) return id
    return -1
  }

  /** Milliseconds per token of `count` greedy tokens after the context so far. */
  async decodeMs(count: number): Promise<number> {
    let start = 0
    let made = 0
    for await (const _ of this.#sequence.evaluate([1], { temperature: 0 })) {
      // The first token pays for the prompt; the clock starts with it.
      if (made === 0) start = performance.now()
      if (made++ === count) break
    }
    return (performance.now() - start) / count
  }

  async close(): Promise<void> {
    await this.#context.dispose()
    await this.#model.dispose()
    await this.#llama.dispose()
  }
}

/** Why llama.cpp cannot be used here, or null when it can. */
export function llamaMissing(): string | null {
  try {
    packagePath()
    return null
  } catch {
    return 'llama.cpp is not installed; run: npm install --prefix bench --ignore-scripts --omit=optional'
  }
}

/** Folder of bench/package.json, or another one with the same packages in it (engine-avx2.ts). */
export function packagesFolder(): string {
  const other = process.env['SWARM_BENCH_LLAMA']
  return other ?? fileURLToPath(new URL('../../bench', import.meta.url))
}

function packagePath(): string {
  return createRequire(join(packagesFolder(), 'package.json')).resolve('node-llama-cpp')
}

async function loadLlama(): Promise<LlamaPackage> {
  return (await import(pathToFileURL(packagePath()).href)) as LlamaPackage
}
