// Flow A, serving side: one session on this stage. Owns which frames are due (from whom, which epoch,
// which position), the steps that wait, the cache, the sampler and the outputs that were given on, and
// what it all cost. Knows no socket and runs no step: stage-host.ts does.
//
// Life: opened at an epoch -> frames in order -> reopened at the next epoch, or ended. A running step
// uses the cache, so reopening and ending wait for it: `reopening` and `ending` say what is due then.
// Between the loss of a neighbour and the next epoch a session is stalled: nothing is due, all is kept.

import { SwarmError } from '../base/errors.ts'
import { ownStage } from './admission.ts'
import { AuditTrail } from './audit-trail.ts'
import { KeptOutputs } from './kept-outputs.ts'

import type { Sampler, StageCache } from '../compute/stage.ts'
import type { PeerId } from '../wire/ids.ts'
import type {
  ActivationMessage,
  IdsMessage,
  OpenMessage,
  ReplayMessage,
  RouteStage,
  SampledMessage,
  StageStats,
  TokenMessage
} from '../wire/session.ts'
import type { WorkKind } from './scheduler.ts'

/** One step to do: consecutive positions that have arrived. */
export interface Work {
  kind: WorkKind
  position: number
  nTokens: number
  /** (nTokens,) at the first stage. */
  ids: Int32Array | null
  /** f32 (nTokens, dim) at the others: a view into the frame it came in. */
  input: Uint8Array | null
  sample: boolean
  /** Index of the stage at which these positions end. */
  stop: number
  arrivedMs: number
}

export class HostedSession {
  readonly origin: PeerId
  open: OpenMessage
  cache: StageCache
  sampler: Sampler | null
  /** Null where nobody else needs them: at the last stage. */
  readonly kept: KeptOutputs | null
  /** Null where the origin will not ask. */
  readonly trail: AuditTrail | null
  stats: StageStats = noStats()
  lastMs: number
  isWaiting = false
  /** A step runs and uses the cache. */
  isRunning = false
  reopening: OpenMessage | null = null
  /** A neighbour is lost: what it sent before is void, what comes next is another epoch. */
  isStalled = false
  /** Due as soon as no step runs; 'closed' tells the origin what it cost. */
  ending: 'closed' | 'silent' | null = null

  #queue: Work[] = []
  /** Kept from step to step: making one costs more than all else that is done here for a token. */
  #abort = new AbortController()
  #nextPosition: number
  /** A frame of this epoch has come: it said where the epoch begins. */
  #hasBegun = false
  /** The prompt's last chunk has come: what follows are tokens, one by one. */
  #hasSampled = false
  /** The first stage takes one token per sampled position, no more. */
  #isTokenDue = false

  constructor(
    open: OpenMessage,
    origin: PeerId,
    parts: { cache: StageCache; sampler: Sampler | null; rowBytes: number },
    nowMs: number
  ) {
    this.open = open
    this.origin = origin
    this.cache = parts.cache
    this.sampler = parts.sampler
    this.lastMs = nowMs
    this.kept = this.isLast ? null : new KeptOutputs(parts.rowBytes, parts.cache.length)
    this.trail = open.isAudited ? new AuditTrail() : null
    this.#nextPosition = open.position
  }

  get stage(): RouteStage {
    return ownStage(this.open)
  }

  get isFirst(): boolean {
    return this.open.index === 0
  }

  get isLast(): boolean {
    return this.open.index === this.open.route.length - 1
  }

  get previous(): PeerId | null {
    return this.open.route[this.open.index - 1]?.peer ?? null
  }

  get next(): PeerId | null {
    return this.open.route[this.open.index + 1]?.peer ?? null
  }

  get first(): PeerId {
    return (this.open.route[0] as RouteStage).peer
  }

  /** Whose loss ends this session here: those it takes from or gives to. */
  isNeighbour(peer: PeerId): boolean {
    const samplesForUs = this.isFirst && this.open.route.at(-1)?.peer === peer
    return peer === this.previous || peer === this.next || samplesForUs
  }

