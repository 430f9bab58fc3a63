// What others published of the speed of distributed inference, and the clusters they published it of, as
// views for our own planner. Every constant that is not in a publication says where it comes from; none
// was fitted on a column of several machines. Sources: prima.cpp's README (arXiv 2504.08791) and EdgeShard
// (arXiv 2405.14371) for clusters, b4rtaz/distributed-llama's report for row splits.

import { toPeerId } from '../src/wire/ids.ts'

import type { ModelFacts, View, ViewLink, ViewPeer } from '../src/sharding/facts.ts'

const GIB_KIB = 2 ** 20

export interface PublishedRow {
  name: string
  view: View
  /** ms per token. */
  published: number
  /** Largest share by which the prediction may be off; null: printed only, with the reason. */
  within: number | null
  note?: string
}

interface ModelSize {
  /** Of the file, 10^9 bytes. */
  gb: number
  nLayers: number
  dim: number
  /** Share of the file that a token reads: mixtures of experts. */
  activeShare?: number
  /** Output matrix, 10^9 bytes. */
  headGb: number
  kvBytesPerToken: number
  contextTokens: number
}

function modelOf(size: ModelSize): ModelFacts {
  const { gb, nLayers, dim, headGb, activeShare = 1 } = size
  const layer = Math.round(((gb - 1.65 * headGb) * 1e9) / nLayers / 1024)
  const layerKiB = Array.from({ length: nLayers }, () => layer)
  return {
    id: '00'.repeat(32),
    nLayers,
    dim,
    layerKiB,
    activeKiB: layerKiB.map((sizeKiB) => Math.round(sizeKiB * activeShare)),
    // Tables have fewer bits than heads.
    embeddingKiB: Math.round((headGb * 0.65 * 1e9) / 1024),
    headKiB: Math.round((headGb * 1e9) / 1024),
    tied: false,
    kvBytesPerToken: size.kvBytesPerToken,
    contextTokens: size.contextTokens
  }
}

/** 10^9 bytes per second -> MiB/s. */
function mibps(gbps: number): number {
  return Math.round((gbps * 1e9) / 2 ** 20)
}

function keyOf(index: number) {
  return toPeerId((index + 1).toString(16).padStart(2, '0').repeat(32))
}

/** Everybody with everybody. */
function meshed(peers: ViewPeer[], delayUs: number, mbps: number): ViewPeer[] {
  const links = (own: ViewPeer): ViewLink[] =>
    peers.filter(({ key }) => key !== own.key).map(({ key }) => ({ peer: key, delayUs, mbps }))
  return peers.map((peer) => ({ ...peer, links: links(peer) }))
}

/** prima.cpp's four devices, as its README gives memory and disk. */
export const PRIMA_CONSTANTS = [
  'D3 accelerator 335 GB/s: middle of its llama.cpp rows of 8B (309) and 14B (370), one machine',
  'D3 memory 48 GB/s: mean of its llama.cpp rows of 30B (48), 45B (53), 32B (43), one machine',
  'D2 244 and 48 GB/s: its data sheet at the efficiency of D3; D1 50, D4 15 GB/s: data sheets',
  '0.5 GiB of each accelerator for its runtime: an ordinary value, chosen knowing the 32B row',
  'hop 2.5 ms, 450 Mb/s: Wi-Fi of 3-7 ms round trip, 320-610 Mb/s as published',
  'files of 14B, 45B, 60B at 4.8 bits per weight: their real sizes are not published'
]

function primaPeers(): ViewPeer[] {
  const peer = (index: number, memoryGib: number, gbps: number, diskGbps: number): ViewPeer => ({
    key: keyOf(index),
    memoryKiB: Math.round(memoryGib * GIB_KIB),
    weightMiBps: mibps(gbps),
    diskMiBps: mibps(diskGbps),
    pin: null
  })
  const fast = (gib: number, gbps: number) => ({
    memoryKiB: Math.round(gib * GIB_KIB),
    weightMiBps: mibps(gbps)
  })
  const peers = [
    peer(0, 2.4, 50, 0.72),
    { ...peer(1, 4.1, 48, 2.98), accelerator: fast(7.5, 244) },
    { ...peer(2, 9.7, 48, 3.17), accelerator: fast(10.5, 335) },
    peer(3, 1.9, 15, 1.37)
  ]
  return meshed(peers, 2500, 450)
}

const PRIMA_MODELS: [string, ModelSize, number, number | null][] = [
  ['8B', llama(4.92, 32, 4096, 0.43), 15, 0.15],
  ['14B', llama(7.9, 40, 5120, 0.5), 20, 0.15],
  ['30B', llama(19.5, 60, 6656, 0.17), 72, 0.15],
  ['Qwen-32B', llama(19.85, 64, 5120, 0.64), 89, 0.15],
  ['45B', llama(27.1, 80, 6656, 0.2), 233, 0.15],
  ['60B', llama(36, 80, 8192, 0.2), 468, 0.15],
  ['65B', llama(39.3, 80, 8192, 0.21), 569, 0.15],
  ['70B', llama(42.5, 80, 8192, 0.86), 674, null],
  ['72B', llama(47.4, 80, 8192, 1.02), 867, null]
]

function llama(gb: number, nLayers: number, dim: number, headGb: number): ModelSize {
  // Their runs are short: a context of 256 positions at most.
  return { gb, nLayers, dim, headGb, kvBytesPerToken: 4096, contextTokens: 256 }
}

