// Stages of a real model in one process, joined by hops without sockets: a whole pipeline on the native
// engine, so that what sessions share is compared with what each would have computed alone.

import { partsOf } from '../../src/model/layer-part.ts'
import { join } from 'node:path'

import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { seededRandom } from '../../src/base/random.ts'
import { KvStore } from '../../src/compute/kv-store.ts'
import { NativeStage } from '../../src/compute/native-stage.ts'
import { containsAll, layerAt } from '../../src/model/layer-range.ts'
import { LocalNetwork } from '../../src/pipeline/local-hops.ts'
import { Pipeline } from '../../src/pipeline/pipeline.ts'
import { StageHost } from '../../src/pipeline/stage-host.ts'
import { peerIdOf } from '../../src/wire/ids.ts'

import type { StageModel } from '../../src/compute/native-config.ts'
import type { Stage } from '../../src/compute/stage.ts'
import type { Hops } from '../../src/pipeline/hop.ts'
import type { SessionOptions } from '../../src/pipeline/pipeline.ts'
import type { Turn } from '../../src/pipeline/session-types.ts'
import type { RouteStage, Sampling } from '../../src/wire/session.ts'

const MODEL_ID = 'dd'.repeat(32)

export interface LocalStage {
  stage: NativeStage
  host: StageHost
}

export interface LocalOptions {
  tables?: string[]
  threads?: number
  memoryBytes?: number
  /** Stages are dealt to so many peers in turn; as many as there are stages when absent. */
  nPeers?: number
  /** Layers that are read from disk for each pass, whoever has them. */
  onDisk?: readonly number[]
  /** What lies between a peer and its network, such as a delay. */
  wayOf?: (hops: Hops) => Hops
  /** What the host sees of a stage, such as one whose answers are given. */
  stageOf?: (stage: NativeStage) => Stage
  /** Where each stage has a folder of its own for what is saved; absent: nothing is. */
  folder?: string
}

export interface LocalAnswer {
  ids: number[]
  logitsHash: string
  /** Positions that were taken over and not computed. */
  keptTokens: number
  /** Of each stage: what it computed before the first token. */
  prefillTokens: number[]
  /** From the call to the first token, and from there to the last. */
  firstMs: number
  decodeMs: number
  /** Of the last stage, one for each chunk of the prompt and one for each message of tokens. */
  steps: number
}

export class LocalSwarm {
  /** Of each peer, with all the layers that it has. */
  readonly stages: LocalStage[] = []
  readonly route: RouteStage[] = []
  readonly pipeline: Pipeline
  readonly #model: StageModel
  /** Without sockets nothing else keeps the process alive while every stage waits for a timer. */
  readonly #alive = setInterval(() => {}, 1000)

  private constructor(model: StageModel, network: LocalNetwork, wayOf: (hops: Hops) => Hops) {
    this.#model = model
    const hops = wayOf(network.join(peerIdOf(new Uint8Array(32).fill(255))))
    this.pipeline = new Pipeline({ hops, clock: systemClock, random: seededRandom(1) })
  }

  /**
   * @param cuts layers at which one stage ends and the next begins.
   * @param tables kernel tables of the stages, in turn.
   */
  static async open(
    model: StageModel,
    cuts: number[],
    options: LocalOptions = {}
  ): Promise<LocalSwarm> {
    const network = new LocalNetwork()
    const { tables = [], threads = 1, memoryBytes = 2 ** 32, folder, onDisk = [] } = options
    const { wayOf = (hops: Hops) => hops, stageOf = (stage: NativeStage) => stage } = options
    const swarm = new LocalSwarm(model, network, wayOf)
    const edges = [0, ...cuts, model.hyper.nLayers]
    const { nPeers = edges.length - 1 } = options
    const peerOf = (index: number) => peerIdOf(new Uint8Array(32).fill(1 + (index % nPeers)))
    for (const [i, end] of edges.slice(1).entries()) {
      swarm.route.push({ peer: peerOf(i), start: edges[i] as number, end })
    }
    for (let i = 0; i < nPeers; i++) {
      const peer = peerOf(i)
      const stage = new NativeStage(model, threads, tables[i % tables.length])
      const own = swarm.route.filter((one) => one.peer === peer)
      const read = onDisk.filter((layer) => containsAll(own, [layerAt(layer)]))
      await stage.load(own, { onDisk: partsOf(read) })
      const hops = wayOf(network.join(peer))
      const random = seededRandom(i)
      const host = new StageHost({
        stage: stageOf(stage),
        hops,
        clock: systemClock,
        log: silentLog,
        modelId: MODEL_ID,
        arithmeticVersion: 1,
        memoryBytes,
        ...(folder && { store: new KvStore(join(folder, String(i)), systemClock) })
      })
      new Pipeline({ hops, clock: systemClock, random }).serve(host)
      swarm.stages.push({ stage, host })
    }
    return swarm
  }

  createSession(options: Partial<SessionOptions> = {}) {
    const { dim, vocabSize } = this.#model.hyper
    return this.pipeline.createSession({
      route: { stages: this.route, planHash: '11'.repeat(32), viewHash: '22'.repeat(32) },
      model: { id: MODEL_ID, arithmeticVersion: 1, dim, vocabSize },
      kvType: 'f16',
      contextTokens: 1,
      isReusable: true,
      ...options
    })
  }

  /** One answer in a session of its own, which is closed. */
  async ask(
    ids: number[],
    count: number,
    sampling: Sampling,
    options: Partial<SessionOptions> = {},
    more: Partial<Turn> = {}
  ): Promise<LocalAnswer & { session: ReturnType<LocalSwarm['createSession']>['id'] }> {
    const session = this.createSession(options)
    const turn: Turn = { ids, sampling, stopIds: [], positionEnd: ids.length + count, ...more }
    const figures = { keptTokens: 0, prefillTokens: [], firstMs: 0, decodeMs: 0, steps: 0 }
    const answer: LocalAnswer = { ids: [], logitsHash: '', ...figures }
    const before = this.#steps
    const startedMs = systemClock.now()
    for await (const event of session.run(turn, new AbortController().signal)) {
      if (event.type === 'opened') answer.keptTokens = event.keptTokens
      if (event.type !== 'token') continue
      if (answer.ids.length === 0) answer.firstMs = systemClock.now() - startedMs
      answer.ids.push(event.id)
      answer.logitsHash = event.logitsHash
      answer.decodeMs = systemClock.now() - startedMs - answer.firstMs
    }
    answer.steps = this.#steps - before
    const stats = await session.close()
    answer.prefillTokens = stats.map((one) => one?.prefillTokens ?? -1)
    return { ...answer, session: session.id }
  }

  get #steps(): number {
    return this.stages.at(-1)?.host.layerReads.at(-1) ?? 0
  }

  async close(): Promise<void> {
    clearInterval(this.#alive)
    await this.pipeline.close()
    for (const { host, stage } of this.stages) {
      await host.close()
      await stage.close()
    }
  }
}
