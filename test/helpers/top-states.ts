// Recorded states of a swarm for the dashboard's tests: three peers that generate, and what may be missing.
// Figures are those of a run of three peers, rounded; texts of other peers are hostile where that matters.

import type { TopPeer, TopSnapshot } from '../../src/wire/top.ts'

const GIB = 2 ** 30
/** 02:11:05 UTC; the tests run in that time zone. */
export const WALL_MS = Date.UTC(2026, 10, 21, 2, 11, 5)

export const ATLAS = 'ede8c730'.repeat(8)
export const BORON = '21d9ff4b'.repeat(8)
export const CESIUM = '10d33d5c'.repeat(8)
export const DELTA = 'd5b456e8'.repeat(8)

const measured = (value: number) => ({ value, isEstimate: false })
const estimate = (value: number) => ({ value, isEstimate: true })

function peer(key: string, name: string, range: [number, number] | null): TopPeer {
  const layers = range && { start: range[0], end: range[1] }
  return {
    key,
    name,
    isSelf: false,
    state: 'alive',
    held: layers ? [layers] : [],
    standby: [],
    loading: null,
    planned: layers === null ? [] : [layers],
    leftOut: null,
    heldBytes: layers && (layers.end - layers.start) * 0.14 * GIB,
    memoryBytes: 8 * GIB,
    kernels: 'avx512vnni',
    lane: 'tcp',
    rttMs: 0.21,
    stageTokensPerSecond: measured(61.4),
    thrptBytesPerSecond: measured(30.1e9),
    voc: measured(0.41)
  }
}

/** Three peers, one answer running, one measured before it. */
export function threePeers(): TopSnapshot {
  const hop = { wireMs: 0.8, queueMs: 0.1, weightBytes: 1.7e9 }
  return {
    wallMs: WALL_MS,
    key: ATLAS,
    name: 'atlas',
    version: '0.1.0',
    topic: 'home',
    reach: 'Anyone who knows or guesses its name can join',
    upMs: 7_865_000,
    model: {
      name: 'llama-8b-Q4_K_M',
      nLayers: 32,
      contextTokens: 8192,
      activeBytes: 4.6e9,
      canChat: true
    },
    peers: [
      { ...peer(ATLAS, 'atlas', [0, 12]), isSelf: true, lane: null, rttMs: null },
      {
        ...peer(BORON, 'boron', [12, 24]),
        voc: measured(0.33),
        stageTokensPerSecond: measured(58.8)
      },
      {
        ...peer(CESIUM, 'cesium', [24, 32]),
        rttMs: 0.94,
        lane: 'udx',
        stageTokensPerSecond: measured(49.0),
        thrptBytesPerSecond: estimate(20.4e9),
        voc: estimate(0.19)
      }
    ],
    plan: {
      stages: [
        { peer: ATLAS, start: 0, end: 12, computeMs: 16.2 },
        { peer: BORON, start: 12, end: 24, computeMs: 17.0 },
        { peer: CESIUM, start: 24, end: 32, computeMs: 20.4 }
      ],
      tokenMs: 56.1,
      hopMs: 2.5,
      tokensPerSecond: 17.8,
      ready: true,
      gap: []
    },
    now: {
      tokensPerSecond: 17.2,
      thrptBytesPerSecond: 79.1e9,
      ownThrptBytesPerSecond: 30.1e9
    },
    history: [0, 0, 3, 12, 17, 18, 17, 16, 17, 17],
    generation: {
      session: '3f2a9c1b'.repeat(4),
      wallMs: WALL_MS - 20_000,
      model: 'llama-8b-Q4_K_M',
      promptTokens: 812,
      cachedTokens: 0,
      nTokens: 143,
      prefillMs: 410,
      predictedFirstTokenMs: 390,
      decodeMs: 8360,
      tokensPerSecond: 17,
      predictedTokensPerSecond: 17.8,
      wireSplit: 'links',
      hops: [
        {
          ...hop,
          peer: ATLAS,
          name: 'atlas',
          start: 0,
          end: 12,
          computeMs: 16.4,
          predicted: { computeMs: 16.2, wireMs: 0.8, queueMs: 0 }
        },
        {
          ...hop,
          peer: BORON,
          name: 'boron',
          start: 12,
          end: 24,
          computeMs: 17.1,
          wireMs: 3.9,
          queueMs: 0.3,
          predicted: { computeMs: 17.0, wireMs: 0.8, queueMs: 0 }
        },
        {
          ...hop,
          peer: CESIUM,
          name: 'cesium',
          start: 24,
          end: 32,
          computeMs: 20.9,
          wireMs: 3.7,
          weightBytes: 1.2e9,
          predicted: { computeMs: 20.4, wireMs: 0.8, queueMs: 0 }
        }
      ]
    },
    sessions: {
      own: [{ promptTokens: 12, nTokens: 88, runMs: 5200, route: [ATLAS, BORON, CESIUM] }],
      hosted: 1
    },
    events: [
      { wallMs: WALL_MS - 60_000, kind: 'peer', text: 'boron (21d9ff4b) is here, version 0.1.0' },
      { wallMs: WALL_MS - 59_000, kind: 'lane', text: 'activations to 21d9ff4b go over tcp' },
      {
        wallMs: WALL_MS - 30_000,
        kind: 'plan',
        text: 'layers: atlas 0-11, boron 12-23, cesium 24-31'
      },
      { wallMs: WALL_MS - 5000, kind: 'refused', text: 'a stranger was refused' }
    ]
  }
}

/** The same swarm before its first answer: everything that needs one is an estimate or unknown. */
export function beforeFirstAnswer(): TopSnapshot {
  const state = threePeers()
  return {
    ...state,
    peers: state.peers.map((one, index) => ({
      ...one,
      stageTokensPerSecond: estimate(60 - index),
      thrptBytesPerSecond: estimate((30 - index) * 1e9),
      voc: index === 0 ? null : estimate(0.3)
    })),
    now: { tokensPerSecond: 0, thrptBytesPerSecond: 0, ownThrptBytesPerSecond: 0 },
    history: [],
    generation: null,
    sessions: { own: [], hosted: 0 }
  }
}

/** A peer alone, without a model, an instant after its start. */
export function justStarted(): TopSnapshot {
  const self = {
    ...peer(ATLAS, 'atlas', null),
    isSelf: true,
    lane: null,
    rttMs: null,
    memoryBytes: null,
    kernels: null,
    stageTokensPerSecond: null,
    thrptBytesPerSecond: null,
    voc: null
  }
  return {
    ...beforeFirstAnswer(),
    upMs: 1000,
    model: null,
    peers: [self],
    plan: null,
    events: []
  }
}

/** A peer that is not used, one whose layers load, one that is gone, and names that attack. */
export function troubled(): TopSnapshot {
  const state = threePeers()
  const [atlas, boron, cesium] = state.peers as [TopPeer, TopPeer, TopPeer]
  return {
    ...state,
    peers: [
      atlas,
      {
        ...boron,
        name: 'bo\u001b[31mron\u009b1m{red-fg}',
        loading: { start: 12, end: 28, percent: 41 }
      },
      { ...cesium, name: '\u202e計算機\u2066', state: 'suspect', lane: null, rttMs: null },
      {
        ...peer(DELTA, 'delta-with-a-name-far-too-long-for-a-table', null),
        leftOut: 'no split with its 2.1 GiB/s is predicted faster',
        stageTokensPerSecond: null,
        thrptBytesPerSecond: null,
        voc: estimate(0)
      }
    ],
    plan: state.plan && { ...state.plan, ready: false, gap: [{ start: 24, end: 32 }] }
  }
}
