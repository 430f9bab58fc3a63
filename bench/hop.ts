// One hop, there and back: 8 and 16 KiB through our whole path (PeerHops, codec, lane, socket and the
// same backwards) beside bare Noise over TCP, and 1 MiB blocks one way. Two processes, both ways in turn
// within each round, over loopback and, where namespaces are permitted, over a virtual cable.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import { CABLES, Net } from '../test/helpers/net/namespaces.ts'
import { median, quantile, spread } from './statistics.ts'

import type { FarPorts } from './hop-ends.ts'
import type { HopNearTask, HopSamples } from './hop-near.ts'

/** What the README claims, and what a failed bench says. */
const P50_MAX = 1.25
const P99_MAX = 2
const FLOOD_MIN = 0.85
const ENVELOPE_BYTES_MAX = 64

interface Place {
  name: string
  near: string[]
  far: string[]
  nearHost: string
  farHost: string
}

export async function hopBench(args: string[]): Promise<void> {
  const roundsAt = args.indexOf('--rounds')
  const rounds = roundsAt >= 0 ? Number(args[roundsAt + 1]) : 15
  const loopback = { near: [], far: [], nearHost: '127.0.0.1', farHost: '127.0.0.1' }
  await measure({ name: 'loopback', ...loopback }, rounds)
  const missing = Net.missing()
  if (missing !== null) return console.log(`\ncable: left out, ${missing}`)
  const net = new Net()
  try {
    const [near, far] = net.bareCable('static IPv4')
    const [nearHost, farHost] = CABLES['static IPv4'].map((address) => address.split('/')[0] ?? '')
    await measure(
      {
        name: 'veth between two namespaces',
        near: near.inside,
        far: far.inside,
        nearHost: nearHost ?? '',
        farHost: farHost ?? ''
      },
      rounds
    )
  } finally {
    net.close()
  }
}

async function measure(place: Place, rounds: number): Promise<void> {
  const far = start(place.far, 'hop-far.js', [place.farHost])
  const ports = JSON.parse(await firstLine(far)) as FarPorts
  const task: HopNearTask = { host: place.farHost, ...ports, ownHost: place.nearHost, rounds }
  const near = start(place.near, 'hop-near.js', [JSON.stringify(task)])
  const line = await firstLine(near)
  const exited = [near, far].map((child) => child.exitCode ?? once(child, 'exit'))
  far.kill()
  await Promise.all(exited)
  if (line === '') throw new Error(`nothing was measured over ${place.name}`)
  const samples = JSON.parse(line) as HopSamples
  console.log(`\n${place.name}, ${rounds} rounds`)
  for (const [dim, { bare, ours }] of Object.entries(samples.tripsUs)) {
    const payloadBytes = 4 * Number(dim)
    const envelope = (samples.wireBytes[dim] ?? NaN) - payloadBytes
    console.log(
      `  ${payloadBytes / 1024} KiB there and back  `.padEnd(27) +
        `p50 ${beside(ours, bare, 0.5, P50_MAX)}  p99 ${beside(ours, bare, 0.99, P99_MAX)}  ` +
        `payload + ${envelope.toFixed(1)} B${envelope <= ENVELOPE_BYTES_MAX ? '' : ' ABOVE 64'}`
    )
  }
  const { bare } = samples.floods
  for (const name of ['activations', 'weights'] as const) {
    const ours = samples.floods[name]
    const ratios = ours.map((rate, i) => rate / (bare[i] as number))
    const missed = median(ratios) >= FLOOD_MIN ? '' : ` BELOW ${FLOOD_MIN}`
    console.log(
      `  1 MiB of ${name} one way`.padEnd(35) +
        `ours ${median(ours).toFixed(0)} MB/s bare ${median(bare).toFixed(0)}  ` +
        `ratio ${median(ratios).toFixed(2)} (${spread(ratios)})${missed}`
    )
  }
}

/**
 * One quantile of both ways. The ratio is the median of the rounds' ratios: both ways of a round meet the
 * same neighbours on the machine, and the same cores.
 */
function beside(
  ours: readonly number[][],
  bare: readonly number[][],
  q: number,
  most: number
): string {
  const [oursUs, bareUs] = [ours, bare].map((rounds) => rounds.map((times) => quantile(times, q)))
  const ratios = (oursUs ?? []).map((us, round) => us / (bareUs?.[round] ?? NaN))
  const value = median(ratios)
  const missed = value <= most ? '' : ` ABOVE ${most}`
  const [our, their] = [oursUs, bareUs].map((us) => median(us ?? []).toFixed(0))
  return `ours ${our} us bare ${their} ratio ${value.toFixed(2)} (${spread(ratios)})${missed}`
}

function start(inside: string[], file: string, args: string[]): ChildProcess {
  const script = fileURLToPath(new URL(file, import.meta.url))
  const [command = '', ...rest] = [...inside, process.execPath, script, ...args]
  return spawn(command, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) return ''
  const lines = createInterface({ input: child.stdout })
  const ended = once(lines, 'close').then(() => [''])
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string]
  return line
}
