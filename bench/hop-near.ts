// The near process of the hop bench: measures, bare and ours in turn within each round, and prints the
// samples as one line of JSON. Arguments: the far address, its two ports, the own address, rounds.

import { once } from 'node:events'

import {
  BLOCK_BYTES,
  FLOOD_BLOCKS,
  SESSION,
  countSockets,
  dialled,
  hopIdentities,
  openNetwork,
  type Flood
} from './hop-ends.ts'

import type { ActivationHeader, SessionMessage } from '../src/wire/session.ts'

/** Widths of one token's activation: 8 and 16 KiB. */
export const DIMS = [2048, 4096]
/** Round trips in one go: long enough to be warm, short enough that both ways meet the same weather. */
const TRIPS = 400
const WARM_TRIPS = 2000
/** Floods of each kind in one round, each kind first in turn. */
const FLOOD_TURNS = 3
/** What every flood sends again and again; as in a file's case, the bytes are somewhere else before. */
const BLOCK = new Uint8Array(BLOCK_BYTES).fill(5)
/** A flood is kept this far ahead of the socket. */
const AHEAD_BYTES = 8 * BLOCK_BYTES

export interface HopSamples {
  /** Microseconds there and back, per dim and way, round by round. */
  tripsUs: Record<string, { bare: number[][]; ours: number[][] }>
  /** MB/s per round. */
  floods: Record<Flood, number[]>
  /** Bytes our socket was given per activation, per dim. */
  wireBytes: Record<string, number>
}

export interface HopNearTask {
  host: string
  bare: number
  link: number
  ownHost: string
  rounds: number
}

interface Way {
  trip(dim: number): Promise<void>
  floods: Partial<Record<Flood, () => Promise<void>>>
}

const task = JSON.parse(process.argv[2] ?? '{}') as HopNearTask
const { near, far } = hopIdentities()

async function bareWay(): Promise<Way> {
  const stream = await dialled({ host: task.host, port: task.bare }, near, far)
  let onMessage: () => void = () => {}
  stream.on('data', () => onMessage())
  const answer = () => new Promise<void>((resolve) => (onMessage = resolve))
  return {
    trip(dim) {
      const message = stream.alloc(4 * dim)
      message.fill(7)
      const back = answer()
      stream.write(message)
      return back
    },
    floods: {
      async bare() {
        const back = answer()
        for (let i = 0; i < FLOOD_BLOCKS; i++) {
          if (!stream.write(BLOCK)) await once(stream, 'drain')
        }
        await back
      }
    }
  }
}

async function ourWay(): Promise<Way> {
  const network = await openNetwork(near, task.ownHost, (event) => {
    if (event.type !== 'lane') return
    if (event.kind === 'tcp') onLane()
    // What was on it is lost and would be waited for without end.
    else fail('the lane was lost while it was measured: the machine is too busy, run it again')
  })
  let onLane: () => void = () => {}
  const lane = new Promise<void>((resolve) => (onLane = resolve))
  network.accept(await dialled({ host: task.host, port: task.link }, near, far))
  await lane
  let onMessage: (message: SessionMessage) => void = () => {}
  network.hops.onMessage((_, message) => onMessage(message))
  const answer = () => new Promise<SessionMessage>((resolve) => (onMessage = resolve))
  const hop = network.hops.to(far.id)
  const header = (nTokens: number, dim: number): ActivationHeader => {
    return {
      session: SESSION,
      epoch: 1,
      index: 1,
      stop: 1,
      position: 0,
      nTokens,
      dim,
      sample: false,
      drafted: false,
      company: 0
    }
  }
  return {
    async trip(dim) {
      const frame = hop.allocate(header(1, dim))
      frame.payload.fill(7)
      const back = answer()
      frame.send()
      await back
    },
    floods: {
      async activations() {
        const back = answer()
        for (let i = 0; i < FLOOD_BLOCKS; i++) {
          const frame = hop.allocate(header(64, 4096))
          frame.payload.set(BLOCK)
          frame.send()
          while (hop.backlogBytes > AHEAD_BYTES) await new Promise(setImmediate)
        }
        await back
      },
      async weights() {
        const back = answer()
        for (let i = 0; i < FLOOD_BLOCKS; i++) await network.sendWeights(far.id, BLOCK)
        await back
      }
    }
  }
}

async function trips(way: Way, dim: number, count: number): Promise<number[]> {
  const samples: number[] = []
  for (let i = 0; i < count; i++) {
    const start = performance.now()
    await way.trip(dim)
    samples.push((performance.now() - start) * 1000)
  }
  return samples
}

async function flood(name: Flood): Promise<number> {
  const start = performance.now()
  await (bare.floods[name] ?? ours.floods[name])?.()
  return (FLOOD_BLOCKS * BLOCK_BYTES) / 1000 / (performance.now() - start)
}

function fail(why: string): void {
  console.error(why)
  process.exit(1)
}

const FLOODS: Flood[] = ['activations', 'bare', 'weights']
const bare = await bareWay()
const sockets = countSockets()
const ours = await ourWay()
const samples: HopSamples = {
  tripsUs: {},
  floods: { bare: [], activations: [], weights: [] },
  wireBytes: {}
}
for (const dim of DIMS) for (const way of [bare, ours]) await trips(way, dim, WARM_TRIPS)
for (let round = 0; round < task.rounds; round++) {
  // Whoever goes second finds warmer caches, so they take turns at that too.
  const ways = round % 2 === 0 ? (['bare', 'ours'] as const) : (['ours', 'bare'] as const)
  for (const dim of DIMS) {
    const all = (samples.tripsUs[dim] ??= { bare: [], ours: [] })
    for (const name of ways) {
      const before = sockets.bytesWritten()
      all[name].push(await trips(name === 'bare' ? bare : ours, dim, TRIPS))
      if (name === 'ours') samples.wireBytes[dim] = (sockets.bytesWritten() - before) / TRIPS
    }
  }
  for (let turn = 0; turn < FLOOD_TURNS; turn++) {
    for (const name of FLOODS) samples.floods[name].push(await flood(name))
    FLOODS.push(FLOODS.shift() as Flood)
  }
}
process.stdout.write(`${JSON.stringify(samples)}\n`, () => process.exit(0))
