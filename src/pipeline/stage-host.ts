// Flow A, serving side: the sessions that this peer computes for, its own and others'. Owns their
// admission, their table and their end; the steps are step-runner.ts, the order of frames is
// hosted-session.ts. Does not know plans, how an origin recovers (session.ts), or sockets (peer/).
//
// A frame that is not due (late, of another epoch, from a stranger) is dropped without a word, because
// late frames are normal; a due sender that breaks the order ends the session with `failed` to its
// origin. A session whose step runs is reopened or freed when that step settles.

import { every, type Clock, type Timer } from '../base/clock.ts'
import { SwarmError, toSwarmError } from '../base/errors.ts'
import { SESSION_IDLE_MS } from '../base/limits.ts'
import { clip } from '../base/text.ts'
import { containsAll, formatRange, intersect, type LayerRange } from '../model/layer-range.ts'
import { shortId, type PeerId, type SessionId } from '../wire/ids.ts'
import { checkFit, checkLinked, ownStage, shortageOf, type Standing } from './admission.ts'
import { HostedSession, noStats } from './hosted-session.ts'
import { PrefixShelf } from './prefix-shelf.ts'
import { greediestOf, idleSessionsFor } from './pressure.ts'
import { goneError } from './route.ts'
import { StepRunner, type OriginMessage } from './step-runner.ts'

import type { Log } from '../base/log.ts'
import type { Sampler, Stage, StageCache } from '../compute/stage.ts'
import type { OpenMessage, SessionMessage, StageStats } from '../wire/session.ts'
import type { Hops } from './hop.ts'

// Often enough that an idle session outlives its bound by a tenth at most.
const IDLE_CHECK_MS = SESSION_IDLE_MS / 10
// A sentence; the codec's bound is in bytes and four times as much.
const ERROR_TEXT_CHARS = 400

/** The messages that a stage host takes. */
export type HostMessage = Extract<
  SessionMessage,
  { type: 'open' | 'ids' | 'activation' | 'token' | 'close' }
>

export interface StageHostOptions {
  stage: Stage
  hops: Hops
  clock: Clock
  log: Log
  /** 64 hex digits of the model that the stage serves. */
  modelId: string
  arithmeticVersion: number
  /** Weights and KV together may take this much; what weights leave is the KV budget. */
  memoryBytes: number
}

export class StageHost {
  readonly #options: StageHostOptions
  readonly #sessions = new Map<SessionId, HostedSession>()
  readonly #shelf = new PrefixShelf()
  readonly #steps: StepRunner
  readonly #idleTimer: Timer
  #restriction: readonly LayerRange[] | null = null
  #waiting: (() => void)[] = []
  #isClosed = false

