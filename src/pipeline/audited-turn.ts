// Flow B, origin side, audit, the doing half: runs a turn on its route and, for the spans that are drawn,
// a second time on another route; shows what both agree on. Where they do not, it asks who it was
// (audit-judge.ts), leaves those peers out, withdraws what was not shown and goes on. The second route is
// an ordinary session of its own, so no stage is told which of the two it serves. Owns both sessions but
// for the one that it was given and still uses at the end.

import { abortError, SwarmError, toSwarmError } from '../base/errors.ts'
import { AUDIT_FAULTS_MAX } from '../base/limits.ts'
import { Queue } from '../base/queue.ts'
import { formatRanges, type LayerRange } from '../model/layer-range.ts'
import { decided, suspectsOf, verdictOf, type Suspects, type Verdict } from './audit-judge.ts'
import { AuditLedger } from './audit-ledger.ts'
import { checkRoute } from './audit-route.ts'
import { hashOfIds } from './audit-trail.ts'

import type { Random } from '../base/random.ts'
import type { Span } from '../sharding/cover.ts'
import type { PeerId } from '../wire/ids.ts'
import type { Route } from './route.ts'
import type { Session, SessionNews } from './session.ts'
import type { Repair, SessionEvent, TokenEvent, Turn } from './session-types.ts'

/** Chunks, routes and the like that may wait beside the tokens; beyond them the turn ends. */
const EVENTS_MAX = 8192

export interface AuditPorts {
  self: PeerId
  random: Random
  /** What peers within reach hold now, of this model. */
  spans: () => readonly Span[]
  /** Routes without these peers, to begin with and for repairs. @throws PLAN_GAP where there is none. */
  ways: (excluded: ReadonlySet<PeerId>) => { findRoute: () => Route; repair?: Repair }
  /** A session of which the stages keep what they computed. @throws PEER_BUSY */
  open: (shape: SessionShape) => Session
  nameOf: (peer: PeerId) => string
}

/** What differs among the sessions of one turn. */
export interface SessionShape {
  route: Route
  /** Absent: it ends when it loses a stage. */
  repair?: Repair
  isCheck?: boolean
}

/** What was found, in one sentence; whom it concerns, if anybody; whether each of them was wrong. */
export interface AuditNews {
  text: string
  guilty: PeerId[]
  isCertain: boolean
}

/** What the caller hears: news of the session that answers, or of the audit. */
export type AuditStep = SessionNews | { audit: AuditNews }

type News = { source: Session } & ({ event: SessionEvent } | { error: unknown } | { end: true })

export class AuditedTurn {
  readonly #ports: AuditPorts
  readonly #turn: Turn
  readonly #share: number
  readonly #ledger: AuditLedger
  /** Peers that were wrong: they neither answer nor check. */
  readonly #excluded: Set<PeerId>
  /** Peers that could not check. */
  readonly #unable = new Set<PeerId>()
  readonly #news: Queue<News>
  readonly #abort = new AbortController()
  #answer: Session
  #check: Session | null = null
  #isChecking = false
  /** The answer is on its second session or a later one. */
  #isResumed = false
  /** That session is not open yet: all of its positions are still to be computed. */
  #isReopening = false
  #faults = 0

  /**
   * @param session of which the stages keep what they computed.
   * @param share of the answer's spans that are checked, above 0 to 1.
   * @param excluded peers that were wrong before.
   */
  constructor(
    ports: AuditPorts,
    session: Session,
    turn: Turn,
    share: number,
    excluded: ReadonlySet<PeerId>
  ) {
    this.#ports = ports
    this.#answer = session
    this.#turn = turn
    this.#share = share
    this.#excluded = new Set(excluded)
    this.#ledger = new AuditLedger(turn, share, ports.random)
    this.#news = new Queue(4 * turn.positionEnd + EVENTS_MAX)
  }

