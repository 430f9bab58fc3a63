// One stage host with a toy stage, and the peers around it played by the test: what each of them sends
// and gets is in the test's hands.

import { seededRandom } from '../../src/base/random.ts'
import { LocalNetwork } from '../../src/pipeline/local-hops.ts'
import { sessionIdOf, type PeerId } from '../../src/wire/ids.ts'
import { writeDraft } from '../../src/wire/session-codec.ts'
import { NO_LOGITS_HASH } from '../../src/wire/session.ts'
import { SimClock } from './sim-clock.ts'
import { ARITHMETIC, MODEL_ID, createPeer, type SimPeer } from './sim-swarm.ts'
import { TOY, sampling } from './toy-run.ts'
import { keyOf } from './views.ts'

import type { Hops } from '../../src/pipeline/hop.ts'
import type { LayerRange } from '../../src/model/layer-range.ts'
import type {
  ActivationHeader,
  OpenMessage,
  RouteStage,
  SessionMessage
} from '../../src/wire/session.ts'

export const SESSION = sessionIdOf(new Uint8Array(16).fill(1))
export const HOST = keyOf('c')

export interface Bench {
  clock: SimClock
  network: LocalNetwork
  stage: SimPeer['stage']
  host: SimPeer['host']
  /** Peers played by the test: upstream and origin, downstream, a stranger. */
  up: Player
  down: Player
  stranger: Player
}

export class Player {
  readonly id: PeerId
  readonly hops: Hops
  readonly received: SessionMessage[] = []

  constructor(network: LocalNetwork, id: PeerId) {
    this.id = id
    this.hops = network.join(id)
    this.hops.onMessage((_, message) => this.received.push(message))
  }

  send(message: Exclude<SessionMessage, { type: 'activation' }>): void {
    this.hops.to(HOST).send(message)
  }

  /** @param draft as many ids as positions behind the first; absent: all of them 7. */
  sendActivation(changes: Partial<ActivationHeader> = {}, draft?: number[]): void {
    const header = {
      session: SESSION,
      epoch: 1,
      index: 1,
      stop: 2,
      position: 0,
      nTokens: 1,
      dim: TOY.dim,
      sample: false,
      drafted: false,
      company: 0
    }
    const shape = { ...header, ...changes }
    const frame = this.hops.to(HOST).allocate(shape)
    frame.payload.set(seededRandom(9).bytes(frame.payload.length))
    const guessed = draft ?? Array.from({ length: shape.nTokens - 1 }, () => 7)
    if (shape.drafted) writeDraft(shape, Int32Array.from(guessed), frame.payload)
    frame.send()
  }

  /** Types of what arrived, errors with their code; forgets them. */
  take(): string[] {
    return this.received
      .splice(0)
      .map((message) => (message.type === 'failed' ? message.code : message.type))
  }
}

export async function setUp(
  held: LayerRange,
  options: { stepMs?: number; memoryBytes?: number } = {}
) {
  const clock = new SimClock()
  const network = new LocalNetwork()
  const { stepMs = 0, memoryBytes = 1e9 } = options
  const random = seededRandom(1)
  const { stage, host } = await createPeer(
    { clock, model: TOY, random },
    HOST,
    network.join(HOST),
    [held],
    { stepMs: () => stepMs, memoryBytes }
  )
  const [up, down, stranger] = [
    new Player(network, keyOf('a')),
    new Player(network, keyOf('e')),
    new Player(network, keyOf('f'))
  ]
  const bench: Bench = { clock, network, stage, host, up, down, stranger }
  return bench
}

export const ALONE: RouteStage[] = [{ peer: HOST, start: 0, end: 12 }]
export const MIDDLE: RouteStage[] = [
  { peer: keyOf('a'), start: 0, end: 4 },
  { peer: HOST, start: 4, end: 8 },
  { peer: keyOf('e'), start: 8, end: 12 }
]
export const FIRST: RouteStage[] = [
  { peer: HOST, start: 0, end: 8 },
  { peer: keyOf('e'), start: 8, end: 12 }
]

export function open(route: RouteStage[], changes: Partial<OpenMessage> = {}): OpenMessage {
  return {
    type: 'open',
    session: SESSION,
    epoch: 1,
    sinceEpoch: 0,
    sampledTokens: 0,
    position: 0,
    prefix: null,
    isReusable: false,
    isAudited: false,
    index: route.findIndex(({ peer }) => peer === HOST),
    route,
    modelId: MODEL_ID,
    planHash: '11'.repeat(32),
    viewHash: '22'.repeat(32),
    arithmeticVersion: ARITHMETIC,
    contextTokens: 100,
    kvType: 'f16',
    sampling: sampling(),
    logitsHash: NO_LOGITS_HASH,
    stopIds: [],
    positionEnd: 100,
    isWarmUp: false,
    speculates: true,
    ticket: 0,
    ...changes
  }
}

export function ids(
  values: number[],
  position = 0,
  sample = true,
  epoch = 1,
  stop = 0
): SessionMessage & { type: 'ids' } {
  const ids = Int32Array.from(values)
  return { type: 'ids', session: SESSION, epoch, stop, position, sample, ids }
}

export function token(id: number, position: number, finish: 'none' | 'stop' = 'none', epoch = 1) {
  const logitsHash = '00'.repeat(8)
  const tokens = [{ id, logitsHash }]
  return { type: 'token', session: SESSION, epoch, position, finish, tokens } as const
}

export const close = { type: 'close', session: SESSION, epoch: 9, isReleased: false } as const
