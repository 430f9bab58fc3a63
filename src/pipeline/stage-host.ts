// Flow A, serving side: the sessions that this peer computes for, its own and others'. Owns their
// admission and their end; the steps are step-runner.ts, the order of frames is hosted-session.ts, what
// there is room for stage-room.ts. Does not know plans, how an origin recovers (session.ts), or sockets.
//
// A frame that is not due (late, of another epoch, from a stranger) is dropped without a word, because
// late frames are normal; a due sender that breaks the order ends the session with `failed` to its
// origin. A session whose step runs is reopened or freed when that step settles; one that lost a
// neighbour keeps what it has until its origin opens it on another route.

import { every, type Timer } from '../base/clock.ts'
import { SwarmError, toSwarmError } from '../base/errors.ts'
import { SESSION_IDLE_MS } from '../base/limits.ts'
import { clip } from '../base/text.ts'
import { containsAll, formatRange, type LayerRange } from '../model/layer-range.ts'
import { shortId, type PeerId } from '../wire/ids.ts'
import { activationBytes } from '../wire/session-codec.ts'
import { checkFit, checkLinked, ownStage } from './admission.ts'
import { HostedSession, noStats } from './hosted-session.ts'
import { greediestOf } from './pressure.ts'
import { goneError } from './route.ts'
import { SessionTable } from './session-table.ts'
import { StageRoom, type StageRoomOptions } from './stage-room.ts'
import { StepRunner, type OriginMessage } from './step-runner.ts'

import type { Log } from '../base/log.ts'
import type { Sampler } from '../compute/stage.ts'
import type {
  AuditMessage,
  OpenMessage,
  RouteStage,
  SessionMessage,
  StageStats
} from '../wire/session.ts'

// Often enough that an idle session outlives its bound by a tenth at most.
const IDLE_CHECK_MS = SESSION_IDLE_MS / 10
// A sentence; the codec's bound is in bytes and four times as much.
const ERROR_TEXT_CHARS = 400

/** The messages that a stage host takes. */
export type HostMessage = Extract<
  SessionMessage,
  { type: 'open' | 'sampled' | 'ids' | 'replay' | 'audit' | 'activation' | 'token' | 'close' }
>

export interface StageHostOptions extends StageRoomOptions {
  log: Log
}

export class StageHost {
  readonly #options: StageHostOptions
  readonly #sessions = new SessionTable()
  readonly #room: StageRoom
  readonly #steps: StepRunner
  readonly #idleTimer: Timer
  #waiting: (() => void)[] = []
  #isClosed = false

