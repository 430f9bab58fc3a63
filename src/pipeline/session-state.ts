// Flow B, origin side, the deciding half of a session: what has been sent, what came back, what is
// due, and what to do next. Every method takes one event and returns the actions it calls for; nothing
// here waits, sends or reads a clock, so each rule is tested by calling it. session.ts does the rest.
//
//   idle --begin--> opening --all opened--> prefill --first token--> decode --finish--> idle
//   prefill, decode --a stage is lost--> rerouting --rerouted--> opening --> filling --> prefill
//   any --pause--> pausing --all opened--> idle          any --close--> closing --all closed--> ended
//
// Every turn, every route and every pause is an epoch of its own; what belongs to an older one is late and
// dropped. The ids of all positions are kept, so that an epoch can begin at any of them, on any route: a
// turn goes on behind its last token, and what its stages lack is filled first (fills.ts).

import { SwarmError, errorFromPeer } from '../base/errors.ts'
import { REROUTES_MAX } from '../base/limits.ts'
import { clip } from '../base/text.ts'
import { shortId } from '../wire/ids.ts'
import { NO_LOGITS_HASH } from '../wire/session.ts'
import { ChunkFlow } from './chunk-flow.ts'
import { Filling, planFills, type Fill, type Standpoint } from './fills.ts'
import { commonLength } from './prefix-book.ts'
import { describeStage, goneError, type Route } from './route.ts'
import {
  closeMessages,
  isRepairable,
  openMessages,
  sampledMessages,
  sendTo
} from './session-outbox.ts'

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

const ERROR_TEXT_CHARS = 400

export class SessionState {
  readonly setup: SessionSetup
  phase: Phase = 'idle'
  route: Route
  epoch = 0
  /** Changes whenever there is news from the stages: the session's patience starts again. */
  beat = 0
  /** Each stage's answer to the last open or close; null where none came. */
  stats: (StageStats | null)[]

  #ids: number[] = []
  #logitsHash = NO_LOGITS_HASH
  /** Positions that are in the caches of every stage, but for stages that came later. */
  #cachedEnd = 0
  /** Positions that this epoch may take over from an earlier session; null: it goes on at #cachedEnd. */
  #prefixEnd: number | null = null
  #standpoints: (Standpoint | null)[] = []
  #filling = new Filling([], 1)
  #prompt = new ChunkFlow(0, 0, 1, 1)
  #reservedTokens = 0
  #turn: Turn | null = null
  /** The turn has been open on all stages once: from then on it is repaired and not begun again. */
  #isUnderWay = false
  /** Routes since the last token or chunk that failed for another reason than a peer's absence. */
  #reroutes = 0
  /** Peers that a stage could not reach, or that failed, since the last token. */
  #avoided = new Set<PeerId>()
  /** Stages that went while the session closed. */
  #lost = new Set<PeerId>()

  constructor(setup: SessionSetup) {
    this.setup = setup
    this.route = setup.route
    this.stats = this.#stages.map(() => null)
  }

  get keptTokens(): number {
    return this.#cachedEnd
  }

  /** Peers that have not answered the last open or close. */
  get silentStages(): RouteStage[] {
    return this.#stages.filter((_, index) => this.stats[index] === null)
  }

