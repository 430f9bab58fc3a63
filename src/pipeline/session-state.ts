// Flow B, origin side, the deciding half of a session: what has been sent, what came back, what is
// due, and what to do next. Every method takes one event and returns the actions it calls for; nothing
// here waits, sends or reads a clock, so each rule is tested by calling it. session.ts does the rest.
//
//   idle --begin--> opening --all opened--> prefill --first token--> decode --finish--> idle
//   any --pause--> pausing --all opened--> idle          any --close--> closing --all closed--> ended
//   any --a stage fails or goes--> ended
//
// Every turn and every pause is an epoch of its own; what belongs to an older one is late and dropped.
// The ids of all positions are kept, so that a new epoch can begin at any of them, on any route.

import { SwarmError, errorFromPeer } from '../base/errors.ts'
import { clip } from '../base/text.ts'
import { shortId } from '../wire/ids.ts'
import { describeStage, goneError, type Route } from './route.ts'

import type { PeerId, SessionId } from '../wire/ids.ts'
import type {
  ClosedMessage,
  FailedMessage,
  KvType,
  OpenedMessage,
  OpenMessage,
  OpenPrefix,
  ProgressMessage,
  RouteStage,
  Sampling,
  SessionMessage,
  StageStats,
  TokenMessage
} from '../wire/session.ts'

const ERROR_TEXT_CHARS = 400

export interface SessionSetup {
  id: SessionId
  route: Route
  modelId: string
  arithmeticVersion: number
  vocabSize: number
  kvType: KvType
  /** Positions to reserve at least. */
  contextTokens: number
  /** Positions of one prefill step. */
  chunkTokens: number
  /** What the first turn may take over from an earlier session. */
  prefix?: OpenPrefix | null
  /** Stages may keep the caches behind the end, for later sessions. */
  isReusable?: boolean
}

/** One question: the ids of the whole context, and how to go on from them. */
export interface Turn {
  /** From position 0 on, what was kept of earlier turns included. Not empty. */
  ids: readonly number[]
  sampling: Sampling
  stopIds: number[]
  /** No token gets this position or a later one. */
  positionEnd: number
}

export type SessionEvent =
  /** Every stage is ready; so many positions were still in their caches. */
  | { type: 'opened'; keptTokens: number }
  | { type: 'prefill'; done: number; total: number }
  | ({ type: 'token' } & Pick<TokenMessage, 'position' | 'id' | 'finish' | 'logitsHash'>)

export type Action =
  | { type: 'send'; to: PeerId; message: Exclude<SessionMessage, { type: 'activation' }> }
  | { type: 'emit'; event: SessionEvent }
  /** The turn's stream ends here, with or without its last token. */
  | { type: 'finish' }
  /** The session is over because of this. */
  | { type: 'fail'; error: SwarmError }
  /** The answers to a pause or a close are in, or will not come. */
  | { type: 'settle' }

export type Phase = 'idle' | 'opening' | 'prefill' | 'decode' | 'pausing' | 'closing' | 'ended'

export class SessionState {
  readonly setup: SessionSetup
  phase: Phase = 'idle'
  epoch = 0
  /** Changes whenever there is news from the stages: the session's patience starts again. */
  beat = 0
  /** Each stage's answer to the last open or close; null where none came. */
  stats: (StageStats | null)[]

  #ids: number[] = []
  /** Positions that are in the caches of every stage. */
  #cachedEnd = 0
  /** Positions that every stage which has answered took over from an earlier session. */
  #prefixEnd = 0
  #promptEnd = 0
  #sentEnd = 0
  /** Ends of the chunks that are on their way, ascending. */
  #inFlight: number[] = []
  #reservedTokens = 0
  #turn: Turn | null = null
  /** Stages that went while the session closed. */
  #lost = new Set<PeerId>()

