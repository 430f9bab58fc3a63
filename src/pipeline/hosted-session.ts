// Flow A, serving side: one session on this stage. Owns which frames are due (from whom, which epoch,
// which position), the steps that wait, the cache, the sampler, the outputs given on, and what it all cost.
// Knows no socket and runs no step: stage-host.ts does.
//
// Life: opened at an epoch -> frames in order -> reopened at the next epoch, or ended. A running step
// uses the cache, so reopening and ending wait for it: `reopening` and `ending` say what is due then.
// Between the loss of a neighbour and the next epoch a session is stalled: nothing is due, all is kept. So
// is an orphan, whose origin is gone, until another peer attaches to it.

import { SwarmError } from '../base/errors.ts'
import { rowsBytes, readDraft } from '../wire/session-codec.ts'
import { ownStage } from './admission.ts'
import { AuditTrail } from './audit-trail.ts'
import { Drafter } from './drafter.ts'
import { KeptOutputs } from './kept-outputs.ts'
import { noStats } from './stage-stats.ts'
import { checkDraft, cutWork, firmEnd, withoutDraft } from './work.ts'

import type { Sampler, StageCache } from '../compute/stage.ts'
import type { PeerId } from '../wire/ids.ts'
import type {
  ActivationMessage,
  IdsMessage,
  LogMessage,
  OpenMessage,
  RouteStage,
  SESSION_STATES,
  SampledToken,
  StageStats,
  TokenMessage
} from '../wire/session.ts'
import type { ReplayMessage, SampledMessage, WarmMessage } from '../wire/refill.ts'
import type { Prefix } from './prefix-shelf.ts'
import type { Arrival, Work } from './work.ts'

export class HostedSession {
  origin: PeerId
  open: OpenMessage
  readonly openedMs: number
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
  /** When its origin went or gave it up; null: it has one. */
  orphanedMs: number | null = null
  /** Due as soon as no step runs; 'closed' tells the origin what it cost. */
  ending: 'closed' | 'silent' | null = null

  #queue: Work[] = []
  /** Kept from step to step: making one costs more than all else that is done here for a token. */
  #abort = new AbortController()
  #nextPosition: number
  /** Positions before it are certain; those up to #nextPosition are drafts, which a frame may replace. */
  #firmPosition: number
  /** As #firmPosition, of the steps that were begun: what the cache holds behind it may be wrong. */
  #firmCached: number
  #drafter: Drafter | null = null
  /** A frame of this epoch has come: it said where the epoch begins. */
  #hasBegun = false
  /** The prompt's last chunk has come: what follows are tokens, one by one. */
  #hasSampled = false
  /** The first stage takes one token per sampled position, no more. */
  #isTokenDue = false
  /** Tokens that the sampler must count before it chooses one. */
  #uncounted: number

  constructor(
    open: OpenMessage,
    origin: PeerId,
    parts: Partial<Prefix> & { cache: StageCache; sampler: Sampler | null; rowBytes: number },
    nowMs: number
  ) {
    this.open = open
    this.origin = origin
    this.cache = parts.cache
    this.sampler = parts.sampler
    this.openedMs = nowMs
    this.lastMs = nowMs
    this.kept = this.isLast ? null : new KeptOutputs(parts.rowBytes, parts.cache.length)
    this.trail = open.isAudited ? new AuditTrail() : null
    this.#nextPosition = open.position
    this.#firmPosition = open.position
    this.#firmCached = parts.cache.length
    this.#uncounted = this.isLast ? open.sampledTokens : 0
    this.#setDrafter()
    if (parts.ids !== undefined) this.#drafter?.learn(0, parts.ids)
  }

