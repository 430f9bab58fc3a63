// Flow B, origin side, the doing half of a session: sends what session-state.ts decides, feeds it what
// arrives, keeps its time, looks for another route when a stage is lost, and gives the tokens to whoever
// asked as a stream. One instance is one conversation; a turn at a time.

import { abortError, SwarmError, toSwarmError } from '../base/errors.ts'
import {
  CLOSE_TIMEOUT_MS,
  OPEN_TIMEOUT_MS,
  REROUTE_TIMEOUT_MS,
  STEP_TIMEOUT_MS
} from '../base/limits.ts'
import { Queue } from '../base/queue.ts'
import { AuditInquiry, type Testimony } from './audit-inquiry.ts'
import { Moving } from './moving.ts'
import { savedName } from './saved-name.ts'
import { Saving } from './saving.ts'
import { SessionState } from './session-state.ts'

import type { Clock, Timer } from '../base/clock.ts'
import type { SavedPrefix } from '../wire/generation.ts'
import type { PeerId, SessionId } from '../wire/ids.ts'
import type { KvType, RouteStage, StageStats } from '../wire/session.ts'
import type { Hops } from './hop.ts'
import type { Route } from './route.ts'
import type {
  Action,
  OriginBound,
  Phase,
  Repair,
  SessionEvent,
  SessionSetup,
  Turn
} from './session-types.ts'

/** Events that are not tokens or chunks; beyond them the stream ends with an error. */
const REROUTE_EVENTS_MAX = 4096

// How long each phase may pass without news; a phase that is not here waits for the caller.
const PATIENCE_MS: Partial<Record<Phase, number>> = {
  opening: OPEN_TIMEOUT_MS,
  filling: STEP_TIMEOUT_MS,
  pausing: OPEN_TIMEOUT_MS,
  prefill: STEP_TIMEOUT_MS,
  decode: STEP_TIMEOUT_MS,
  closing: CLOSE_TIMEOUT_MS
}

/** Before a route that failed, or was not found, is tried again. */
const REROUTE_RETRY_MS = 250

/** What happens in a turn, and on which session: a turn may go on on another one. */
export interface SessionNews {
  event: SessionEvent
  source: Session
  /** The token was computed twice, with the same bits. */
  isChecked?: boolean
}

export interface SessionComponents {
  hops: Hops
  clock: Clock
  /** Null: a lost stage ends the session. */
  repair: Repair | null
  /** The session is over, or goes on without this peer, which may not know it. */
  onLeft: (peer: PeerId) => void
  /** Called once, when no message can concern this session any more. */
  onEnd: () => void
}

export class Session {
  /** By the clock. */
  readonly openedMs: number
  readonly #components: SessionComponents
  readonly #state: SessionState
  readonly #moving: Moving
  #events: Queue<SessionEvent> | null = null
  #waiting: (() => void)[] = []
  #due: Action[] = []
  #isApplying = false
  #timer: Timer | null = null
  #timedBeat = 0
  /** When the turn lost its route; null while it moves. */
  #lostMs: number | null = null
  #rerouteTimer: Timer | null = null
  #hasEnded = false
  #saving: Saving | null = null
  #inquiry: AuditInquiry | null = null
  #isReleased = false
  /** The route when something was last done about it. */
  #taken: Route

  constructor(components: SessionComponents, setup: SessionSetup) {
    this.#components = components
    this.#state = new SessionState(setup)
    this.#moving = new Moving(this.#state)
    this.#taken = setup.route
    this.openedMs = components.clock.now()
  }

  get id(): SessionId {
    return this.#state.setup.id
  }

  /** The newest of its openings. */
  get epoch(): number {
    return this.#state.newestEpoch
  }

  /** What the turn cost each stage, as far as they have told; null for a stage that has not. */
  get stats(): (StageStats | null)[] {
    return this.#state.stats
  }

  /** Whoever attaches next may go on with it. */
  get isReleased(): boolean {
    return this.#isReleased
  }

  /** A turn runs. */
  get isAnswering(): boolean {
    return this.#state.phase !== 'idle' && !this.#hasEnded
  }

  get lengths(): { promptTokens: number; tokens: number } {
    return this.#state.lengths
  }

  get modelId(): string {
    return this.#state.setup.modelId
  }

  get route(): Route {
    return this.#state.route
  }

  /** Positions reserved on every stage. */
  get contextTokens(): number {
    return this.#state.setup.contextTokens
  }

  get kvType(): KvType {
    return this.#state.setup.kvType
  }

  /** Whether its stages can be asked what they computed. */
  get isAudited(): boolean {
    return this.#state.setup.isAudited === true
  }