  /**
   * The turn, with its tokens as they may be shown.
   * @throws as Session.run; PLAN_GAP where all is to be checked and something cannot be.
   */
  async *run(signal: AbortSignal): AsyncGenerator<AuditStep, void> {
    if (signal.aborted) throw abortError()
    const onAbort = () => {
      this.#abort.abort()
      this.#news.close(abortError())
    }
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      yield* this.#uncheckedNews()
      void this.#follow(this.#answer, this.#turn)
      for await (const news of this.#news) {
        yield* this.#take(news)
        yield* this.#show()
        yield* this.#startCheck()
        yield* this.#show()
        if (this.#ledger.isOver) return
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      this.#news.close()
      this.#endCheck()
    }
  }

  async #follow(source: Session, turn: Turn): Promise<void> {
    try {
      for await (const event of source.run(turn, this.#abort.signal)) {
        this.#news.push({ source, event })
      }
      this.#news.push({ source, end: true })
    } catch (error) {
      this.#news.push({ source, error })
    }
  }

  async *#take(news: News): AsyncGenerator<AuditStep, void> {
    const { source } = news
    if (source === this.#answer) {
      if ('error' in news) throw news.error
      if ('event' in news) yield* this.#takeAnswer(news.event)
      else if (!this.#ledger.hasEnded) this.#news.close()
    } else if (source === this.#check) {
      if ('error' in news) yield* this.#checkFailed(news.error)
      else if ('end' in news) this.#isChecking = false
      else if (news.event.type === 'token') this.#ledger.checked(news.event)
    }
  }

  async *#takeAnswer(event: SessionEvent): AsyncGenerator<AuditStep, void> {
    const source = this.#answer
    if (event.type === 'token') return this.#ledger.answered(event)
    // That the prompt is read again is no news.
    if (event.type === 'prefill' && this.#isResumed) return
    if (event.type !== 'rerouted') return yield { source, event }
    const refillTokens = this.#isReopening ? this.#ledger.shownEnd : event.refillTokens
    this.#isReopening = false
    yield { source, event: { ...event, refillTokens } }
    // A checker may be a stage of the answer now.
    this.#endCheck()
    this.#ledger.distrust()
    yield* this.#uncheckedNews()
  }

  async *#show(): AsyncGenerator<AuditStep, void> {
    for (;;) {
      for (const { token, isChecked } of this.#ledger.release()) {
        yield { source: this.#answer, event: token, isChecked }
      }
      const { mismatch } = this.#ledger
      if (mismatch === null) return
      yield* this.#settle(mismatch)
    }
  }

  /** Opens the second route at the next span that is drawn, where none runs. */
  *#startCheck(): Generator<AuditStep, void> {
    while (!this.#isChecking) {
      const span = this.#ledger.nextSpan()
      if (span === null) return
      const { route, checkers } = this.#checkRoute()
      // Nobody can, as was said, or all is computed on this machine.
      if (checkers.length === 0) return this.#ledger.giveUp()
      try {
        this.#check ??= this.#ports.open({ route, isCheck: true })
      } catch (error) {
        yield* this.#checkFailed(error)
        continue
      }
      this.#isChecking = true
      void this.#follow(this.#check, this.#ledger.turnAt(span.start, span.end))
    }
  }

