// Flow A, serving side: the sessions that this peer computes for, its own and others'. Owns their
// admission and their end; the steps are step-runner.ts, the order of frames is hosted-session.ts, what
// there is room for stage-room.ts. Does not know plans, how an origin recovers (session.ts), or sockets.
//
// A frame that is not due (late, of another epoch, from a stranger) is dropped without a word, because
// late frames are normal; a due sender that breaks the order ends the session with `failed` to its
// origin. A session whose step runs is reopened or freed when that step settles; one that lost a neighbour
// keeps what it has until it is opened on another route, by another peer where its origin is lost.

import { every, type Timer } from '../base/clock.ts'
import { SwarmError, toSwarmError } from '../base/errors.ts'
import { ORPHAN_MS, SESSION_IDLE_MS } from '../base/limits.ts'
import { clip } from '../base/text.ts'
import { containsAll, formatRange, type LayerRange } from '../model/layer-range.ts'
import { shortId, type PeerId } from '../wire/ids.ts'
import { ownStage } from './admission.ts'
import { greediestOf } from './pressure.ts'
import { goneError } from './route.ts'
import { SessionLogs } from './session-logs.ts'
import { SavedCaches, type SavedCachesOptions } from './saved-caches.ts'
import { SessionOpener, openedOf } from './session-opener.ts'
import { SessionTable } from './session-table.ts'
import { StageRoom } from './stage-room.ts'
import { StepRunner, type OriginMessage } from './step-runner.ts'
import { takeOverRefusal } from './take-over.ts'

import type { HostedSession } from './hosted-session.ts'
import type {
  CloseMessage,
  FailedMessage,
  ListedMessage,
  LogMessage,
  OpenMessage,
  RecalledMessage,
  RouteStage,
  SavedMessage,
  SessionMessage
} from '../wire/session.ts'

// Often enough that an idle session outlives its bound by a tenth at most.
const IDLE_CHECK_MS = SESSION_IDLE_MS / 10
const ERROR_TEXT_CHARS = 400 // a sentence; the codec's bound is in bytes and four times as much

/** The messages that a stage host takes. */
export type HostMessage = Extract<
  SessionMessage,
  { type: FrameType | 'open' | 'close' | 'log' | 'recall' | 'list' | 'save' }
>

type FrameType = 'sampled' | 'ids' | 'replay' | 'activation' | 'token'

export type StageHostOptions = SavedCachesOptions

export class StageHost {
  readonly #options: StageHostOptions
  readonly #sessions = new SessionTable()
  readonly #logs: SessionLogs
  readonly #room: StageRoom
  readonly #opener: SessionOpener
  readonly #steps: StepRunner
  readonly #saved: SavedCaches
  readonly #idleTimer: Timer
  #waiting: (() => void)[] = []
  #isClosed = false