  constructor(setup: SessionSetup) {
    this.setup = setup
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
    let keep = Math.min(this.#commonPrefix(turn.ids), turn.ids.length - 1)
    if (reserve > this.#reservedTokens) {
      this.#reservedTokens = reserve
      keep = 0
    }
    this.#turn = turn
    this.#ids = [...turn.ids]
    this.#promptEnd = turn.ids.length
    return this.#open('opening', keep, turn)
  }

  /** Stops decoding where it is; the caches stay for a next turn. */
  pause(): Action[] {
    if (this.phase === 'ended' || this.phase === 'closing') return [{ type: 'settle' }]
    const turn = this.#turn
    if (this.phase === 'pausing') return []
    if (turn === null) return [{ type: 'settle' }]
    const finish: Action[] = this.phase === 'idle' ? [] : [{ type: 'finish' }]
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
    return [{ type: 'finish' }, ...this.#sendToAll({ type: 'close', session: this.setup.id })]
  }

  opened(from: PeerId, message: OpenedMessage): Action[] {
    const isDue = this.phase === 'opening' || this.phase === 'pausing'
    if (!isDue || message.epoch !== this.epoch) return []
    if (!this.#isAnswer(from, message.index, message.stats)) return []
    // All begin where the one that has least ends.
    this.#prefixEnd = Math.min(this.#prefixEnd, message.cachedTokens)
    if (this.silentStages.length > 0) return []
    if (this.phase === 'pausing') {
      this.#enter('idle')
      return [{ type: 'settle' }]
    }
    this.#enter('prefill')
    this.#cachedEnd = Math.max(this.#cachedEnd, this.#prefixEnd)
    this.#sentEnd = this.#cachedEnd
    const event: SessionEvent = { type: 'opened', keptTokens: this.#cachedEnd }
    return [{ type: 'emit', event }, ...this.#sendChunks()]
  }

  progress(from: PeerId, message: ProgressMessage): Action[] {
    if (!this.#isFromSampler(from, message.epoch)) return []
    if (this.phase !== 'prefill' || message.position !== this.#inFlight[0]) {
      return this.#violation(from, `progress to position ${message.position}`)
    }
    this.#inFlight.shift()
    this.#cachedEnd = message.position
    this.beat++
    return [this.#progressEvent(), ...this.#sendChunks()]
  }

  token(from: PeerId, message: TokenMessage): Action[] {
    if (!this.#isFromSampler(from, message.epoch)) return []
    const { position, id, finish, logitsHash } = message
    const isDue = this.phase === 'decode' || this.#inFlight.length === 1
    const isLate = position >= (this.#turn?.positionEnd ?? 0)
    const isWrong = position !== this.#ids.length || isLate || id >= this.setup.vocabSize
    if (!isDue || this.#sentEnd !== this.#promptEnd || isWrong) {
      return this.#violation(from, `token ${id} for position ${position}`)
    }
    const isFirst = this.phase === 'prefill'
    this.#inFlight = []
    this.#ids.push(id)
    this.#cachedEnd = position
    const actions: Action[] = isFirst ? [this.#progressEvent()] : []
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
    // A stage that failed in the last epoch freed the session: what this one would keep is gone, and
    // the reason is this and not the refusal that follows.
    const isOpening = this.phase === 'opening' || this.phase === 'pausing'
    const hasLostCache = message.epoch < this.epoch && isOpening && this.#cachedEnd > 0
    if (stage === undefined || !(message.epoch === this.epoch || hasLostCache)) return []
    const said = clip(message.text, ERROR_TEXT_CHARS)
    // That a peer is gone is about another than the one who says it.
    const isOther = message.code === 'PEER_GONE'
    const text = isOther ? `${said} (said ${shortId(from)})` : `${describeStage(stage)}: ${said}`
    return this.#lose(from, errorFromPeer(message.code, text))
  }

  /** A peer became unreachable from here. */
  gone(peer: PeerId): Action[] {
    if (!this.#stages.some((stage) => stage.peer === peer) || this.epoch === 0) return []
    return this.#lose(peer, goneError(peer, this.#stages))
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
    if (phase === 'idle' || phase === 'ended') return []
    const isOpening = phase === 'opening' || phase === 'pausing'
    const silent = isOpening ? this.silentStages : this.#stages
    const who = silent.map(describeStage).join(', ')
    const what = isOpening ? 'did not open the session' : 'made no progress'
    const text = `${who} ${what} in time: ask again, or look at that machine`
    return this.#fail(new SwarmError('PEER_TIMEOUT', text), null)
  }

  get #stages(): RouteStage[] {
    return this.setup.route.stages
  }

  get #sampler(): PeerId {
    return (this.#stages.at(-1) as RouteStage).peer
  }

  #enter(phase: Phase): void {
    this.phase = phase
    this.beat++
  }

  #commonPrefix(ids: readonly number[]): number {
    let length = 0
    while (length < this.#cachedEnd && ids[length] === this.#ids[length]) length++
    return length
  }

  #open(phase: Phase, keep: number, turn: Turn): Action[] {
    const { setup } = this
    this.epoch++
    this.#enter(phase)
    this.stats = this.#stages.map(() => null)
    this.#cachedEnd = keep
    this.#sentEnd = keep
    const prefix = this.epoch === 1 && phase === 'opening' ? (setup.prefix ?? null) : null
    this.#prefixEnd = Math.min(prefix?.tokens ?? 0, turn.ids.length - 1)
    this.#inFlight = []
    const open: Omit<OpenMessage, 'index'> = {
      type: 'open',
      session: setup.id,
      epoch: this.epoch,
      position: keep,
      prefix,
      isReusable: setup.isReusable ?? false,
      route: this.#stages,
      modelId: setup.modelId,
      planHash: setup.route.planHash,
      viewHash: setup.route.viewHash,
      arithmeticVersion: setup.arithmeticVersion,
      contextTokens: this.#reservedTokens,
      kvType: setup.kvType,
      sampling: turn.sampling,
      stopIds: turn.stopIds,
      positionEnd: turn.positionEnd
    }
    return this.#stages.map(({ peer }, index) => {
      return { type: 'send', to: peer, message: { ...open, index } }
    })
  }

  /** The stages overlap while as many chunks travel as there are stages, and one waits at the first. */
  #sendChunks(): Action[] {
    const actions: Action[] = []
    const first = this.#stages[0] as RouteStage
    while (this.#sentEnd < this.#promptEnd && this.#inFlight.length <= this.#stages.length) {
      const position = this.#sentEnd
      const end = Math.min(position + this.setup.chunkTokens, this.#promptEnd)
      const ids = Int32Array.from(this.#ids.slice(position, end))
      const sample = end === this.#promptEnd
      const { id: session } = this.setup
      const message = { type: 'ids', session, epoch: this.epoch, position, sample, ids } as const
      actions.push({ type: 'send', to: first.peer, message })
      this.#sentEnd = end
      this.#inFlight.push(end)
    }
    return actions
  }

  #progressEvent(): Action {
    const event = { type: 'prefill', done: this.#cachedEnd, total: this.#promptEnd } as const
    return { type: 'emit', event }
  }

  #isFromSampler(from: PeerId, epoch: number): boolean {
    const isDue = this.phase === 'prefill' || this.phase === 'decode'
    return isDue && from === this.#sampler && epoch === this.epoch
  }

  /** Keeps a stage's answer. @returns false when it is not its to give, or was given. */
  #isAnswer(from: PeerId, index: number, stats: StageStats): boolean {
    if (this.#stages[index]?.peer !== from || this.stats[index] !== null) return false
    this.stats[index] = stats
    return true
  }

  #violation(from: PeerId, what: string): Action[] {
    const text = `${shortId(from)} sent ${what} out of order: ask again`
    return this.#fail(new SwarmError('STAGE_POSITION_GAP', text), null)
  }

  #lose(peer: PeerId, error: SwarmError): Action[] {
    if (this.phase === 'ended') return []
    if (this.phase !== 'closing') return this.#fail(error, peer)
    // It cannot answer any more; the others still can.
    this.#lost.add(peer)
    return this.#settleClosing()
  }

  #settleClosing(): Action[] {
    if (!this.silentStages.every(({ peer }) => this.#lost.has(peer))) return []
    this.#enter('ended')
    return [{ type: 'settle' }]
  }

  /** @param lost a peer that need not be told. */
  #fail(error: SwarmError, lost: PeerId | null): Action[] {
    this.#enter('ended')
    const close = this.#sendToAll({ type: 'close', session: this.setup.id })
    return [
      ...close.filter((action) => action.type !== 'send' || action.to !== lost),
      { type: 'fail', error },
      { type: 'settle' }
    ]
  }

  #sendToAll(message: Extract<SessionMessage, { type: 'close' }>): Action[] {
    return this.#stages.map(({ peer }) => ({ type: 'send', to: peer, message }))
  }
}
