// Flow B, origin side, the deciding half of a session: what has been sent, what came back, what is
// due, and what to do next. Every method takes one event and returns the actions it calls for; nothing
// here waits, sends or reads a clock, so each rule is tested by calling it. session.ts does the rest.
//
//   idle --begin--> opening --all opened--> prefill --first token--> decode --finish--> idle
//   prefill, decode --a stage is lost--> rerouting --rerouted--> opening --> filling --> prefill
//   any --pause--> pausing --all opened--> idle          any --close--> closing --all closed--> ended
//   idle --resume (what another origin began)--> opening
//
// Every turn, every route and every pause is an epoch of its own; what belongs to an older one is late and
// dropped. The ids of all positions are kept, so that an epoch can begin at any of them, on any route: a
// turn goes on behind its last token, and what its stages lack is filled first (fills.ts).

import { evenChunking } from '../sharding/chunking.ts'
import { NO_LOGITS_HASH } from '../wire/session.ts'
import { ChunkFlow } from './chunk-flow.ts'
import { Faults } from './faults.ts'
import { Filling, fillTarget, NOTHING_TO_FILL, planFills, type Fill } from './fills.ts'
import { commonLength } from './prefix-book.ts'
import { goneError, lossText, type Route } from './route.ts'
import { checkIdle, failureOf, silenceOf, violationOf } from './session-errors.ts'
import {
  chunkMessage,
  closeMessages,
  logMessages,
  openMessages,
  sampledMessages,
  type DueChunk,
  type Opening
} from './session-outbox.ts'
import { StageAnswers } from './stage-answers.ts'
import { isNext, tokenActions } from './tokens.ts'

import type { SwarmError } from '../base/errors.ts'
import type { PeerId } from '../wire/ids.ts'
import type {
  ClosedMessage,
  FailedMessage,
  OpenedMessage,
  ProgressMessage,
  RouteStage,
  StageStats,
  TokenMessage
} from '../wire/session.ts'
import type { Action, Phase, SessionEvent, SessionSetup, Turn } from './session-types.ts'

export class SessionState {
  readonly setup: SessionSetup
  phase: Phase = 'idle'
  route: Route
  epoch = 0
  /** That a stage may have: where stages warm up beside the route, theirs is ahead of it. */
  newestEpoch = 0
  /** Of all positions that are known. */
  ids: number[] = []
  /** Positions that are in the caches of every stage, but for stages that came later. */
  cachedEnd = 0
  /** Changes whenever there is news from the stages: the session's patience starts again. */
  beat = 0

  #logitsHash = NO_LOGITS_HASH
  /** Positions that this epoch may take over from an earlier session; null: it goes on at cachedEnd. */
  #prefixEnd: number | null = null
  #answers: StageAnswers
  #filling = NOTHING_TO_FILL
  #prompt = new ChunkFlow(0, 0, evenChunking(1), 1)
  #reservedTokens = 0
  #turn: Turn | null = null
  /** The turn has been open on all stages once, or goes on: from then on it is repaired, not begun again. */
  #isUnderWay = false
  #sinceEpoch = 0
  /** Another origin began the turn: how far its stages are shows when they open. */
  #isResuming = false
  /** Since the last token or chunk. */
  readonly #faults = new Faults()

  constructor(setup: SessionSetup) {
    this.setup = setup
    this.route = setup.route
    this.#answers = new StageAnswers(this.#stages)
  }

  /** Each stage's answer to the last open or close; null where none came. */
  get stats(): (StageStats | null)[] {
    return this.#answers.stats
  }

  /** Ids of the turn's prompt, and of its answer so far. */
  get lengths(): { promptTokens: number; tokens: number } {
    const promptTokens = this.#turn?.ids.length ?? 0
    return { promptTokens, tokens: this.ids.length - promptTokens }
  }

  /** With what a stage would be opened now. */
  get opening(): Omit<Opening, 'epoch' | 'isWarmUp'> {
    return {
      sinceEpoch: this.#sinceEpoch,
      position: this.cachedEnd,
      prefix: this.#prefixEnd === null ? null : (this.setup.prefix ?? null),
      contextTokens: this.#reservedTokens,
      logitsHash: this.#logitsHash,
      turn: this.#turn as Turn,
      ids: this.ids
    }
  }