  /** It computes a part of another session's answer again. */
  get isCheck(): boolean {
    return this.#state.setup.isCheck === true
  }

  /** A stage was replaced, in this turn or before: what it computed others cannot say. */
  get hasMoved(): boolean {
    return this.route !== this.#state.setup.route
  }

  /** False once a stage failed or the session was closed. */
  get isOpen(): boolean {
    return !this.#hasEnded
  }

  /**
   * Asks one turn: opens the route (or continues on it), sends the prompt, streams what comes back.
   * The stream ends after the token whose `finish` is not 'none'. Whoever leaves it earlier calls
   * pause() or close() next. An abort closes the session on every stage at once.
   * @throws PEER_GONE, PEER_TIMEOUT or what a stage reported, naming it; AbortError.
   */
  run(turn: Turn, signal: AbortSignal): AsyncGenerator<SessionEvent, void> {
    return this.#run(turn, () => this.#state.begin(turn), signal)
  }

  /**
   * As run, for a turn that another origin began. Until all stages are open it may fail because another
   * peer attaches too, or because a stage has not noticed yet that the old origin is gone; then it is left
   * as it was.
   * @param epoch the newest of the session.
   * @throws as run; PEER_REFUSED when a stage gives the session to another.
   */
  resume(turn: Turn, epoch: number, signal: AbortSignal): AsyncGenerator<SessionEvent, void> {
    return this.#run(turn, () => this.#state.resume(turn, epoch), signal)
  }

