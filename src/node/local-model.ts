// Flow B on one machine: the same session, stage host and text generator as in a swarm, over hops that
// stay in this process. Owns their order of opening and closing; no network, no data directory.

import { systemClock } from '../base/clock.ts'
import { systemRandom } from '../base/random.ts'
import { ARITHMETIC_VERSION } from '../compute/arithmetic.ts'
import { NativeStage } from '../compute/native-stage.ts'
import { wholePages } from '../compute/stage.ts'
import { defaultThreads } from '../compute/threads.ts'
import { openModel, type Model } from '../model/open-model.ts'
import { checkRequest } from '../pipeline/check-request.ts'
import { LocalNetwork } from '../pipeline/local-hops.ts'
import { Pipeline } from '../pipeline/pipeline.ts'
import { StageHost } from '../pipeline/stage-host.ts'
import { TextGenerator } from '../pipeline/text-generator.ts'
import { evenChunking } from '../sharding/chunking.ts'
import { longChunkTokens, PREFILL_CHUNK_TOKENS } from '../sharding/chunks.ts'
import { loadableBytes } from '../sharding/probe.ts'
import { toPeerId } from '../wire/ids.ts'
import { arrangeAlone, onDiskText } from './arrangement.ts'
import { modelFacts, PLANNED_CONTEXT_TOKENS } from './model-facts.ts'
import { textParts } from './text-parts.ts'

import type { GenerateEvent, GenerateRequest } from '../api/service.ts'
import type { Log } from '../base/log.ts'
import type { ModelFacts } from '../sharding/facts.ts'

const NO_HASH = '0'.repeat(64)
/** There is nobody to tell it from; a result names it as its only stage. */
const ALONE = toPeerId(NO_HASH)

export interface LocalOptions {
  model: string
  threads: number | null
  /** The user's limit on weights and context together; null: what is free. */
  memoryBytes: number | null
  /** What the model is opened for: refused, or its context found too large, before anything is loaded. */
  request: GenerateRequest
  /** Whether the model's id will be shown: hashing the file takes longer than loading it. */
  needsId: boolean
  /** Folder of what may be forgotten, such as the ids of model files. */
  cacheDir: string
  log: Log
  onProgress: (label: string, done: number, total: number) => void
  /** One sentence that the user should read before the answer. */
  onNote?: (text: string) => void
}

export interface LocalModel {
  readonly name: string
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<GenerateEvent>
  closeSession(session: string): void
  close(): Promise<void>
}

/** @throws MODEL_*, NATIVE_*; AbortError. */
export async function openLocal(options: LocalOptions, signal: AbortSignal): Promise<LocalModel> {
  const { onProgress, log } = options
  const clock = systemClock
  const model = await openModel(options.model, {
    idCachePath: `${options.cacheDir}/model-ids.json`,
    withoutId: !options.needsId,
    onProgress: (done, total) => onProgress('reading the model', done, total),
    signal
  })
  const memoryBytes = options.memoryBytes ?? loadableBytes()
  checkRequest(options.request, model.hyper.contextLength)
  const facts = factsOfUse(model, options.request)
  const fits = arrangeAlone(facts, memoryBytes).length === 0
  // What stays in memory would take all of it: the prompt needs room too.
  const onDisk = fits ? [] : arrangeAlone(withPrompt(facts, model), memoryBytes)
  const text = onDiskText(facts, onDisk)
  if (text !== null) options.onNote?.(text)
  const stage = new NativeStage(model, options.threads ?? defaultThreads())
  try {
    const range = { start: 0, end: stage.nLayers }
    const loading = (done: number, total: number) => onProgress('loading the weights', done, total)
    await stage.load([range], { onDisk, onProgress: loading }, signal)
  } catch (error) {
    await stage.close()
    throw error
  }
  // What is read from disk is read once for as many positions as there are.
  const chunking = evenChunking(onDisk.length > 0 ? longChunkTokens(facts) : PREFILL_CHUNK_TOKENS)
  const hops = new LocalNetwork().join(ALONE)
  const pipeline = new Pipeline({ hops, clock, random: systemRandom })
  const host = new StageHost({
    stage,
    hops,
    clock,
    log,
    modelId: model.id,
    arithmeticVersion: ARITHMETIC_VERSION,
    memoryBytes
  })
  pipeline.serve(host)
  const stages = [{ peer: ALONE, start: 0, end: stage.nLayers }]
  const generator = new TextGenerator({
    ...textParts(model, clock),
    pipeline,
    findRoute: () => ({ stages, planHash: NO_HASH, viewHash: NO_HASH, chunking }),
    clock,
    random: systemRandom
  })
  return {
    name: model.name,
    // Nobody else is there to finish the answer.
    generate: (request, signal) => generator.generate({ ...request, private: true }, signal),
    closeSession: (session) => generator.closeSession(session),
    async close() {
      await pipeline.close()
      await host.close()
      await stage.close()
    }
  }
}

function withPrompt(facts: ModelFacts, { hyper }: Model): ModelFacts {
  const usual = Math.min(PLANNED_CONTEXT_TOKENS, hyper.contextLength)
  return { ...facts, contextTokens: Math.max(facts.contextTokens, wholePages(usual)) }
}

/** The model with the context that this use of it reserves, as much as its cache takes. */
function factsOfUse(model: Model, request: GenerateRequest): ModelFacts {
  const facts = modelFacts(model)
  const kvBytesPerToken = facts.kvBytesPerToken * (request.kvType === 'f32' ? 2 : 1)
  // The prompt comes on top; how long it is, is known once it has been read.
  const nTokens = Math.min(request.maxTokens ?? 1, model.hyper.contextLength)
  return { ...facts, kvBytesPerToken, contextTokens: wholePages(request.contextTokens ?? nTokens) }
}
