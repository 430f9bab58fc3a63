// The processes and files of `swarm demo`: a private bootstrap, three peers with pinned layers, a fourth
// with those of the middle one where that is to be killed, and a temporary folder that holds everything.
// Owns that nothing of it is left behind, whatever happens.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { ApiClient } from '../api/client.ts'
import type { PeerStatus, PlanStatus } from '../api/service.ts'
import { sleep } from '../base/clock.ts'
import { SwarmError } from '../base/errors.ts'
import { systemRandom } from '../base/random.ts'
import { clip, toHex } from '../base/text.ts'
import { CliProcess } from './cli-process.ts'
import type { CommandContext } from './context.ts'
import { controlSocketPath } from './paths.ts'

export const DEMO_PEERS = 3

/** Starting three processes and loading a small model: seconds, on a busy machine more. */
const READY_TIMEOUT_MS = 120_000
const POLL_MS = 100

export class DemoSwarm {
  readonly modelPath: string
  readonly #context: CommandContext
  readonly #folder: string
  readonly #env: NodeJS.ProcessEnv
  readonly #processes = new Set<CliProcess>()
  readonly #killed = new Set<CliProcess>()
  /** With their keys as soon as all are ready. */
  #peers: CliProcess[] = []
  #keys: string[] = []
  /** Peers speak while they start; later their lines would run into the text. */
  #starting = true
  #closing: Promise<void> | null = null

  /** @param modelPath what the peers split. */
  constructor(context: CommandContext, modelPath: string) {
    this.#context = context
    this.modelPath = modelPath
    this.#folder = mkdtempSync(join(tmpdir(), 'swarm-demo-'))
    this.#env = { ...withoutSettings(context.host.env), XDG_RUNTIME_DIR: join(this.#folder, 'run') }
    mkdirSync(join(this.#folder, 'run'), { mode: 0o700 })
  }

  /** The data directory of one peer, counted from 0. */
  dataDir(index: number): string {
    return join(this.#folder, `peer-${index}`)
  }

  /**
   * Starts the bootstrap and the peers, each with its share of the layers, and waits until they serve.
   * @param hasSpare one more peer holds the middle layers.
   * @throws what a process reports; PEER_TIMEOUT; AbortError.
   */
  async start(
    nLayers: number,
    { hasSpare = false } = {}
  ): Promise<{ plan: PlanStatus; peers: PeerStatus[] }> {
    const { terminal } = this.#context
    terminal.progress.update('starting a private bootstrap')
    const address = await this.#startBootstrap()
    const threads = Math.max(1, Math.floor(availableParallelism() / DEMO_PEERS))
    const common = ['--bootstrap', address, '--threads', String(threads), '--until-eof', '--json']
    // Of this demo alone: beacons of another one, here or elsewhere on the network, are not for it.
    const topic = `demo ${toHex(systemRandom.bytes(8))}`
    const shares = splitLayers(nLayers, DEMO_PEERS)
    const [, middle = ''] = shares
    this.#peers = [...shares, ...(hasSpare ? [middle] : [])].map((layers, index) => {
      const own = ['--data-dir', this.dataDir(index), '--layers', layers]
      const argv = ['join', topic, '--model', this.modelPath, ...own, ...common]
      return this.#spawn(argv, ({ text }) => {
        if (typeof text !== 'string' || !this.#starting) return
        terminal.progress.update(`peer ${index + 1}: ${clip(text)}`)
      })
    })
    try {
      return await this.#untilReady()
    } finally {
      this.#starting = false
    }
  }

  /** Runs one command to its end. @throws the error that it reports, or that of a peer that ends. */
  run(
    argv: readonly string[],
    onLine?: (value: Record<string, unknown>) => void
  ): Promise<Record<string, unknown>> {
    return this.#orEnd(this.#spawn(argv, onLine).result(this.#context.signal), this.#peers)
  }

  /** Kills a peer with -9. */
  kill(peer: string): void {
    const one = this.#peers[this.#keys.indexOf(peer)]
    if (one === undefined) return
    this.#killed.add(one)
    one.kill()
  }