  constructor(options: StageHostOptions) {
    this.#options = options
    this.#room = new StageRoom(options, this.#sessions, (session) =>
      this.#fail(session, unknownSession())
    )
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
    return this.#room.shelf.size
  }

  /** (nLayers,) how often each layer was read by steps that ran here. */
  get layerReads(): number[] {
    return this.#steps.reads.perLayer()
  }

  /** @param from proven by the hop. */
  handle(from: PeerId, message: HostMessage): void {
    if (this.#isClosed) return
    const sessions = this.#sessions.of(message.session)
    if (message.type === 'open') return this.#open(from, message)
    if (message.type === 'close') {
      for (const session of sessions) if (from === session.origin) this.#end(session, 'closed')
      return
    }
    if (message.type === 'audit') return this.#testify(from, message)
    // Only the origin sends ids, so it is told; anybody else's frame may simply be late.
    if (message.type === 'ids' && sessions.length === 0) {
      return this.#refuse(from, message, unknownSession())
    }
    const session = this.#receiverOf(message)
    if (session !== null) this.#take(session, from, message)
  }

  /** Frees the sessions of an origin that is gone; those that lost a neighbour wait for another route. */
  gone(peer: PeerId): void {
    this.#room.shelf.dropOf(peer)
    for (const session of this.#sessions.all()) {
      const { route } = session.reopening ?? session.open
      if (session.origin === peer) this.#end(session, 'silent')
      else if (session.isNeighbour(peer)) this.#fail(session, goneError(peer, route))
    }
  }

  /** From now on admits only sessions inside `keep`, before other layers are dropped; null: all held. */
  restrict(keep: readonly LayerRange[] | null): void {
    this.#room.restriction = keep
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
    for (const session of this.#sessions.all()) this.#end(session, 'silent')
    this.restrict([])
    await this.idle()
  }

  #outside(): HostedSession[] {
    const keep = this.#room.restriction
    if (keep === null) return []
    return this.#sessions.all().filter(({ stage }) => !containsAll(keep, [stage]))
  }

  #receiverOf(message: Frame): HostedSession | null {
    const { session, epoch, type } = message
    if (type === 'ids' || type === 'token') return this.#sessions.find(session, epoch, 0)
    if (type !== 'sampled') return this.#sessions.find(session, epoch, message.index)
    const isLast = ({ open, isLast }: HostedSession) => isLast && open.epoch === epoch
    return this.#sessions.of(session).find(isLast) ?? null
  }

  /** A new session, a further stage of one, or the next epoch of a stage that is here. */
  #open(from: PeerId, open: OpenMessage): void {
    const sessions = this.#sessions.of(open.session)
    const newest = Math.max(...sessions.map(({ open, reopening }) => (reopening ?? open).epoch))
    const own = this.#sessions.withLayers(open.session, ownStage(open))
    const isKnown = own !== null && open.epoch <= (own.reopening ?? own.open).epoch
    const isOthers = sessions.some(({ origin }) => origin !== from)
    if (!isOthers && (isKnown || open.epoch < newest)) return
    if (isOthers || (own !== null && own.ending !== null)) {
      return this.#refuse(from, open, new SwarmError('PEER_REFUSED', 'the session id is in use'))
    }
    for (const session of sessions) {
      const isOnRoute = ({ peer, start, end }: RouteStage) => {
        const { stage } = session
        return peer === stage.peer && start === stage.start && end === stage.end
      }
      if (!open.route.some(isOnRoute)) this.#end(session, 'silent')
    }
    if (own === null) this.#admit(from, open)
    else this.#reopen(own, open)
  }

  #admit(from: PeerId, open: OpenMessage): void {
    try {
      const session = this.#openSession(from, open)
      this.#sessions.add(session)
      this.#toOrigin(session, openedOf(session, noStats()))
    } catch (error) {
      this.#refuse(from, open, toSwarmError(error, 'NATIVE_FAILED'))
    }
  }

  /** @throws why this peer does not take the session. */
  #openSession(origin: PeerId, open: OpenMessage): HostedSession {
    const { stage, clock } = this.#options
    checkFit(open, this.#room.standing)
    checkLinked(open, (peer) => this.#reaches(peer))
    const cache = this.#room.openCache(origin, open)
    try {
      const sampler = this.#openSampler(open)
      const rowBytes = activationBytes({ nTokens: 1, dim: stage.dim })
      return new HostedSession(open, origin, { cache, sampler, rowBytes }, clock.now())
    } catch (error) {
      cache.close()
      throw error
    }
  }

  #reaches(peer: PeerId): boolean {
    try {
      this.#options.hops.to(peer)
      return true
    } catch {
      return false
    }
  }

  #openSampler(open: OpenMessage): Sampler | null {
    const isLast = open.index === open.route.length - 1
    return isLast ? this.#options.stage.openSampler(open.sampling, open.logitsHash) : null
  }

  #reopen(session: HostedSession, open: OpenMessage): void {
    session.reopening = open
    session.giveUpWork()
    this.#settle(session)
  }

  /** Applies what was due once no step uses the cache any more. */
  #settle(session: HostedSession): void {
    if (session.isRunning) return
    this.#room.limitKept()
    if (session.ending !== null) return this.#free(session)
    if (session.reopening !== null) this.#applyReopening(session, session.reopening)
  }

  #applyReopening(session: HostedSession, open: OpenMessage): void {
    session.reopening = null
    const { cache, stats } = session
    if (open.contextTokens > cache.capacityTokens || open.kvType !== session.open.kvType) {
      // Another shape of cache: the old one goes and the session is admitted like a new one.
      session.ending = 'silent'
      this.#free(session)
      return this.#admit(session.origin, open)
    }
    try {
      checkFit(open, this.#room.standing)
      checkLinked(open, (peer) => this.#reaches(peer))
      if (open.position < cache.length) cache.truncate(open.position)
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

  #take(session: HostedSession, from: PeerId, message: Frame): void {
    const { stage, clock } = this.#options
    const nowMs = clock.now()
    try {
      if (message.type === 'sampled') {
        session.takeSampled(from, message, stage.vocabSize)
        return
      }
      if (message.type === 'replay') {
        if (session.takeReplay(from, message)) this.#steps.replay(session, message)
        return
      }
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
    const greediest = greediestOf(this.#sessions.all())
    if (greediest === null) return
    const text = 'too many activations wait for their step here: ask again later'
    this.#fail(greediest, new SwarmError('STAGE_FULL', text))
  }

  /** Says what was computed here; not where it was not, or to anybody but the origin. */
  #testify(from: PeerId, { session: id, epoch, index, position }: AuditMessage): void {
    const session = this.#sessions.find(id, epoch, index)
    const claim = session?.origin === from ? session.trail?.at(position) : null
    if (session === null || !claim) return
    this.#toOrigin(session, { type: 'audited', session: id, epoch, index, position, ...claim })
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
    const { code } = error
    const peer = error.peer as PeerId | null
    try {
      this.#options.hops.to(from).send({ type: 'failed', session, epoch, peer, code, text })
    } catch {
      // Gone before it could be told: it will notice by itself.
    }
  }

  /** Tells the origin; frees the session unless another route is all it needs. */
  #fail(session: HostedSession, cause: unknown): void {
    const error = toSwarmError(cause, 'NATIVE_FAILED')
    const isKept = error.code === 'PEER_GONE' || error.code === 'PEER_NO_LINK'
    if (session.ending !== null || (session.isStalled && isKept)) return
    this.#options.log.debug(`session ${shortId(session.open.session)} failed: ${error.message}`)
    const { session: id, epoch } = session.reopening ?? session.open
    this.#refuse(session.origin, { session: id, epoch }, error)
    if (!isKept) return this.#end(session, 'silent')
    session.isStalled = true
    session.giveUpWork()
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
    this.#sessions.remove(session)
    const { cache, origin } = session
    const isKept = session.ending === 'closed' && session.open.isReusable && cache.length > 0
    if (isKept && !this.#isClosed)
      this.#room.shelf.put(id, origin, cache, this.#options.clock.now())
    else cache.close()
    session.sampler?.close()
    if (session.ending === 'closed') {
      this.#toOrigin(session, { type: 'closed', session: id, index, stats: session.stats })
    }
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #expire(): void {
    const { clock } = this.#options
    this.#room.tidy()
    for (const session of this.#sessions.all()) {
      if (!session.isRunning && clock.now() - session.lastMs > SESSION_IDLE_MS) {
        this.#fail(session, unknownSession())
      }
    }
  }
}

type RefusedMessage = Pick<OpenMessage, 'session' | 'epoch'>
type Frame = Exclude<HostMessage, { type: 'open' | 'audit' | 'close' }>

function unknownSession(): SwarmError {
  const text = 'the session is not held here, or was idle for too long: start it again'
  return new SwarmError('STAGE_UNKNOWN_SESSION', text)
}

function openedOf({ open, cache, kept }: HostedSession, stats: StageStats) {
  const { session, epoch, index } = open
  const [keptStart, keptEnd] = kept === null ? [0, 0] : [kept.start, kept.end]
  const cachedTokens = cache.length
  return { type: 'opened', session, epoch, index, cachedTokens, keptStart, keptEnd, stats } as const
}