  /** @throws PEER_BUSY while another turn runs; STAGE_UNKNOWN_SESSION when the session is over. */
  begin(turn: Turn): Action[] {
    checkIdle(this.phase)
    const reserve = Math.max(turn.positionEnd, this.setup.contextTokens)
    const before = this.ids
    this.#take(turn)
    // At least one position is computed again: its logits choose the first token.
    const most = Math.min(this.cachedEnd, this.ids.length - 1)
    let keep = commonLength(before, this.ids, most)
    if (reserve > this.#reservedTokens) {
      this.#reservedTokens = reserve
      keep = 0
    }
    this.#sinceEpoch = this.epoch
    this.#isUnderWay = turn.answered !== undefined
    this.#faults.clear()
    const { prefix = null } = this.setup
    const isFirst = this.epoch === 0 && prefix !== null
    this.#prefixEnd = isFirst ? Math.min(prefix.tokens, this.ids.length - 1) : null
    return this.#open('opening', keep, turn)
  }

  /** Goes on with a turn that another origin began, before any other. @param epoch the session's newest. */
  resume(turn: Turn, epoch: number): Action[] {
    this.#take(turn)
    this.#reservedTokens = this.setup.contextTokens
    this.#isResuming = true
    this.newestEpoch = epoch
    this.#sinceEpoch = epoch
    return this.#open('opening', this.ids.length - 1, turn)
  }