  /** Stops the peers as a user would. @throws the error that `swarm stop` reports. */
  async stopPeers(): Promise<void> {
    const { signal } = this.#context
    const stops = this.#peers.flatMap((one, index) => {
      if (this.#killed.has(one)) return []
      return [this.#spawn(['stop', '--data-dir', this.dataDir(index), '--json']).result(signal)]
    })
    await Promise.all(stops)
  }

  /** Ends every process and removes the folder. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** The same without waiting, for when this process ends at once. */
  destroy(): void {
    for (const one of this.#processes) one.kill()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#processes].map((one) => one.stop()))
    rmSync(this.#folder, { recursive: true, force: true })
  }

  async #startBootstrap(): Promise<string> {
    let found = (_address: string): void => {}
    const address = new Promise<string>((resolve) => (found = resolve))
    const argv = ['bootstrap', '--host', '127.0.0.1', '--port', '0', '--until-eof', '--json']
    const child = this.#spawn(argv, ({ host, port }) => {
      if (typeof port === 'number') found(`${String(host)}:${port}`)
    })
    return this.#orEnd(address, [child])
  }

  /** Ready is what every peer calls ready: each has its own view of the others. */
  async #untilReady(): Promise<{ plan: PlanStatus; peers: PeerStatus[] }> {
    const { clock, signal } = this.#context
    const clients = this.#peers.map((_, index) => {
      const dataDir = this.dataDir(index)
      const socketPath = controlSocketPath(dataDir, this.#env)
      return new ApiClient({ socketPath, dataDir, clock })
    })
    const [first] = clients as [ApiClient]
    const untilMs = clock.now() + READY_TIMEOUT_MS
    while (clock.now() < untilMs) {
      await this.#orEnd(sleep(clock, POLL_MS, signal), this.#peers)
      const plans = await Promise.all(clients.map((client) => orNotYet(client.plan(signal))))
      if (!plans.every((plan) => plan?.ready && plan.stages.length === DEMO_PEERS)) continue
      const peers = await first.peers(signal)
      const within = peers.filter(({ lane, held }) => lane !== null && held !== null)
      if (within.length < this.#peers.length) continue
      const all = await Promise.all(clients.map((client) => client.status(signal)))
      this.#keys = all.map(({ key }) => key)
      return { plan: plans[0] as PlanStatus, peers }
    }
    throw new SwarmError(
      'PEER_TIMEOUT',
      `the peers were not ready within ${READY_TIMEOUT_MS / 1000} s; try again with --log-level info`
    )
  }

  /** Waits for work that makes no sense once one of these processes has ended. */
  #orEnd<T>(work: Promise<T>, children: readonly CliProcess[]): Promise<T> {
    const { signal } = this.#context
    const ends = children.map(async (child) => {
      await child.ended
      if (this.#killed.has(child)) return new Promise<never>(() => {})
      signal.throwIfAborted()
      throw child.failure()
    })
    return Promise.race([work, ...ends])
  }

  #spawn(argv: readonly string[], onLine?: (value: Record<string, unknown>) => void): CliProcess {
    const { host, clock, flags } = this.#context
    const level = flags['log-level'] ?? 'warn'
    const child = new CliProcess([...argv, '--log-level', level], {
      host,
      env: this.#env,
      clock,
      ...(onLine ? { onLine } : {})
    })
    this.#processes.add(child)
    void child.ended.then(() => this.#processes.delete(child))
    return child
  }
}

/** `0-1`, `2-3`, `4-5`: shares of consecutive layers as even as possible, as --layers takes them. */
export function splitLayers(nLayers: number, parts: number): string[] {
  if (nLayers < parts) {
    throw new SwarmError(
      'PLAN_NO_CAPACITY',
      `${nLayers} layers cannot be split among ${parts} peers`
    )
  }
  return Array.from({ length: parts }, (_, index) => {
    const start = Math.floor((index * nLayers) / parts)
    const end = Math.floor(((index + 1) * nLayers) / parts)
    return `${start}-${end - 1}`
  })
}

/** The user's settings would change what the demo shows; which kernels run is no such setting. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(
    ([name]) => !name.startsWith('SWARM_') || name === 'SWARM_KERNELS'
  )
  return Object.fromEntries(kept)
}

async function orNotYet<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof SwarmError && error.code === 'PEER_NOT_RUNNING') return null
    throw error
  }
}