  constructor(options: StageHostOptions) {
    this.#options = options
    this.#logs = new SessionLogs(this.#sessions, options.clock)
    this.#room = new StageRoom(options, this.#sessions, (session) =>
      this.#fail(session, unknownSession())
    )
    const { stage, hops, clock } = options
    this.#opener = new SessionOpener({ stage, hops, clock, room: this.#room })
    this.#saved = new SavedCaches(options, this.#room, (to, message) => this.#tell(to, message))
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
    if (message.type === 'list') return void this.#tell(from, this.#logs.list())
    if (message.type === 'recall') return void this.#tell(from, this.#logs.recall(message))
    if (message.type === 'open') return this.#open(from, message)
    if (message.type === 'save') {
      const { session, epoch, index } = message
      return this.#saved.save(from, this.#sessions.find(session, epoch, index), message)
    }
    if (message.type === 'close') return this.#close(from, message)
    if (message.type === 'log') return this.#takeLog(from, message)
    const sessions = this.#sessions.of(message.session)
    // Only the origin sends ids, so it is told; anybody else's frame may simply be late.
    if (message.type === 'ids' && sessions.length === 0) {
      return this.#refuse(from, message, unknownSession())
    }
    const session = this.#receiverOf(message)
    if (session !== null) this.#take(session, from, message)
  }

  /** Sessions without their origin wait for another one, those that lost a neighbour for another route. */
  gone(peer: PeerId): void {
    this.#room.shelf.dropOf(peer)
    this.#saved.setAside(peer, null)
    for (const session of this.#sessions.all()) {
      const { route } = session.reopening ?? session.open
      if (session.origin === peer) this.#abandon(session)
      else if (session.isNeighbour(peer)) this.#fail(session, goneError(peer, route))
    }
  }

  /** From now on admits only sessions inside `keep`, before other layers are dropped; null: all held. */
  restrict(keep: readonly LayerRange[] | null): void {
    this.#room.restriction = keep
    for (const session of this.#outside()) {
      if (session.orphanedMs !== null) this.#end(session, 'silent')
    }
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
    await this.#saved.close()
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
  #open(from: PeerId, open: OpenMessage, isRestored = false): void {
    const sessions = this.#sessions.of(open.session)
    const newest = Math.max(...sessions.map(({ newestEpoch }) => newestEpoch))
    const own = this.#sessions.withLayers(open.session, ownStage(open))
    const isKnown = own !== null && open.epoch <= own.newestEpoch
    const isOthers = sessions.some(({ origin }) => origin !== from)
    if (!isOthers && (isKnown || open.epoch < newest)) return
    const refusal = isOthers ? takeOverRefusal(sessions, open) : null
    if (refusal !== null) return this.#refuse(from, open, refusal)
    if (own !== null && own.ending !== null) {
      const error = new SwarmError('PEER_BUSY', 'the session is just being freed')
      return this.#refuse(from, open, error)
    }
    for (const session of sessions) session.adopt(from)
    for (const session of sessions) {
      const isOnRoute = ({ peer, start, end }: RouteStage) => {
        const { stage } = session
        return peer === stage.peer && start === stage.start && end === stage.end
      }
      if (!open.route.some(isOnRoute)) this.#end(session, 'silent')
    }
    if (own !== null) return this.#reopen(own, open)
    const again = () => this.#open(from, open, true)
    if (isRestored || !this.#saved.restore(from, open, again)) this.#admit(from, open)
  }

  #admit(from: PeerId, open: OpenMessage): void {
    try {
      const session = this.#opener.open(from, open)
      this.#sessions.add(session)
      this.#toOrigin(session, openedOf(session))
    } catch (error) {
      this.#refuse(from, open, toSwarmError(error, 'NATIVE_FAILED'))
    }
  }

  /** Its origin goes, or leaves it: to whoever attaches, unless it is private. */
  #close(from: PeerId, { session: id, epoch, isReleased }: CloseMessage): void {
    this.#saved.setAside(from, id)
    for (const session of this.#sessions.of(id)) {
      if (from !== session.origin || epoch < session.newestEpoch) continue
      // What a peer leaves to others on its own stage nobody could reach when it goes.
      if (isReleased && from !== this.#options.hops.self) this.#abandon(session)
      else this.#end(session, 'closed')
    }
  }

  #abandon(session: HostedSession): void {
    if (session.ending !== null || session.orphanedMs !== null) return
    if (!this.#logs.has(session.open.session)) return this.#end(session, 'silent')
    session.orphan(this.#options.clock.now())
  }

  #takeLog(from: PeerId, message: LogMessage): void {
    const session = this.#sessions.of(message.session).find((one) => one.takesLog(from, message))
    if (session === undefined) return
    try {
      this.#logs.take(message)
    } catch (error) {
      this.#fail(session, error)
    }
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
      this.#opener.restart(session, open)
      this.#toOrigin(session, openedOf(session, stats))
    } catch (error) {
      session.open = open
      // What its origin was told before was about another epoch.
      session.isStalled = false
      this.#fail(session, error)
    }
  }

  #take(session: HostedSession, from: PeerId, message: Frame): void {
    const { stage, clock } = this.#options
    const nowMs = clock.now()
    try {
      if (message.type === 'sampled') {
        if (session.takeSampled(from, message, stage.vocabSize)) this.#steps.schedule(session)
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
        isTaken = session.takeActivation(from, message, stage, nowMs)
      } else {
        isTaken = session.takeToken(from, message, stage.vocabSize, nowMs)
      }
      if (isTaken && message.type === 'token') this.#logs.note(message)
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

  #toOrigin(session: HostedSession, message: OriginMessage): void {
    if (message.type === 'token') this.#logs.note(message)
    // Nobody is left to tell: as when the origin is reported gone.
    if (!this.#tell(session.origin, message)) this.#abandon(session)
  }

  /** @returns false when the peer cannot be reached: it will notice by itself. */
  #tell(to: PeerId, message: HostAnswer | null): boolean {
    try {
      if (message !== null) this.#options.hops.to(to).send(message)
      return true
    } catch {
      return false
    }
  }

  #refuse(from: PeerId, { session, epoch }: RefusedMessage, error: SwarmError): void {
    const text = clip(error.message, ERROR_TEXT_CHARS)
    const { code } = error
    const peer = error.peer as PeerId | null
    this.#tell(from, { type: 'failed', session, epoch, peer, code, text })
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
    if (this.#sessions.of(id).length === 0) this.#logs.drop(id)
    const { cache, origin } = session
    session.truncate(cache.length)
    const isKept = session.ending === 'closed' && session.open.isReusable && cache.length > 0
    if (isKept && !this.#isClosed) {
      const prefix = { cache, ids: session.ids }
      this.#room.shelf.put(id, origin, prefix, this.#options.clock.now())
    } else cache.close()
    session.sampler?.close()
    if (session.ending === 'closed') {
      this.#toOrigin(session, { type: 'closed', session: id, index, stats: session.stats })
    }
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #expire(): void {
    const { clock } = this.#options
    this.#room.tidy()
    const nowMs = clock.now()
    for (const session of this.#sessions.all()) {
      const { orphanedMs, lastMs, isRunning } = session
      const isIdle = !isRunning && nowMs - lastMs > SESSION_IDLE_MS
      const isForgotten = orphanedMs !== null && nowMs - orphanedMs > ORPHAN_MS
      if (isIdle || isForgotten) this.#fail(session, unknownSession())
    }
  }
}

type RefusedMessage = Pick<OpenMessage, 'session' | 'epoch'>
type Frame = Extract<HostMessage, { type: FrameType }>
type HostAnswer = OriginMessage | FailedMessage | ListedMessage | RecalledMessage | SavedMessage

function unknownSession(): SwarmError {
  const text = 'the session is not held here, or was idle for too long: start it again'
  return new SwarmError('STAGE_UNKNOWN_SESSION', text)
}