  /** Stops decoding where it is; the caches stay for a next turn. */
  pause(): Action[] {
    if (this.phase === 'ended' || this.phase === 'closing') return [{ type: 'settle' }]
    const turn = this.#turn
    if (this.phase === 'pausing') return []
    if (turn === null) return [{ type: 'settle' }]
    // Without a route there is nobody to pause.
    if (this.phase === 'rerouting') return this.close()
    const finish: Action[] = this.phase === 'idle' ? [] : [{ type: 'finish' }]
    this.#prefixEnd = null
    const halt = { ...turn, positionEnd: this.#reservedTokens }
    return [...finish, ...this.#open('pausing', this.cachedEnd, halt)]
  }

  /** Frees every stage. */
  close(): Action[] {
    if (this.phase === 'ended') return [{ type: 'settle' }]
    if (this.phase === 'closing') return []
    if (this.epoch === 0) {
      this.phase = 'ended'
      return [{ type: 'settle' }]
    }
    this.#enter('closing')
    this.#answers = new StageAnswers(this.#stages)
    return [{ type: 'finish' }, ...closeMessages(this.setup, this.#stages, this.newestEpoch)]
  }

  opened(from: PeerId, message: OpenedMessage): Action[] {
    const isDue = this.phase === 'opening' || this.phase === 'pausing'
    if (!isDue || message.epoch !== this.epoch) return []
    if (!this.#answers.opened(from, message)) return []
    const { standpoints } = this.#answers
    if (standpoints === null) return []
    const least = Math.min(...standpoints.map(({ cachedTokens }) => cachedTokens))
    if (this.phase === 'pausing') {
      this.cachedEnd = Math.min(this.cachedEnd, least)
      this.#enter('idle')
      return [{ type: 'settle' }]
    }
    if (this.#prefixEnd !== null) this.cachedEnd = fillTarget(standpoints, this.#prefixEnd)
    this.#prefixEnd = null
    // What nobody has is no repair but the rest of the prompt.
    const most = Math.max(...standpoints.map(({ cachedTokens }) => cachedTokens))
    if (this.#isResuming) this.cachedEnd = Math.min(this.cachedEnd, most)
    this.#isResuming = false
    return this.#begun(planFills(standpoints, this.cachedEnd), Math.min(least, this.cachedEnd))
  }

  progress(from: PeerId, message: ProgressMessage): Action[] {
    const { epoch, index, position } = message
    if (!this.#isFrom(from, index, epoch)) return []
    const isPrompt = this.phase === 'prefill' && index === this.#stages.length - 1
    if (!isPrompt && !(this.phase === 'filling' && this.#filling.endsAt(index))) return []
    const isDue = isPrompt ? this.#prompt.done(position) : this.#filling.done(index, position)
    if (!isDue) return this.#violation(from, `progress to position ${position}`)
    this.beat++
    if (!isPrompt) return this.#filling.isOver ? this.#goOn() : this.#sendFills()
    this.cachedEnd = position
    this.#faults.clear()
    return [...this.#promptProgress(), ...this.#sendChunks()]
  }

  token(from: PeerId, message: TokenMessage): Action[] {
    if (!this.#isFrom(from, this.#stages.length - 1, message.epoch)) return []
    const { position, tokens, finish } = message
    const isFirst = this.phase === 'prefill'
    const isDue = this.phase === 'decode' || (isFirst && this.#prompt.isAtLastChunk)
    if (!isDue || !isNext(message, this.ids.length, this.#turn, this.setup.vocabSize)) {
      return this.#violation(from, `${tokens.length} tokens for position ${position}`)
    }
    this.cachedEnd = position
    const actions = [...(isFirst ? this.#promptProgress() : []), ...tokenActions(message)]
    for (const { id } of tokens) this.ids.push(id)
    this.#logitsHash = tokens.at(-1)?.logitsHash ?? this.#logitsHash
    this.cachedEnd = this.ids.length - 1
    this.#faults.clear()
    this.#enter(finish === 'none' ? 'decode' : 'idle')
    return actions
  }

  closed(from: PeerId, message: ClosedMessage): Action[] {
    const isDue = this.phase === 'closing'
    if (!isDue || !this.#answers.take(from, message.index, message.stats)) return []
    return this.#settleClosing()
  }

  failed(from: PeerId, message: FailedMessage): Action[] {
    const stage = this.#stages.find(({ peer }) => peer === from)
    // What failed in an earlier epoch is known by what the stage says it has when it opens.
    if (stage === undefined || message.epoch !== this.epoch) return []
    const error = failureOf(stage, message)
    // Who cannot reach another has freed nothing, and is not to blame.
    const isAbsence = message.code === 'PEER_GONE' || message.code === 'PEER_NO_LINK'
    return isAbsence ? this.#lose(null, error, message.peer) : this.#lose(from, error, from)
  }

  /** A peer became unreachable from here. */
  gone(peer: PeerId): Action[] {
    if (!this.#stages.some((stage) => stage.peer === peer) || this.epoch === 0) return []
    return this.#lose(peer, goneError(peer, this.#stages), null)
  }

  /** Another route was found after a loss; its stages say what they have. */
  rerouted(route: Route): Action[] {
    if (this.phase !== 'rerouting') return []
    const left = this.#stages.filter((old) => !route.stages.some(({ peer }) => peer === old.peer))
    this.route = route
    return [
      ...closeMessages(this.setup, left, this.newestEpoch),
      ...this.#open('opening', this.cachedEnd, this.#turn as Turn)
    ]
  }

  /** The turn is to go on over a route whose stages have nearly all that they need. */
  goOver(route: Route, reason: string): Action[] {
    this.#enter('rerouting')
    return [{ type: 'emit', event: { type: 'rerouting', reason } }, ...this.rerouted(route)]
  }

  /** A message of ours could not be sent: a value of this turn is outside the protocol's bounds. */
  refused(error: SwarmError): Action[] {
    return this.phase === 'ended' ? [] : this.#fail(error, null)
  }

  /** Nothing was heard for as long as the phase allows. */
  timedOut(): Action[] {
    const { phase } = this
    if (phase === 'closing') {
      this.#enter('ended')
      return [{ type: 'settle' }]
    }
    if (phase === 'idle' || phase === 'ended' || phase === 'rerouting') return []
    const isOpening = phase === 'opening' || phase === 'pausing'
    const silent = isOpening ? this.#answers.silent : this.#stages
    // Who is silent in mid-turn shows when the session is opened again.
    if (isOpening) for (const { peer } of silent) this.#faults.avoid(peer)
    return this.#loseOrFail(silenceOf(silent, isOpening), null)
  }

  get #stages(): RouteStage[] {
    return this.route.stages
  }

  #enter(phase: Phase): void {
    this.phase = phase
    this.beat++
  }

  #take(turn: Turn): void {
    this.#turn = turn
    this.ids = [...turn.ids, ...(turn.answered?.ids ?? [])]
    this.#logitsHash = turn.answered?.logitsHash ?? NO_LOGITS_HASH
  }

  #open(phase: Phase, keep: number, turn: Turn): Action[] {
    this.newestEpoch++
    this.epoch = this.newestEpoch
    this.#enter(phase)
    this.#answers = new StageAnswers(this.#stages)
    this.cachedEnd = keep
    this.#filling = NOTHING_TO_FILL
    const opening = { ...this.opening, turn, epoch: this.epoch, isWarmUp: false }
    return openMessages(this.setup, this.route, opening)
  }

  /** Every stage is open; some may lack positions. @param keptTokens what each of them has. */
  #begun(fills: Fill[], keptTokens: number): Action[] {
    this.#filling = new Filling(fills, this.setup.chunking)
    const event: SessionEvent = this.#isUnderWay
      ? { type: 'rerouted', stages: this.#stages, refillTokens: this.#filling.nTokens }
      : { type: 'opened', keptTokens }
    if (!this.#isUnderWay) this.#sinceEpoch = this.epoch
    this.#isUnderWay = true
    const opening = { epoch: this.epoch, turn: this.#turn as Turn, logitsHash: this.#logitsHash }
    // Before anything is computed, so that whatever is can be gone on with.
    const log = logMessages(this.setup, this.#stages, opening, this.ids)
    const begun: Action[] = [{ type: 'emit', event }, ...log]
    if (fills.length === 0) return [...begun, ...this.#goOn()]
    this.#enter('filling')
    return [...begun, ...this.#sendFills()]
  }

  /** All stages have what they need: the ids behind it follow. */
  #goOn(): Action[] {
    this.#enter('prefill')
    const { chunking } = this.setup
    this.#prompt = new ChunkFlow(this.cachedEnd, this.ids.length, chunking, this.#stages.length)
    const turn = this.#turn as Turn
    const sampled = sampledMessages(this.setup, this.epoch, turn, this.ids, this.#stages)
    return [...sampled, ...this.#sendChunks()]
  }

  #sendChunks(): Action[] {
    const way = { source: -1, stop: this.#stages.length - 1 }
    return [...this.#prompt.take()].map((chunk) => this.#sendChunk({ ...chunk, ...way }))
  }

  #sendFills(): Action[] {
    return [...this.#filling.take()].map((chunk) => this.#sendChunk(chunk))
  }

  #sendChunk(chunk: DueChunk): Action {
    return chunkMessage(this.setup, this.epoch, this.#stages, chunk, this.ids)
  }

  /** Only while the turn has no token yet: afterwards the prompt is read, and the rest is repair. */
  #promptProgress(): Action[] {
    const total = (this.#turn as Turn).ids.length
    if (this.ids.length > total) return []
    return [{ type: 'emit', event: { type: 'prefill', done: this.cachedEnd, total } }]
  }

  #isFrom(from: PeerId, index: number, epoch: number): boolean {
    const isDue = this.phase === 'filling' || this.phase === 'prefill' || this.phase === 'decode'
    return isDue && from === this.#stages[index]?.peer && epoch === this.epoch
  }

  #violation(from: PeerId, what: string): Action[] {
    this.#faults.avoid(from)
    return this.#loseOrFail(violationOf(from, what), null)
  }

  /** @param peer that cannot answer any more. @param avoid who is better left out from now on. */
  #lose(peer: PeerId | null, error: SwarmError, avoid: PeerId | null): Action[] {
    if (this.phase === 'ended') return []
    if (avoid !== null) this.#faults.avoid(avoid)
    if (this.phase !== 'closing') return this.#loseOrFail(error, peer)
    // It cannot answer any more; the others still can.
    if (peer !== null) this.#answers.lose(peer)
    return this.#settleClosing()
  }

  #loseOrFail(error: SwarmError, lost: PeerId | null): Action[] {
    if (this.phase === 'rerouting') return []
    const isMidTurn = this.#isUnderWay && this.phase !== 'idle' && this.phase !== 'pausing'
    const isHopeful = this.#faults.add(error)
    if (!this.setup.isRepairable || !isMidTurn || !isHopeful) return this.#fail(error, lost)
    this.#enter('rerouting')
    const event = { type: 'rerouting', reason: lossText(error, this.#stages) } as const
    const reroute: Action = { type: 'reroute', error, avoided: this.#faults.avoided }
    return [{ type: 'emit', event }, reroute]
  }

  #settleClosing(): Action[] {
    if (!this.#answers.areIn) return []
    this.#enter('ended')
    return [{ type: 'settle' }]
  }

  /** @param lost a peer that need not be told. */
  #fail(error: SwarmError, lost: PeerId | null): Action[] {
    this.#enter('ended')
    this.#answers = new StageAnswers(this.#stages)
    const told = this.#stages.filter(({ peer }) => peer !== lost)
    // Another peer is its origin now, or may still become it.
    const isReleased = error.code === 'PEER_REFUSED' || this.#isResuming
    const close = closeMessages(this.setup, told, this.newestEpoch, isReleased)
    return [...close, { type: 'fail', error }, { type: 'settle' }]
  }
}