  constructor(options: StageHostOptions) {
    this.#options = options
    this.#steps = new StepRunner({
      stage: options.stage,
      hops: options.hops,
      clock: options.clock,
      toOrigin: (session, message) => this.#toOrigin(session, message),
      onError: (session, error) => this.#fail(session, error),
      onSettled: (session) => this.#settle(session)
    })
    this.#idleTimer = every(options.clock, IDLE_CHECK_MS, () => this.#expire())
  }

  /** Sessions with a cache here. */
  get sessions(): number {
    return this.#sessions.size
  }

  /** Caches of ended sessions that wait for a prompt which begins alike. */
  get shelved(): number {
    return this.#shelf.size
  }

  /** (nLayers,) how often each layer was read by steps that ran here. */
  get layerReads(): number[] {
    return this.#steps.reads.perLayer()
  }

  /** @param from proven by the hop. */
  handle(from: PeerId, message: HostMessage): void {
    if (this.#isClosed) return
    const session = this.#sessions.get(message.session)
    if (message.type === 'open') {
      if (session) this.#reopen(session, from, message)
      else this.#admit(from, message)
    } else if (!session) {
      // Only the origin sends ids, so it is told; anybody else's frame may simply be late.
      if (message.type === 'ids') this.#refuse(from, message, unknownSession())
    } else if (message.type === 'close') {
      if (from === session.origin) this.#end(session, 'closed')
    } else {
      this.#take(session, from, message)
    }
  }

  /** Frees the sessions of an origin that is gone, and fails those that lost a neighbour. */
  gone(peer: PeerId): void {
    this.#shelf.dropOf(peer)
    for (const session of this.#sessions.values()) {
      if (session.origin === peer) this.#end(session, 'silent')
      else if (session.isNeighbour(peer)) this.#fail(session, goneError(peer, session.open.route))
    }
  }

  /** From now on admits only sessions inside `keep`, before other layers are dropped; null: all held. */
  restrict(keep: readonly LayerRange[] | null): void {
    this.#restriction = keep
    if (keep !== null) this.#shelf.dropOutside(keep)
  }

  /** Resolves when no session uses layers outside the restriction; rejects when the signal aborts. */
  async idle(signal?: AbortSignal): Promise<void> {
    while (this.#outside().length > 0) {
      await new Promise<void>((resolve, reject) => {
        const onAbort = () => reject(signal?.reason)
        if (signal?.aborted) return onAbort()
        signal?.addEventListener('abort', onAbort, { once: true })
        this.#waiting.push(() => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        })
      })
    }
  }

  /** Fails the sessions outside the restriction: their origins open them elsewhere. */
  evict(): void {
    for (const session of this.#outside()) {
      const text = `layers ${formatRange(session.stage)} are being replaced here: ask again`
      this.#fail(session, new SwarmError('STAGE_NOT_LOADED', text))
    }
  }

  /** Frees everything; resolves when the last running step has settled. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#idleTimer.cancel()
    for (const session of this.#sessions.values()) this.#end(session, 'silent')
    this.restrict([])
    await this.idle()
  }

  #outside(): HostedSession[] {
    const keep = this.#restriction
    if (keep === null) return []
    return [...this.#sessions.values()].filter(({ stage }) => !containsAll(keep, [stage]))
  }

  #admit(from: PeerId, open: OpenMessage): void {
    try {
      const session = this.#openSession(from, open)
      this.#sessions.set(open.session, session)
      this.#toOrigin(session, openedOf(session, noStats()))
    } catch (error) {
      this.#refuse(from, open, toSwarmError(error, 'NATIVE_FAILED'))
    }
  }

  /** @throws why this peer does not take the session. */
  #openSession(origin: PeerId, open: OpenMessage): HostedSession {
    const { stage, clock } = this.#options
    const { start, end } = ownStage(open)
    checkFit(open, this.#standing())
    if (open.position !== 0) throw unknownSession()
    checkLinked(open, (peer) => this.#reaches(peer))
    const cache =
      this.#forkPrefix(origin, open) ??
      stage.openCache({ start, end }, open.contextTokens, open.kvType)
    try {
      this.#makeRoom(open, cache.sizeBytes)
      const sampler = this.#openSampler(open)
      return new HostedSession(open, origin, { cache, sampler }, clock.now())
    } catch (error) {
      cache.close()
      throw error
    }
  }

  /** What an earlier session of this origin left here, or one that goes on; null: nothing that fits. */
  #forkPrefix(origin: PeerId, open: OpenMessage): StageCache | null {
    const { prefix, contextTokens, kvType } = open
    if (prefix === null) return null
    const { start, end } = ownStage(open)
    const running = this.#sessions.get(prefix.session)
    // Where an epoch is about to begin, the ids behind the cache are about to change.
    const isSteady = running?.origin === origin && running.reopening === null
    const shelved = this.#shelf.find(prefix.session, origin, this.#options.clock.now())
    const source = isSteady ? running.cache : shelved
    const isAlike = source?.range.start === start && source.range.end === end
    if (!isAlike || source.kvType !== kvType) return null
    return source.fork(prefix.tokens, contextTokens)
  }

  /** Frees what was kept of ended sessions, then idle ones, where that makes room. @throws STAGE_FULL */
  #makeRoom(open: OpenMessage, needBytes: number): void {
    const shortOf = ({ kvBudgetBytes, kvUsedBytes }: Standing) => {
      return needBytes - (kvBudgetBytes - kvUsedBytes)
    }
    this.#shelf.free(shortOf(this.#standing()))
    const standing = this.#standing()
    this.#options.stage.limitKv(standing.kvBudgetBytes)
    const shortage = shortageOf(open, standing, needBytes)
    if (shortage === null) return
    const shortBytes = shortOf(standing)
    const sessions = [...this.#sessions.values()]
    const idle = idleSessionsFor(sessions, shortBytes, this.#options.clock.now())
    if (idle.length === 0) throw shortage
    for (const session of idle) this.#fail(session, unknownSession())
  }

  #reaches(peer: PeerId): boolean {
    try {
      this.#options.hops.to(peer)
      return true
    } catch {
      return false
    }
  }

  #standing(): Standing {
    const { stage, hops, modelId, arithmeticVersion, memoryBytes } = this.#options
    return {
      self: hops.self,
      modelId,
      arithmeticVersion,
      nLayers: stage.nLayers,
      admitted: this.#restriction === null ? stage.held : intersect(stage.held, this.#restriction),
      nSessions: this.#sessions.size,
      kvBudgetBytes: memoryBytes - stage.weightBytes,
      kvUsedBytes: [...this.#sessions.values()].reduce(
        (sum, { cache }) => sum + cache.sizeBytes,
        this.#shelf.sizeBytes
      )
    }
  }

  #openSampler(open: OpenMessage): Sampler | null {
    const isLast = open.index === open.route.length - 1
    return isLast ? this.#options.stage.openSampler(open.sampling) : null
  }

  #reopen(session: HostedSession, from: PeerId, open: OpenMessage): void {
    const latest = session.reopening ?? session.open
    if (from === session.origin && open.epoch <= latest.epoch) return
    if (from !== session.origin || session.ending !== null) {
      return this.#refuse(from, open, new SwarmError('PEER_REFUSED', 'the session id is in use'))
    }
    session.reopening = open
    session.giveUpWork()
    this.#settle(session)
  }

  /** Applies what was due once no step uses the cache any more. */
  #settle(session: HostedSession): void {
    if (session.isRunning) return
    if (session.ending !== null) return this.#free(session)
    if (session.reopening !== null) this.#applyReopening(session, session.reopening)
  }

  #applyReopening(session: HostedSession, open: OpenMessage): void {
    session.reopening = null
    const { cache, stats, stage } = session
    const next = ownStage(open)
    const sameRange = stage.start === next.start && stage.end === next.end
    const fits = sameRange && open.contextTokens <= cache.capacityTokens
    if (!fits || open.kvType !== session.open.kvType) {
      // Another shape of cache: the old one goes and the session is admitted like a new one.
      session.ending = 'silent'
      this.#free(session)
      return this.#admit(session.origin, open)
    }
    try {
      checkFit(open, this.#standing())
      if (open.position > cache.length) {
        const text = `only ${cache.length} of ${open.position} positions are still cached here`
        throw new SwarmError('STAGE_POSITION_GAP', text)
      }
      cache.truncate(open.position)
      session.sampler?.close()
      session.sampler = null
      session.sampler = this.#openSampler(open)
      session.restart(open, this.#options.clock.now())
      this.#toOrigin(session, openedOf(session, stats))
    } catch (error) {
      session.open = open
      this.#fail(session, error)
    }
  }

  #take(
    session: HostedSession,
    from: PeerId,
    message: Extract<HostMessage, { type: 'ids' | 'activation' | 'token' }>
  ): void {
    const { stage, clock } = this.#options
    const nowMs = clock.now()
    try {
      let isTaken: boolean
      if (message.type === 'ids') {
        isTaken = session.takeIds(from, message, stage.vocabSize, nowMs)
      } else if (message.type === 'activation') {
        isTaken = session.takeActivation(from, message, stage.dim, nowMs)
      } else {
        isTaken = session.takeToken(from, message, stage.vocabSize, nowMs)
      }
      if (isTaken) this.#steps.schedule(session)
    } catch (error) {
      this.#fail(session, error)
    }
    if (message.type !== 'activation') return
    const greediest = greediestOf([...this.#sessions.values()])
    if (greediest === null) return
    const text = 'too many activations wait for their step here: ask again later'
    this.#fail(greediest, new SwarmError('STAGE_FULL', text))
  }

  #toOrigin(session: HostedSession, message: OriginMessage): void {
    try {
      this.#options.hops.to(session.origin).send(message)
    } catch {
      // Nobody is left to tell; the origin's sessions are freed as when it is reported gone.
      this.#end(session, 'silent')
    }
  }

  #refuse(from: PeerId, { session, epoch }: RefusedMessage, error: SwarmError): void {
    const text = clip(error.message, ERROR_TEXT_CHARS)
    try {
      this.#options.hops.to(from).send({ type: 'failed', session, epoch, code: error.code, text })
    } catch {
      // Gone before it could be told: it will notice by itself.
    }
  }

  #fail(session: HostedSession, cause: unknown): void {
    if (session.ending !== null) return
    const error = toSwarmError(cause, 'NATIVE_FAILED')
    this.#options.log.debug(`session ${shortId(session.open.session)} failed: ${error.message}`)
    const { session: id, epoch } = session.reopening ?? session.open
    this.#refuse(session.origin, { session: id, epoch }, error)
    this.#end(session, 'silent')
  }

  #end(session: HostedSession, ending: 'closed' | 'silent'): void {
    if (session.ending !== null) return
    session.ending = ending
    session.giveUpWork()
    this.#settle(session)
  }

  #free(session: HostedSession): void {
    const { session: id, index } = session.open
    this.#steps.remove(session)
    this.#sessions.delete(id)
    const { cache, origin } = session
    const isKept = session.ending === 'closed' && session.open.isReusable && cache.length > 0
    if (isKept && !this.#isClosed) this.#shelf.put(id, origin, cache, this.#options.clock.now())
    else cache.close()
    session.sampler?.close()
    if (session.ending === 'closed') {
      this.#toOrigin(session, { type: 'closed', session: id, index, stats: session.stats })
    }
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #expire(): void {
    const { clock } = this.#options
    this.#shelf.dropUnused(clock.now() - SESSION_IDLE_MS)
    const { kvBudgetBytes, kvUsedBytes } = this.#standing()
    this.#shelf.free(kvUsedBytes - kvBudgetBytes)
    for (const session of this.#sessions.values()) {
      if (!session.isRunning && clock.now() - session.lastMs > SESSION_IDLE_MS) {
        this.#fail(session, unknownSession())
      }
    }
  }
}

type RefusedMessage = Pick<OpenMessage, 'session' | 'epoch'>

function unknownSession(): SwarmError {
  const text = 'the session is not held here, or was idle for too long: start it again'
  return new SwarmError('STAGE_UNKNOWN_SESSION', text)
}

function openedOf({ open, cache }: HostedSession, stats: StageStats) {
  const { session, epoch, index } = open
  return { type: 'opened', session, epoch, index, cachedTokens: cache.length, stats } as const
}