  async *#run(
    turn: Turn,
    begin: () => Action[],
    signal: AbortSignal
  ): AsyncGenerator<SessionEvent, void> {
    if (signal.aborted) throw abortError()
    const actions = begin()
    // Bounded by what the state lets pass: one event per token and per chunk, the opening, and some for
    // each route, of which there are few while nobody reads.
    const events = new Queue<SessionEvent>(2 * turn.positionEnd + REROUTE_EVENTS_MAX)
    this.#events = events
    const onAbort = () => {
      events.close(abortError())
      this.#apply(this.#state.close())
    }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      this.#apply(actions)
      for await (const event of events) yield event
    } finally {
      signal.removeEventListener('abort', onAbort)
      if (this.#events === events) this.#events = null
    }
  }

  /**
   * Stops the stages where they are and keeps their caches for a next turn.
   * @returns what the turn cost each stage; null for a stage that did not answer.
   */
  pause(): Promise<(StageStats | null)[]> {
    return this.#settled(() => this.#state.pause())
  }

  /** Frees every stage, waiting a moment for what it cost them. Returns as pause; may be repeated. */
  close(): Promise<(StageStats | null)[]> {
    return this.#settled(() => this.#state.close())
  }

  /**
   * Asks every stage to store what it has computed on its own disk; the session stays as it is.
   * @throws PEER_BUSY while a turn runs, or while it is saved already.
   */
  async save(): Promise<SavedPrefix> {
    const { id: session, modelId, arithmeticVersion, kvType } = this.#state.setup
    const { epoch, ids, cachedEnd } = this.#state
    const cachedIds = ids.slice(0, cachedEnd)
    if (this.#state.phase !== 'idle' || this.#saving !== null) {
      const text = 'the session answers, is being saved or is over: save it between turns'
      throw new SwarmError('PEER_BUSY', text)
    }
    const of = { modelId, arithmeticVersion, kvType }
    const name = savedName(of, cachedIds)
    const { stages } = this.route
    const request = { session, epoch, name, tokens: cachedIds.length, stages }
    this.#saving = new Saving(request, this.#components.hops, this.#components.clock)
    try {
      return { name, ...of, ids: cachedIds, stages: await this.#saving.done }
    } finally {
      this.#saving = null
    }
  }

  /** Asks every stage of an audited session what its rows before `position` hashed to. */
  async audit(position: number): Promise<Testimony> {
    const { route, epoch } = this.#state
    this.#inquiry?.end()
    const request = { session: this.id, epoch, position, stages: route.stages }
    this.#inquiry = new AuditInquiry(request, this.#components.hops, this.#components.clock)
    if (this.#hasEnded) this.#inquiry.end()
    return this.#inquiry.testimony
  }

  /** @param from proven by the hop. */
  handle(from: PeerId, message: OriginBound): void {
    const state = this.#state
    const moved = this.#moving.handle(from, message)
    if (moved !== null) return this.#apply(moved)
    switch (message.type) {
      case 'opened':
        return this.#apply(state.opened(from, message))
      case 'progress':
        return this.#apply(state.progress(from, message))
      case 'token':
        return this.#apply(state.token(from, message))
      case 'audited':
        return this.#inquiry?.audited(from, message)
      case 'closed':
        return this.#apply(state.closed(from, message))
      case 'failed':
        return this.#apply(state.failed(from, message))
      case 'saved':
        return this.#saving?.saved(from, message)
    }
  }

  /** Peers hold other layers than before: a turn moves to where they are to stay, and goes on meanwhile. */
  reconsider(): void {
    const { repair } = this.#components
    if (repair !== null) this.#apply(this.#moving.consider(repair))
  }

  gone(peer: PeerId): void {
    this.#saving?.gone(peer)
    this.#inquiry?.gone(peer)
    this.#apply([...this.#moving.gone(peer), ...this.#state.gone(peer)])
  }

  #settled(begin: () => Action[]): Promise<(StageStats | null)[]> {
    return new Promise((resolve) => {
      this.#waiting.push(() => resolve([...this.#state.stats]))
      this.#apply(begin())
    })
  }

  #apply(actions: Action[]): void {
    this.#due.push(...actions, ...this.#moving.settle())
    // A peer may prove to be gone while it is sent to. What follows from that comes behind what is due
    // already, or a stage would get its 'close' before its 'open'.
    if (this.#isApplying) return
    this.#isApplying = true
    for (let action = this.#due.shift(); action; action = this.#due.shift()) this.#do(action)
    this.#isApplying = false
    this.#keepTime()
    if (this.route !== this.#taken) {
      const { stages } = this.route
      this.#leave(({ peer }) => !stages.some((stage) => stage.peer === peer))
      this.#taken = this.route
    }
    if (this.#state.phase === 'ended' && !this.#hasEnded) {
      this.#hasEnded = true
      this.#rerouteTimer?.cancel()
      this.#inquiry?.end()
      this.#leave((_, index) => !this.stats[index])
      this.#components.onEnd()
    }
  }

  #do(action: Action): void {
    switch (action.type) {
      case 'send':
        return this.#send(action)
      case 'emit':
        if (action.event.type === 'token') this.#lostMs = null
        return void this.#events?.push(action.event)
      case 'reroute':
        return this.#reroute(action.error, action.avoided)
      case 'leave':
        return this.#components.onLeft(action.peer)
      case 'finish':
        return this.#events?.close()
      case 'fail':
        return this.#events?.close(action.error)
      case 'settle':
        for (const resolve of this.#waiting.splice(0)) resolve()
    }
  }

  #send({ to, message }: Extract<Action, { type: 'send' }>): void {
    if (message.type === 'close') this.#isReleased = message.isReleased
    try {
      this.#components.hops.to(to).send(message)
    } catch (cause) {
      const error = toSwarmError(cause, 'PEER_GONE')
      this.#apply(error.code === 'PEER_GONE' ? this.#state.gone(to) : this.#state.refused(error))
    }
  }

  #reroute(error: SwarmError, avoided: ReadonlySet<PeerId>): void {
    const { clock } = this.#components
    // At once the first time; afterwards what failed has a moment to pass.
    const delayMs = this.#lostMs === null ? 0 : REROUTE_RETRY_MS
    this.#lostMs ??= clock.now()
    this.#rerouteTimer?.cancel()
    this.#rerouteTimer = clock.after(delayMs, () => this.#tryRoute(error, avoided, ''))
  }

  #tryRoute(error: SwarmError, avoided: ReadonlySet<PeerId>, told: string): void {
    const { clock, repair } = this.#components
    if (this.#state.phase !== 'rerouting' || repair === null) return
    if (clock.now() - (this.#lostMs ?? 0) > REROUTE_TIMEOUT_MS) {
      return this.#apply(this.#state.refused(error))
    }
    let reason: string
    try {
      return this.#apply(this.#state.rerouted(repair(this.route, avoided)))
    } catch (cause) {
      reason = toSwarmError(cause, 'PLAN_GAP').message
    }
    if (reason !== told) this.#events?.push({ type: 'rerouting', reason })
    const again = () => this.#tryRoute(error, avoided, reason)
    this.#rerouteTimer = clock.after(REROUTE_RETRY_MS, again)
  }

  #leave(isLeft: (stage: RouteStage, index: number) => boolean): void {
    for (const { peer } of this.#taken.stages.filter(isLeft)) this.#components.onLeft(peer)
  }

  #keepTime(): void {
    const { beat, phase } = this.#state
    if (beat === this.#timedBeat) return
    this.#timedBeat = beat
    this.#timer?.cancel()
    const patienceMs = PATIENCE_MS[phase]
    this.#timer =
      patienceMs === undefined
        ? null
        : this.#components.clock.after(patienceMs, () => this.#apply(this.#state.timedOut()))
  }
}
