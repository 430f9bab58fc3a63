// Peers with toy stages on a simulated network: what node.ts will join, without node.ts. Says what a
// run must leave behind: nothing.

import { silentLog } from '../../src/base/log.ts'
import { seededRandom, type Random } from '../../src/base/random.ts'
import { Pipeline, type SessionModel } from '../../src/pipeline/pipeline.ts'
import { StageHost } from '../../src/pipeline/stage-host.ts'
import { peerIdOf } from '../../src/wire/ids.ts'
import { SimClock } from './sim-clock.ts'
import { LAN, SimNetwork, type NetworkShape } from './sim-network.ts'
import { TOY } from './toy-run.ts'
import { ToyStage, type ToyModel } from './toy-stage.ts'

import type { LayerRange } from '../../src/model/layer-range.ts'
import type { Hops } from '../../src/pipeline/hop.ts'
import type { Route } from '../../src/pipeline/route.ts'
import type { Session } from '../../src/pipeline/session.ts'
import type { SessionEvent, Turn } from '../../src/pipeline/session-types.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import type { RouteStage } from '../../src/wire/session.ts'

export const ARITHMETIC = 3
export const MODEL_ID = 'ee'.repeat(32)

export interface SimPeer {
  id: PeerId
  stage: ToyStage
  host: StageHost
  pipeline: Pipeline
}

export interface SwarmShape {
  seed: number
  network?: NetworkShape
  model?: ToyModel
  stepMs?: (nTokens: number, nLayers: number) => number
  memoryBytes?: number
}

export class SimSwarm {
  readonly clock = new SimClock()
  readonly random: Random
  readonly network: SimNetwork
  readonly model: ToyModel
  readonly peers: SimPeer[] = []
  readonly #shape: SwarmShape

  constructor(shape: SwarmShape) {
    this.#shape = shape
    this.random = seededRandom(shape.seed)
    this.model = shape.model ?? TOY
    this.network = new SimNetwork(this.clock, this.random, shape.network ?? LAN)
  }

  get sessionModel(): SessionModel {
    const { dim, vocabSize } = this.model
    return { id: MODEL_ID, arithmeticVersion: ARITHMETIC, dim, vocabSize }
  }

  async addPeer(...held: LayerRange[]): Promise<SimPeer> {
    const id = peerIdOf(this.random.bytes(32))
    const peer = await createPeer(this, id, this.network.join(id), held, this.#shape)
    this.peers.push(peer)
    return peer
  }

  /** Parts of the model, cut at these layers, dealt to so many peers in turn; absent: one for each part. */
  async addStages(cuts: number[], nPeers = cuts.length + 1): Promise<Route> {
    const edges = [0, ...cuts, this.model.nLayers]
    const ranges = edges.slice(1).map((end, i) => ({ start: edges[i] as number, end }))
    const ids: PeerId[] = []
    for (let peer = 0; peer < nPeers; peer++) {
      const { id } = await this.addPeer(...ranges.filter((_, i) => i % nPeers === peer))
      ids.push(id)
    }
    return routeOf(ranges.map((range, i) => ({ peer: ids[i % nPeers] as PeerId, ...range })))
  }

  /**
   * What the peers that live still hold for sessions. Empty when every session is over; caches that
   * wait for a prompt which begins alike are no leak, they go first.
   */
  leaks(): string[] {
    const leaks: string[] = []
    for (const { id, stage, host, pipeline } of this.peers) {
      if (!this.network.isAlive(id)) continue
      const caches = stage.openCaches - host.shelved
      const left = { caches, samplers: stage.openSamplers }
      const counts = { ...left, hosted: host.sessions, begun: pipeline.sessions }
      for (const [what, count] of Object.entries(counts)) {
        if (count !== 0) leaks.push(`${id.slice(0, 6)}: ${count} ${what}`)
      }
    }
    return leaks
  }
}

export function routeOf(stages: RouteStage[]): Route {
  return { stages, planHash: '11'.repeat(32), viewHash: '22'.repeat(32) }
}

export async function createPeer(
  { clock, model, random }: { clock: SimClock; model: ToyModel; random: Random },
  id: PeerId,
  hops: Hops,
  held: LayerRange[],
  { stepMs, memoryBytes = 10_000_000 }: Partial<SwarmShape> = {}
): Promise<SimPeer> {
  const stage = new ToyStage({ model, clock, ...(stepMs ? { stepMs } : {}) })
  if (held.length > 0) await stage.load(held)
  const host = new StageHost({
    stage,
    hops,
    clock,
    log: silentLog,
    modelId: MODEL_ID,
    arithmeticVersion: ARITHMETIC,
    memoryBytes
  })
  const pipeline = new Pipeline({ hops, clock, random })
  pipeline.serve(host)
  return { id, stage, host, pipeline }
}

/** A turn in the background, with all that came of it so far. */
export class TurnRun {
  readonly events: SessionEvent[] = []
  /** The longest time without any. */
  silentMs = 0
  readonly ids: number[] = []
  logitsHash = ''
  error: unknown = null
  isOver = false
  endedMs = 0
  readonly abort = new AbortController()

  constructor(
    session: Session,
    turn: Turn,
    clock: SimClock,
    onToken: (run: TurnRun) => void = () => {}
  ) {
    void this.#follow(session, turn, clock, onToken)
  }

  async #follow(
    session: Session,
    turn: Turn,
    clock: SimClock,
    onToken: (run: TurnRun) => void
  ): Promise<void> {
    let heardMs = clock.now()
    try {
      for await (const event of session.run(turn, this.abort.signal)) {
        this.silentMs = Math.max(this.silentMs, clock.now() - heardMs)
        heardMs = clock.now()
        this.events.push(event)
        if (event.type !== 'token') continue
        this.ids.push(event.id)
        this.logitsHash = event.logitsHash
        onToken(this)
      }
    } catch (error) {
      this.error = error
    }
    this.isOver = true
    this.endedMs = clock.now()
  }
}