  /** Begins an epoch whose cache is already truncated to its position. */
  restart(open: OpenMessage, nowMs: number): void {
    this.open = open
    this.stats = noStats()
    this.lastMs = nowMs
    this.#queue = []
    this.#nextPosition = open.position
    this.#hasBegun = false
    this.#hasSampled = false
    this.#isTokenDue = false
    this.isStalled = false
    this.kept?.truncate(this.cache.length)
    this.trail?.truncate(this.cache.length)
  }

  /** @returns the signal of the step that runs from now on. */
  beginStep(): AbortSignal {
    if (this.#abort.signal.aborted) this.#abort = new AbortController()
    this.isRunning = true
    return this.#abort.signal
  }

  /** Forgets the steps that wait and gives up the one that runs: the cache is then as before it. */
  giveUpWork(): void {
    this.#queue = []
    if (this.isRunning) this.#abort.abort()
  }

  /** What the waiting activations keep in memory: a payload is a view of all that came with it. */
  get queuedBytes(): number {
    return this.#queue.reduce((sum, { input }) => sum + (input?.buffer.byteLength ?? 0), 0)
  }

  nextWork(): Work | null {
    return this.#queue[0] ?? null
  }

  takeWork(): Work | null {
    return this.#queue.shift() ?? null
  }

  /**
   * A chunk of the prompt. @returns false when it is not due from this sender: late, or a stranger's.
   * @throws STAGE_POSITION_GAP, STAGE_FULL, WIRE_BAD_FRAME when the due sender breaks the order.
   */
  takeIds(from: PeerId, message: IdsMessage, vocabSize: number, nowMs: number): boolean {
    if (!this.isFirst || from !== this.origin || !this.#isCurrent(message.epoch)) return false
    if (this.#hasSampled) throw new SwarmError('WIRE_BAD_FRAME', 'ids after the end of the prompt')
    for (const id of message.ids) {
      if (id >= vocabSize) throw new SwarmError('WIRE_BAD_FRAME', `id ${id} is not a token here`)
    }
    const { position, ids, sample, stop } = message
    this.#add({ position, nTokens: ids.length, ids, input: null, sample, stop }, nowMs)
    return true
  }

  /** Tokens chosen before this epoch. Returns and throws as takeIds. */
  takeSampled(from: PeerId, message: SampledMessage, vocabSize: number): boolean {
    if (this.sampler === null || from !== this.origin || !this.#isCurrent(message.epoch)) {
      return false
    }
    if (this.#hasSampled) throw new SwarmError('WIRE_BAD_FRAME', 'tokens after the first new one')
    for (const id of message.ids) {
      if (id >= vocabSize) throw new SwarmError('WIRE_BAD_FRAME', `id ${id} is not a token here`)
    }
    this.sampler.count(message.ids)
    return true
  }

  /** @returns whether these outputs are to be sent again now. @throws STAGE_POSITION_GAP */
  takeReplay(from: PeerId, message: ReplayMessage): boolean {
    if (from !== this.origin || !this.#isCurrent(message.epoch)) return false
    const { position, end, stop } = message
    const { kept } = this
    if (
      kept === null ||
      position < kept.start ||
      end > kept.end ||
      stop >= this.open.route.length
    ) {
      const text = `outputs ${position} to ${end} are no longer kept here`
      throw new SwarmError('STAGE_POSITION_GAP', text)
    }
    return true
  }

  /** The upstream stage's output. Returns and throws as takeIds. */
  takeActivation(from: PeerId, message: ActivationMessage, dim: number, nowMs: number): boolean {
    if (from !== this.previous || !this.#isCurrent(message.epoch)) return false
    if (message.dim !== dim) {
      throw new SwarmError('WIRE_BAD_FRAME', `an activation is ${message.dim} wide, not ${dim}`)
    }
    const { position, nTokens, payload, sample, stop } = message
    this.#add({ position, nTokens, ids: null, input: payload, sample, stop }, nowMs)
    return true
  }

  /** The last stage's token, which is the first stage's next input. Returns and throws as takeIds. */
  takeToken(from: PeerId, message: TokenMessage, vocabSize: number, nowMs: number): boolean {
    const isFromLast = this.isFirst && !this.isLast && from === this.open.route.at(-1)?.peer
    if (!isFromLast || !this.#isCurrent(message.epoch)) return false
    if (!this.#isTokenDue || message.id >= vocabSize) {
      throw new SwarmError('WIRE_BAD_FRAME', `token ${message.id} came when none was due`)
    }
    this.#isTokenDue = false
    if (message.finish === 'none') this.continueWith(message.id, message.position, nowMs)
    return true
  }

  /** Queues the decode step of a token. @throws STAGE_POSITION_GAP, STAGE_FULL */
  continueWith(id: number, position: number, nowMs: number): void {
    const ids = Int32Array.of(id)
    const stop = this.open.route.length - 1
    this.#add({ position, nTokens: 1, ids, input: null, sample: true, stop }, nowMs)
  }

  /** Adds a finished step to the stats. */
  count(work: Work, startedMs: number, computeUs: number): void {
    const queueUs = Math.max(0, Math.round((startedMs - work.arrivedMs) * 1000))
    if (work.kind === 'decode') {
      this.stats.decodeTokens += work.nTokens
      this.stats.decodeComputeUs += computeUs
      this.stats.decodeQueueUs += queueUs
    } else {
      this.stats.prefillTokens += work.nTokens
      this.stats.prefillComputeUs += computeUs
      this.stats.prefillQueueUs += queueUs
    }
  }

  /** Frames of an older epoch are late, and none is due while the session waits, changes or ends. */
  #isCurrent(epoch: number): boolean {
    const isSteady = !this.isStalled && this.reopening === null && this.ending === null
    return epoch === this.open.epoch && isSteady
  }

  /** The origin chose a position that the stage has, maybe fewer than there are. */
  #beginAt(position: number): void {
    if (position > this.cache.length) return
    this.cache.truncate(position)
    this.kept?.truncate(position)
    this.trail?.truncate(position)
    this.#nextPosition = position
    this.#hasBegun = true
  }

  #add(part: Omit<Work, 'kind' | 'arrivedMs'>, nowMs: number): void {
    const { position, nTokens, ids, input, sample, stop } = part
    const { index, route } = this.open
    // What ends at another stage than the last has no logits to sample from.
    if (stop < index || stop >= route.length || (sample && stop !== route.length - 1)) {
      throw new SwarmError('WIRE_BAD_FRAME', `positions at stage ${index} cannot end at ${stop}`)
    }
    if (!this.#hasBegun) this.#beginAt(position)
    if (position !== this.#nextPosition) {
      const text = `position ${position} came where ${this.#nextPosition} was due`
      throw new SwarmError('STAGE_POSITION_GAP', text)
    }
    if (position + nTokens > this.cache.capacityTokens) {
      const text = `the session outgrew its ${this.cache.capacityTokens} reserved positions`
      throw new SwarmError('STAGE_FULL', text)
    }
    // The origin lets as many chunks travel as there are stages, and one more.
    if (this.#queue.length > this.open.route.length) {
      throw new SwarmError('WIRE_TOO_LARGE', 'more chunks at once than the route has stages')
    }
    const kind = this.#hasSampled ? 'decode' : 'prefill'
    this.#queue.push({ kind, position, nTokens, ids, input, sample, stop, arrivedMs: nowMs })
    this.#nextPosition += nTokens
    this.#hasSampled ||= sample
    this.#isTokenDue = sample
    this.lastMs = nowMs
  }
}

export function noStats(): StageStats {
  return {
    prefillTokens: 0,
    prefillComputeUs: 0,
    prefillQueueUs: 0,
    decodeTokens: 0,
    decodeComputeUs: 0,
    decodeQueueUs: 0
  }
}
