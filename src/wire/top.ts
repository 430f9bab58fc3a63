// What a running peer shows of its swarm, as one object: `swarm top --json` prints it, the dashboard draws
// it, GET /mesh/top answers it. Real figures only: what nobody measured is null, what was computed from the
// plan instead of measured says so. Only shapes; node/top-snapshot.ts fills them. Texts of other peers are
// foreign: whoever shows them makes them printable.

import type { SessionReport } from './session-report.ts'

/** A number for people. `isEstimate`: predicted by the plan, because it has not been measured yet. */
export interface Figure {
  value: number
  isEstimate: boolean
}

export interface TopRange {
  start: number
  end: number
}

export interface TopPeer {
  /** 64 hex digits. */
  key: string
  name: string
  isSelf: boolean
  state: 'alive' | 'suspect' | 'dead' | 'left'
  /** Layers ready to serve, ascending; of these, those that stand by for other peers' stages. */
  held: TopRange[]
  standby: TopRange[]
  /** Layers being loaded, and those of its stages in the plan: a token may pass it several times. */
  loading: (TopRange & { percent: number }) | null
  planned: TopRange[]
  /** Why the plan gives it nothing; null when it does, or when there is no plan. */
  leftOut: string | null
  /** Bytes of the weights that it holds, and what it is willing to hold with keys and values. */
  heldBytes: number | null
  memoryBytes: number | null
  kernels: string | null
  /** How activations go there from this peer, and how long a round trip takes. */
  lane: 'tcp' | 'udx' | null
  rttMs: number | null
  /** Tokens per second that its stage would reach with no other stage and no wire. */
  stageTokensPerSecond: Figure | null
  /** THRPT: bytes of weights that it consumes per second while the swarm generates. */
  thrptBytesPerSecond: Figure | null
  /** VoC: (tokens/s of the plan with it - best plan without it) / the former; 0 to 1. */
  voc: Figure | null
}

/** One stage of a plan; its figure is a prediction. */
export interface TopStage extends TopRange {
  peer: string
  /** Of one token. */
  computeMs: number
}

export interface TopPlan {
  stages: TopStage[]
  /** Of one token; null while there is no plan that covers all layers. */
  tokenMs: number | null
  hopMs: number | null
  tokensPerSecond: number | null
  ready: boolean
  /** Layers that nobody has room for. */
  gap: TopRange[]
}

/** An answer that is being computed for somebody who asked here. */
export interface TopSession {
  promptTokens: number | null
  nTokens: number
  runMs: number
  route: string[]
}

export interface TopEvent {
  wallMs: number
  kind: string
  text: string
}

export interface TopSnapshot {
  wallMs: number
  key: string
  name: string
  version: string
  topic: string
  reach: string
  upMs: number
  model: {
    name: string
    nLayers: number
    contextTokens: number
    /** Bytes of weights that one token reads, all layers and the head. */
    activeBytes: number
    /** It has a template for conversations. */
    canChat: boolean
  } | null
  peers: TopPeer[]
  plan: TopPlan | null
  /** Over the last seconds; 0 when nothing is computed. */
  now: {
    /** Of the answers that were asked for here. */
    tokensPerSecond: number
    /** THRPT of the whole swarm for these answers. */
    thrptBytesPerSecond: number
    /** THRPT of this machine alone, for whoever asked. */
    ownThrptBytesPerSecond: number
  }
  /** Tokens/s of the seconds before, oldest first. */
  history: number[]
  /** The last answer that was asked for here and came to its end. */
  generation: SessionReport | null
  sessions: {
    /** Asked for here, running. */
    own: TopSession[]
    /** With a cache on this machine, whoever asked. */
    hosted: number
  }
  /** Oldest first. */
  events: TopEvent[]
}