export function primaRows(): PublishedRow[] {
  const peers = primaPeers()
  return PRIMA_MODELS.map(([name, size, published, within]) => ({
    name: `prima.cpp ${name}`,
    view: { model: modelOf(size), peers },
    published,
    within,
    ...(within === null
      ? {
          note: 'theirs reads the bytes that memory lacks, ours whole layers through the room of one'
        }
      : {})
  }))
}

export const EDGESHARD_CONSTANTS = [
  'AGX Orin 204.8 GB/s, RTX 3090 936 GB/s, Orin NX 102.4 GB/s: data sheets',
  'AGX efficiency 0.98: 28 GB in 140.3 ms, its own single-machine figure for 7B at 32 bits',
  '50 Mb/s between edge devices, 0.3 ms; 1 Mb/s between the first device and the cloud: as published'
]

/** Twelve AGX Orin, two Orin NX and an RTX 3090; the first AGX is where questions come from. */
function edgePeers(): ViewPeer[] {
  const peer = (index: number, gib: number, gbps: number): ViewPeer => ({
    key: keyOf(index),
    memoryKiB: Math.round(gib * GIB_KIB),
    weightMiBps: mibps(gbps * 0.98),
    pin: null
  })
  const peers = [
    ...Array.from({ length: 12 }, (_, index) => peer(index, 32, 204.8)),
    peer(12, 16, 102.4),
    peer(13, 16, 102.4),
    peer(14, 24, 936)
  ]
  const [source, cloud] = [0, 14]
  return meshed(peers, 300, 50).map((own, index) => ({
    ...own,
    links: (own.links ?? []).map((link) => {
      const isSlow =
        (index === source && link.peer === keyOf(cloud)) ||
        (index === cloud && link.peer === keyOf(source))
      return isSlow ? { ...link, mbps: 1 } : link
    })
  }))
}

export function edgeshardRows(): PublishedRow[] {
  const full = (gb: number, nLayers: number, dim: number): ModelSize => ({
    ...llama(gb, nLayers, dim, (32_000 * dim * 4) / 1e9),
    kvBytesPerToken: dim * 8
  })
  const peers = edgePeers()
  const solo = { model: modelOf(full(27, 32, 4096)), peers: peers.slice(0, 1) }
  return [
    { name: 'EdgeShard 7B alone', view: solo, published: 140.3, within: 0.15 },
    {
      name: 'EdgeShard 7B',
      view: { model: modelOf(full(27, 32, 4096)), peers },
      published: 75.88,
      within: null,
      note: 'theirs keeps layer 0 on the first device, which costs a detour around the 1 Mb/s link'
    },
    {
      name: 'EdgeShard 13B',
      view: { model: modelOf(full(52, 40, 5120)), peers },
      published: 173.43,
      within: 0.15
    }
  ]
}

/** One family of row splits: ms of inference by number of machines, null where there is none. */
export interface RowSplit {
  name: string
  columns: [nodes: number, computeMs: number][]
  /** Where the fit is known not to hold. */
  except?: number
}

/** Compute of distributed-llama at the root, its own tables. */
export const ROW_SPLITS: RowSplit[] = [
  { name: 'RPi 4B 7B', columns: pairs([1, 1308], [2, 739], [4, 459], [8, 297]) },
  { name: 'RPi 4B 13B', columns: pairs([2, 1465], [4, 747], [8, 461]), except: 8 },
  { name: 'RPi 5 7B', columns: pairs([1, 435], [2, 258], [4, 163]) },
  { name: 'RPi 5 8B', columns: pairs([1, 557], [2, 363], [4, 268]) },
  { name: 'GCP 7B', columns: pairs([1, 101], [2, 62], [4, 40]) },
  { name: 'GCP 70B', columns: pairs([1, 907], [2, 476], [4, 264]) }
]

function pairs(...columns: [number, number][]): [number, number][] {
  return columns
}

/** A home: i5-13500H and Ryzen 5 3600, 16 GiB each of which 13 are free, 1 GbE, DDR4-3200 or DDR5-4800. */
export function homeRows(): { name: string; view: View }[] {
  const models: [string, ModelSize][] = [
    ['70B at 2.9 bits', { ...llama(24.1, 80, 8192, 0.4), contextTokens: 2048 }],
    ['47B-A13B at 3.4 bits', { ...llama(20.4, 32, 4096, 0.09), activeShare: 0.28 }],
    ['30B-A3B at 4.8 bits', { ...llama(18.6, 48, 2048, 0.25), activeShare: 0.1 }]
  ]
  const peer = (index: number, gbps: number): ViewPeer => ({
    key: keyOf(index),
    memoryKiB: 13 * GIB_KIB,
    weightMiBps: mibps(gbps),
    pin: null
  })
  return models.flatMap(([name, size]) =>
    [36, 50].map((gbps) => ({
      name: `${name}, i5 at ${gbps} GB/s, Ryzen at 36 GB/s`,
      view: { model: modelOf(size), peers: [peer(0, gbps), peer(1, 36)] }
    }))
  )
}

/**
 * I(n) = A/n + S through the first two columns; what it says of the others.
 * @returns also by how much the rounding of three published figures to whole ms may have moved the error.
 */
export function rowSplitErrors({
  columns
}: RowSplit): { nodes: number; error: number; rounding: number }[] {
  const [[n1, t1], [n2, t2]] = columns as [[number, number], [number, number]]
  const a = (t1 - t2) / (1 / n1 - 1 / n2)
  const s = t1 - a / n1
  return columns.slice(2).map(([nodes, ms]) => {
    const share = (1 / n2 - 1 / nodes) / (1 / n1 - 1 / n2)
    const rounding = (0.5 * share + 0.5 * (1 + share) + 0.5) / ms
    return { nodes, error: (a / nodes + s) / ms - 1, rounding }
  })
}
