// A peer in a process of its own (child-peer.ts, task 'watch') and what it says of its links: how they come
// up, beat and go down. Possibly inside a namespace, possibly in bad weather.

import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

import type { Weather } from '../helpers/net/relay.ts'

const CHILD = fileURLToPath(new URL('./child-peer.js', import.meta.url))
const WEATHER = new URL('../helpers/net/weather.js', import.meta.url).href

export interface WatchedLine {
  type: 'link-up' | 'link-down' | 'beats'
  /** Of beats. */
  jitterMs?: number
  limitMs?: number
}

export interface WatchedOptions {
  /** Of its identity, and of its weather. */
  seed: number
  topic: string
  /** Command line to run it under: ip netns exec NAME. */
  inside?: readonly string[]
  weather?: Weather
}

export class WatchedChild {
  readonly process: ChildProcess
  readonly #counts = new Map<string, number>()
  #last: WatchedLine | null = null

  constructor({ seed, topic, inside = [], weather }: WatchedOptions) {
    const preload = weather === undefined ? [] : ['--import', WEATHER]
    const argv = [...inside, process.execPath, ...preload, CHILD, String(seed), topic, 'watch']
    this.process = spawn(argv[0] as string, argv.slice(1), {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, SWARM_TEST_WEATHER: JSON.stringify({ ...weather, seed }) }
    })
    createInterface({ input: this.process.stdout as NodeJS.ReadableStream }).on('line', (text) => {
      const line = JSON.parse(text) as WatchedLine
      this.#counts.set(line.type, this.count(line.type) + 1)
      if (line.type === 'beats') this.#last = line
    })
  }

  count(type: WatchedLine['type']): number {
    return this.#counts.get(type) ?? 0
  }

  /** p99 of the heartbeats of its first neighbour; 0 before they are relied on. */
  get jitterMs(): number {
    return this.#last?.jitterMs ?? 0
  }

  end(): void {
    this.process.kill('SIGKILL')
  }
}