  /** Of the first positions; none where they are not known here. */
  get ids(): readonly number[] {
    return this.#drafter?.idsUpTo(this.certainTokens) ?? []
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

  /** Of the last `open` that was taken. */
  get newestEpoch(): number {
    return (this.reopening ?? this.open).epoch
  }

  get state(): (typeof SESSION_STATES)[number] {
    if (this.orphanedMs !== null) return 'orphan'
    return this.#hasBegun ? 'answering' : 'kept'
  }

  /** Nobody asks for this any more: what it has stays, and nothing is due until another origin opens it. */
  orphan(nowMs: number): void {
    this.orphanedMs = nowMs
    this.isStalled = true
    this.reopening = null
    this.giveUpWork()
  }

  /** Another peer goes on with it, from its next `open` on. */
  adopt(origin: PeerId): void {
    this.origin = origin
    this.orphanedMs = null
  }

  /** Whose loss stalls this session here: those it takes from or gives to. */
  isNeighbour(peer: PeerId): boolean {
    const samplesForUs = this.isFirst && this.open.route.at(-1)?.peer === peer
    const isSampledFor = this.isLast && peer === this.first
    return peer === this.previous || peer === this.next || samplesForUs || isSampledFor
  }

  /** Positions of the cache that are no drafts. */
  get certainTokens(): number {
    return Math.min(this.cache.length, this.#firmCached)
  }

  /** Forgets what the cache holds from `position` on, and drafts; no step may run. */
  truncate(position: number): void {
    const end = Math.min(position, this.certainTokens)
    if (end < this.cache.length) this.cache.truncate(end)
  }

  /** Begins an epoch whose cache is already truncated to its position. */
  restart(open: OpenMessage, nowMs: number): void {
    this.open = open
    this.stats = noStats()
    this.lastMs = nowMs
    this.#queue = []
    this.#nextPosition = open.position
    this.#firmPosition = open.position
    this.#firmCached = this.cache.length
    this.#setDrafter()
    this.#uncounted = this.isLast ? open.sampledTokens : 0
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

  /** Null also where the next step samples, and what penalties count is not here yet. */
  nextWork(): Work | null {
    const [work] = this.#queue
    return work === undefined || (work.sample && this.#uncounted > 0) ? null : work
  }

  /** @param most positions of a prompt: what it has beyond them stays. */
  takeWork(most: number): Work | null {
    const work = this.nextWork()
    if (work === null) return null
    const { now, rest } = cutWork(work, most)
    this.#queue.splice(0, 1, ...(rest === null ? [] : [rest]))
    return now
  }

  /** Drops drafts that this step replaces from the cache, which no step may use. @throws NATIVE_FAILED */
  dropReplaced(work: Work): void {
    if (work.position < this.cache.length) this.cache.truncate(work.position)
    this.#firmCached = firmEnd(work)
  }

  /** A draft that cannot be computed is none: its certain position alone is the next step. */
  retryWithoutDraft(work: Work): void {
    this.#queue.unshift(withoutDraft(work))
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
    const work = { position, nTokens: ids.length, ids, input: null, draft: null, sample, stop }
    this.#add({ ...work, company: 0 }, nowMs)
    this.#drafter?.learn(position, ids)
    return true
  }

  /** Tokens chosen before this epoch. Returns and throws as takeIds. */
  takeSampled(from: PeerId, message: SampledMessage, vocabSize: number): boolean {
    if (this.sampler === null || from !== this.origin || !this.#isCurrent(message.epoch)) {
      return false
    }
    const { length } = message.ids
    if (length > this.#uncounted) {
      throw new SwarmError('WIRE_BAD_FRAME', 'more sampled tokens than there are')
    }
    for (const id of message.ids) {
      if (id >= vocabSize) throw new SwarmError('WIRE_BAD_FRAME', `id ${id} is not a token here`)
    }
    this.sampler.count(message.ids)
    this.#uncounted -= length
    return true
  }

  /** @returns whether these outputs are to be sent again now. @throws STAGE_POSITION_GAP */
  takeReplay(from: PeerId, message: ReplayMessage | WarmMessage): boolean {
    if (from !== this.origin || !this.#isCurrent(message.epoch)) return false
    const { type, position, end, stop } = message
    const isKept = this.kept !== null && position >= this.kept.start && end <= this.kept.end
    // To a peer that warms up, they go along another route.
    if (isKept && (type === 'warm' || stop < this.open.route.length)) return true
    const text = `outputs ${position} to ${end} are no longer kept here`
    throw new SwarmError('STAGE_POSITION_GAP', text)
  }

  /** The upstream stage's output. Returns and throws as takeIds. */
  takeActivation(
    from: PeerId,
    message: ActivationMessage,
    { dim, vocabSize }: { dim: number; vocabSize: number },
    nowMs: number
  ): boolean {
    if (from !== this.previous || !this.#isCurrent(message.epoch)) return false
    if (message.dim !== dim) {
      throw new SwarmError('WIRE_BAD_FRAME', `an activation is ${message.dim} wide, not ${dim}`)
    }
    const { position, nTokens, payload, sample, stop, company } = message
    const draft = readDraft(message)
    for (const id of draft ?? []) {
      if (id < 0 || id >= vocabSize)
        throw new SwarmError('WIRE_BAD_FRAME', `id ${id} is not a token here`)
    }
    const input = payload.subarray(0, rowsBytes(message))
    this.#add({ position, nTokens, ids: null, input, draft, sample, stop, company }, nowMs)
    return true
  }

  /** The last stage's tokens, which are the first stage's next input. Returns and throws as takeIds. */
  takeToken(from: PeerId, message: TokenMessage, vocabSize: number, nowMs: number): boolean {
    const isFromLast = this.isFirst && !this.isLast && from === this.open.route.at(-1)?.peer
    if (!isFromLast || !this.#isCurrent(message.epoch)) return false
    const { position, tokens, finish } = message
    const strange = tokens.find(({ id }) => id >= vocabSize)
    if (!this.#isTokenDue || strange !== undefined) {
      const text = `token ${(strange ?? tokens[0])?.id} came when none was due`
      throw new SwarmError('WIRE_BAD_FRAME', text)
    }
    this.#isTokenDue = false
    if (finish === 'none') this.continueWith(tokens, position, nowMs)
    return true
  }

  /** Queues the decode step behind tokens, the first at `position`. @throws STAGE_POSITION_GAP, STAGE_FULL */
  continueWith(tokens: readonly SampledToken[], position: number, nowMs: number): void {
    const chosen = tokens.map(({ id }) => id)
    if (position !== this.#firmPosition) throw this.#gap(position)
    this.#drafter?.answered(position, chosen, nowMs)
    const last = position + chosen.length - 1
    const { stopIds, positionEnd, route } = this.open
    // The last token of a draft that is right throughout is one more, and ends before positionEnd.
    const room = positionEnd - last - 2
    const draft = this.#drafter?.draft(room, stopIds, nowMs) ?? new Int32Array(0)
    const ids = Int32Array.from([...chosen.slice(-1), ...draft])
    const guessed = draft.length > 0 ? draft : null
    const rest = { input: null, draft: guessed, stop: route.length - 1, company: 0 }
    this.#add({ position: last, nTokens: ids.length, ids, sample: true, ...rest }, nowMs)
  }

  /** Whether the origin may say more of what the answer is made of. */
  takesLog(from: PeerId, { epoch }: LogMessage): boolean {
    return from === this.origin && this.#isCurrent(epoch)
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
    this.#firmPosition = position
    this.#hasBegun = true
  }

  #add(part: Arrival, nowMs: number): void {
    const { position, nTokens, draft, sample, stop } = part
    const { index, route } = this.open
    // What ends at another stage than the last has no logits to sample from.
    if (stop < index || stop >= route.length || (sample && stop !== route.length - 1)) {
      throw new SwarmError('WIRE_BAD_FRAME', `positions at stage ${index} cannot end at ${stop}`)
    }
    if (!this.#hasBegun) this.#beginAt(position)
    if (position < this.#firmPosition || position > this.#nextPosition) throw this.#gap(position)
    if (draft !== null && !this.#hasSampled)
      throw new SwarmError('WIRE_BAD_FRAME', 'a drafted prompt')
    if (draft !== null) checkDraft(this.open, position, draft)
    if (position + nTokens > this.cache.capacityTokens) {
      const text = `the session outgrew its ${this.cache.capacityTokens} reserved positions`
      throw new SwarmError('STAGE_FULL', text)
    }
    // The origin lets as many chunks travel as there are stages, and one more.
    if (this.#queue.length > this.open.route.length) {
      throw new SwarmError('WIRE_TOO_LARGE', 'more chunks at once than the route has stages')
    }
    const kind = this.#hasSampled ? 'decode' : 'prefill'
    this.#queue.push({ ...part, kind, before: 0, after: 0, arrivedMs: nowMs })
    this.#nextPosition = position + nTokens
    this.#firmPosition = firmEnd(part)
    this.#hasSampled ||= sample
    this.#isTokenDue = sample
    this.lastMs = nowMs
  }

  #gap(position: number): SwarmError {
    const text = `position ${position} came where ${this.#firmPosition} was due`
    return new SwarmError('STAGE_POSITION_GAP', text)
  }

  /** Kept from epoch to epoch: an answer that goes on knows what stood before. */
  #setDrafter(): void {
    const isUsed = this.isFirst && this.open.speculates
    this.#drafter = isUsed ? (this.#drafter ?? new Drafter()) : null
  }
}