  /** @throws PEER_BUSY while another turn runs; STAGE_UNKNOWN_SESSION when the session is over. */
  begin(turn: Turn): Action[] {
    if (this.phase === 'ended' || this.phase === 'closing') {
      throw new SwarmError('STAGE_UNKNOWN_SESSION', 'the session is over: start a new one')
    }
    if (this.phase !== 'idle') {
      throw new SwarmError('PEER_BUSY', 'the session still answers: wait, or start another')
    }
    const reserve = Math.max(turn.positionEnd, this.setup.contextTokens)
    // At least one position is computed again: its logits choose the first token.
    const most = Math.min(this.#cachedEnd, turn.ids.length - 1)
    let keep = commonLength(this.#ids, turn.ids, most)
    if (reserve > this.#reservedTokens) {
      this.#reservedTokens = reserve
      keep = 0
    }
    this.#turn = turn
    this.#ids = [...turn.ids]
    this.#logitsHash = turn.answered?.logitsHash ?? NO_LOGITS_HASH
    this.#isUnderWay = false
    this.#calm()
    const { prefix = null } = this.setup
    const isFirst = this.epoch === 0 && prefix !== null
    this.#prefixEnd = isFirst ? Math.min(prefix.tokens, turn.ids.length - 1) : null
    return this.#open('opening', keep, turn)
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
    return [...finish, ...this.#open('pausing', this.#cachedEnd, halt)]
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
    this.stats = this.#stages.map(() => null)
    return [{ type: 'finish' }, ...closeMessages(this.setup, this.#stages)]
  }

  opened(from: PeerId, message: OpenedMessage): Action[] {
    const isDue = this.phase === 'opening' || this.phase === 'pausing'
    if (!isDue || message.epoch !== this.epoch) return []
    if (!this.#isAnswer(from, message.index, message.stats)) return []
    this.#standpoints[message.index] = message
    const standpoints = this.#standpoints.filter((standpoint) => standpoint !== null)
    if (standpoints.length < this.#stages.length) return []
    // All begin where the one that has least ends, unless they were further already.
    const least = Math.min(...standpoints.map(({ cachedTokens }) => cachedTokens))
    if (this.phase === 'pausing') {
      this.#cachedEnd = Math.min(this.#cachedEnd, least)
      this.#enter('idle')
      return [{ type: 'settle' }]
    }
    if (this.#prefixEnd !== null) this.#cachedEnd = Math.min(this.#prefixEnd, least)
    this.#prefixEnd = null
    return this.#begun(planFills(standpoints, this.#cachedEnd))
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
    this.#cachedEnd = position
    this.#calm()
    return [...this.#promptProgress(), ...this.#sendChunks()]
  }

  token(from: PeerId, message: TokenMessage): Action[] {
    if (!this.#isFrom(from, this.#stages.length - 1, message.epoch)) return []
    const { position, id, finish, logitsHash } = message
    const isFirst = this.phase === 'prefill'
    const isDue = this.phase === 'decode' || (isFirst && this.#prompt.isAtLastChunk)
    const isLate = position >= (this.#turn?.positionEnd ?? 0)
    const isWrong = position !== this.#ids.length || isLate || id >= this.setup.vocabSize
    if (!isDue || isWrong) return this.#violation(from, `token ${id} for position ${position}`)
    this.#cachedEnd = position
    const actions = isFirst ? this.#promptProgress() : []
    this.#ids.push(id)
    this.#logitsHash = logitsHash
    this.#calm()
    actions.push({ type: 'emit', event: { type: 'token', position, id, finish, logitsHash } })
    this.#enter(finish === 'none' ? 'decode' : 'idle')
    if (finish !== 'none') actions.push({ type: 'finish' })
    return actions
  }

  closed(from: PeerId, message: ClosedMessage): Action[] {
    const isDue = this.phase === 'closing'
    if (!isDue || !this.#isAnswer(from, message.index, message.stats)) return []
    return this.#settleClosing()
  }

  failed(from: PeerId, message: FailedMessage): Action[] {
    const stage = this.#stages.find(({ peer }) => peer === from)
    // What failed in an earlier epoch is known by what the stage says it has when it opens.
    if (stage === undefined || message.epoch !== this.epoch) return []
    const said = clip(message.text, ERROR_TEXT_CHARS)
    // That a peer is gone is about another than the one who says it.
    const isOther = message.code === 'PEER_GONE'
    const text = isOther ? `${said} (said ${shortId(from)})` : `${describeStage(stage)}: ${said}`
    const error = errorFromPeer(message.code, text)
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
      ...closeMessages(this.setup, left),
      ...this.#open('opening', this.#cachedEnd, this.#turn as Turn)
    ]
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
    const silent = isOpening ? this.silentStages : this.#stages
    const who = silent.map(describeStage).join(', ')
    const what = isOpening ? 'did not open the session' : 'made no progress'
    const text = `${who} ${what} in time: ask again, or look at that machine`
    // Who is silent in mid-turn shows when the session is opened again.
    if (isOpening) for (const { peer } of silent) this.#avoided.add(peer)
    return this.#loseOrFail(new SwarmError('PEER_TIMEOUT', text), null)
  }

  get #stages(): RouteStage[] {
    return this.route.stages
  }

  #enter(phase: Phase): void {
    this.phase = phase
    this.beat++
  }

  /** The turn moves: what went wrong before is over. */
  #calm(): void {
    this.#reroutes = 0
    this.#avoided.clear()
  }

  #open(phase: Phase, keep: number, turn: Turn): Action[] {
    this.epoch++
    this.#enter(phase)
    this.stats = this.#stages.map(() => null)
    this.#standpoints = this.#stages.map(() => null)
    this.#cachedEnd = keep
    this.#filling = new Filling([], 1)
    return openMessages(this.setup, this.route, {
      epoch: this.epoch,
      position: keep,
      prefix: this.#prefixEnd === null ? null : (this.setup.prefix ?? null),
      contextTokens: this.#reservedTokens,
      logitsHash: this.#logitsHash,
      turn
    })
  }

  /** Every stage is open; some may lack positions. */
  #begun(fills: Fill[]): Action[] {
    this.#filling = new Filling(fills, this.setup.chunkTokens)
    const event: SessionEvent = this.#isUnderWay
      ? { type: 'rerouted', stages: this.#stages, refillTokens: this.#filling.nTokens }
      : { type: 'opened', keptTokens: this.#cachedEnd }
    this.#isUnderWay = true
    const emit: Action = { type: 'emit', event }
    if (fills.length === 0) return [emit, ...this.#goOn()]
    this.#enter('filling')
    return [emit, ...this.#sendFills()]
  }

  /** All stages have what they need: the ids behind it follow. */
  #goOn(): Action[] {
    this.#enter('prefill')
    const { chunkTokens } = this.setup
    const end = this.#ids.length
    this.#prompt = new ChunkFlow(this.#cachedEnd, end, chunkTokens, this.#stages.length)
    const turn = this.#turn as Turn
    const sampled = sampledMessages(this.setup, this.epoch, turn, this.#ids)
    const sampler = this.#stages.at(-1) as RouteStage
    return [...sampled.map((message) => sendTo(sampler, message)), ...this.#sendChunks()]
  }

  #sendChunks(): Action[] {
    const stop = this.#stages.length - 1
    return [...this.#prompt.take()].map(({ position, end }) => this.#sendIds(position, end, stop))
  }

  #sendFills(): Action[] {
    return [...this.#filling.take()].map(({ source, stop, position, end }) => {
      if (source < 0) return this.#sendIds(position, end, stop)
      const { epoch } = this
      const { id: session } = this.setup
      const span = { index: source, stop, position, end }
      const message = { type: 'replay', session, epoch, ...span } as const
      return sendTo(this.#stages[source] as RouteStage, message)
    })
  }

  #sendIds(position: number, end: number, stop: number): Action {
    const ids = Int32Array.from(this.#ids.slice(position, end))
    const sample = end === this.#ids.length
    const { epoch } = this
    const { id: session } = this.setup
    const message = { type: 'ids', session, epoch, stop, position, sample, ids } as const
    return sendTo(this.#stages[0] as RouteStage, message)
  }

  /** Only while the turn has no token yet: afterwards the prompt is read, and the rest is repair. */
  #promptProgress(): Action[] {
    const total = (this.#turn as Turn).ids.length
    if (this.#ids.length > total) return []
    return [{ type: 'emit', event: { type: 'prefill', done: this.#cachedEnd, total } }]
  }

  #isFrom(from: PeerId, index: number, epoch: number): boolean {
    const isDue = this.phase === 'filling' || this.phase === 'prefill' || this.phase === 'decode'
    return isDue && from === this.#stages[index]?.peer && epoch === this.epoch
  }

  /** Keeps a stage's answer. @returns false when it is not its to give, or was given. */
  #isAnswer(from: PeerId, index: number, stats: StageStats): boolean {
    if (this.#stages[index]?.peer !== from || this.stats[index] !== null) return false
    this.stats[index] = stats
    return true
  }

  #violation(from: PeerId, what: string): Action[] {
    const text = `${shortId(from)} sent ${what} out of order: ask again`
    this.#avoided.add(from)
    return this.#loseOrFail(new SwarmError('STAGE_POSITION_GAP', text), null)
  }

  /** @param peer that cannot answer any more. @param avoid who is better left out from now on. */
  #lose(peer: PeerId | null, error: SwarmError, avoid: PeerId | null): Action[] {
    if (this.phase === 'ended') return []
    if (avoid !== null) this.#avoided.add(avoid)
    if (this.phase !== 'closing') return this.#loseOrFail(error, peer)
    // It cannot answer any more; the others still can.
    if (peer !== null) this.#lost.add(peer)
    return this.#settleClosing()
  }

  #loseOrFail(error: SwarmError, lost: PeerId | null): Action[] {
    if (this.phase === 'rerouting') return []
    const isMidTurn = this.#isUnderWay && this.phase !== 'idle' && this.phase !== 'pausing'
    if (error.family !== 'PEER') this.#reroutes++
    const isHopeless = !isRepairable(error) || this.#reroutes > REROUTES_MAX
    if (!this.setup.isRepairable || !isMidTurn || isHopeless) return this.#fail(error, lost)
    this.#enter('rerouting')
    const event = { type: 'rerouting', reason: error.message } as const
    const avoided = new Set(this.#avoided)
    return [
      { type: 'emit', event },
      { type: 'reroute', error, avoided }
    ]
  }

  #settleClosing(): Action[] {
    if (!this.silentStages.every(({ peer }) => this.#lost.has(peer))) return []
    this.#enter('ended')
    return [{ type: 'settle' }]
  }

  /** @param lost a peer that need not be told. */
  #fail(error: SwarmError, lost: PeerId | null): Action[] {
    this.#enter('ended')
    const told = this.#stages.filter(({ peer }) => peer !== lost)
    return [...closeMessages(this.setup, told), { type: 'fail', error }, { type: 'settle' }]
  }
}