  /** Says what nobody can check. @throws PLAN_GAP where everything was to be. */
  *#uncheckedNews(): Generator<AuditStep, void> {
    const { unchecked } = this.#checkRoute()
    if (unchecked.length === 0) return
    const what = `nobody else holds layers ${layersOf(unchecked)}`
    if (this.#share === 1) {
      const hint = 'ask with a smaller --verify, or when another peer has them'
      throw new SwarmError('PLAN_GAP', `${what}, so they cannot be verified: ${hint}`)
    }
    yield note(`${what}, so the answer is not verified there`)
  }

  #checkRoute() {
    const { spans, self } = this.#ports
    const excluded = new Set([...this.#excluded, ...this.#unable])
    return checkRoute(this.#answer.route, spans(), self, excluded)
  }

  /** Another checker where there is one; else the answer goes on as it was asked to. */
  *#checkFailed(cause: unknown): Generator<AuditStep, void> {
    const error = toSwarmError(cause, 'PEER_GONE')
    for (const peer of this.#checkRoute().checkers) this.#unable.add(peer)
    this.#endCheck()
    this.#ledger.distrust()
    this.#faults++
    if (this.#faults <= AUDIT_FAULTS_MAX && this.#checkRoute().checkers.length > 0) return
    const text = `the rest cannot be verified (${error.message})`
    if (this.#share === 1) throw new SwarmError(error.code, text)
    this.#ledger.giveUp()
    yield note(text)
  }

  /** Finds out who was wrong, and goes on without them. */
  async *#settle({ answer, check }: Mismatch): AsyncGenerator<AuditStep, void> {
    const { position } = answer
    const verdict = await this.#judge({ answer, check })
    const { guilty, isAnswerWrong, areSilent } = verdict
    if (guilty.length === 0) {
      const text = `this machine computed position ${position} twice with different results`
      throw new SwarmError('NATIVE_FAILED', `${text}: test its memory`)
    }
    this.#faults++
    for (const peer of guilty) this.#excluded.add(peer)
    // Asked now, because the news of a move may still wait behind what is being read.
    const hasLeft = isAnswerWrong && this.#answer.hasMoved
    const isCertain = verdict.isCertain && !hasLeft
    this.#endCheck()
    this.#ledger.distrust()
    const nTokens = isAnswerWrong ? this.#ledger.withdraw(position) : 0
    const names = guilty.map((peer) => this.#ports.nameOf(peer))
    const text = sentenceOf({ names, isCertain, areSilent, hasLeft, position, nTokens })
    yield { audit: { text, guilty, isCertain } }
    if (this.#faults > AUDIT_FAULTS_MAX) {
      throw new SwarmError('PEER_REFUSED', `${text}; too many faults in one answer: ask again`)
    }
    if (isAnswerWrong) yield* this.#answerElsewhere(position)
    else yield* this.#uncheckedNews()
  }

  /** Everything is computed anew: what the wrong peer gave to others is in their caches. */
  async *#answerElsewhere(position: number): AsyncGenerator<AuditStep, void> {
    void this.#answer.close()
    const { findRoute, repair } = this.#ports.ways(this.#excluded)
    const route = findRoute()
    this.#isResumed = true
    this.#isReopening = true
    this.#answer = this.#ports.open({ route, ...(repair && { repair }) })
    void this.#follow(this.#answer, this.#ledger.turnAt(position, this.#turn.positionEnd))
    const reason = `position ${position} and what follows is computed again`
    yield { source: this.#answer, event: { type: 'rerouting', reason } }
  }

  async #judge({ answer, check }: Mismatch): Promise<Verdict> {
    const { position } = answer
    const { route } = this.#answer
    const asked = [this.#answer.audit(position), (this.#check as Session).audit(position)] as const
    const [ofAnswer, ofCheck] = await Promise.all(asked)
    const ids = hashOfIds(this.#ledger.idsBefore(position))
    const suspects = suspectsOf(ids, { answer: ofAnswer, check: ofCheck }, this.#ports.self)
    const verdict = verdictOf(suspects)
    if (verdict !== null) return verdict
    const third = await this.#third(route, suspects, position)
    if (third === null) return decided(suspects, null)
    const isCheck = third.id === check.id && third.logitsHash === check.logitsHash
    return decided(
      suspects,
      this.#ledger.isSame(answer, third) ? 'answer' : isCheck ? 'check' : null
    )
  }

  /** The same token once more, with neither suspect; null where nobody else has the layers. */
  async #third(
    route: Route,
    { answer, check }: Suspects,
    position: number
  ): Promise<TokenEvent | null> {
    const excluded = new Set([...this.#excluded, ...check])
    const { self, spans, open } = this.#ports
    const third = checkRoute(route, spans(), self, excluded)
    if (third.unchecked.some(({ peer }) => answer.includes(peer))) return null
    let session: Session | null = null
    try {
      session = open({ route: third.route, isCheck: true })
      const turn = this.#ledger.turnAt(position, position + 1)
      for await (const event of session.run(turn, this.#abort.signal)) {
        if (event.type === 'token') return event
      }
    } catch {
      // Without a third opinion both are suspects.
    } finally {
      void session?.close()
    }
    return null
  }

  #endCheck(): void {
    void this.#check?.close()
    this.#check = null
    this.#isChecking = false
  }
}

type Mismatch = { answer: TokenEvent; check: TokenEvent }

function note(text: string): AuditStep {
  return { audit: { text, guilty: [], isCertain: false } }
}

function layersOf(stages: readonly LayerRange[]): string {
  return formatRanges(stages.map(({ start, end }) => ({ start, end })))
}

interface Finding extends Pick<Verdict, 'isCertain' | 'areSilent'> {
  names: readonly string[]
  /** A stage of the route was replaced before. */
  hasLeft: boolean
  position: number
  nTokens: number
}

function sentenceOf({ names, isCertain, areSilent, hasLeft, ...where }: Finding): string {
  const { position, nTokens } = where
  const all = names.join(' and ')
  const one = names.length === 1 ? all : `one of ${all}`
  const suspect = hasLeft ? `${one}, or a stage that was replaced,` : one
  const who = isCertain || areSilent ? all : suspect
  const did = areSilent ? 'did not say what was computed' : 'computed wrong bits'
  const left = names.length === 1 ? 'it is' : 'they are'
  const tokens = nTokens === 0 ? '' : `, ${nTokens} token${nTokens === 1 ? '' : 's'} withdrawn`
  return `${who} ${did} at position ${position}: ${left} left out${tokens}`
}
