// Real peers for a test: the `swarm` command in processes of its own, with folders, caches and control
// sockets of its own. Owns that nothing outlives the test: each process leads a group that is killed,
// peers also watch a pipe that closes when this process dies, and the one folder is removed.

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Test } from 'brittle'

import { ApiClient } from '../../src/api/client.ts'
import { systemClock } from '../../src/base/clock.ts'
import { controlSocketPath } from '../../src/cli/paths.ts'
import { until } from './until.ts'

import type { GenerateResult, NodeEvent } from '../../src/api/service.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/swarm.js', import.meta.url))

/** Several processes start and compute in each of these tests, on machines that are busy with others. */
export const REAL = { timeout: 120_000 }

export interface Ended {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export type Json = Record<string, any>

/** One running `swarm` command. */
export class LabCommand {
  readonly argv: readonly string[]
  readonly options: JoinOptions
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  /** Every line of standard output that is a JSON object. */
  readonly lines: Json[] = []
  stdout = ''
  stderr = ''
  readonly #waiting = new Set<() => void>()
  /** It ended, and all that it said was read. */
  #isClosed = false

  constructor(
    argv: readonly string[],
    options: JoinOptions,
    child: ChildProcessWithoutNullStreams
  ) {
    this.argv = argv
    this.options = options
    this.child = child
    child.stdin.on('error', () => {})
    child.stdout.on('data', (chunk: Buffer) => {
      this.stdout += chunk.toString()
      this.#look()
    })
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{')) this.lines.push(JSON.parse(line) as Json)
      this.#look()
    })
    this.ended = new Promise((resolve) => {
      child.once('close', (status, signal) => {
        this.#isClosed = true
        resolve({ status, signal, stdout: this.stdout, stderr: this.stderr })
        this.#look()
      })
    })
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  /** The object on the last line. */
  get last(): Json {
    const last = this.lines.at(-1)
    if (last === undefined)
      throw new Error(`swarm ${this.argv[0]} printed no object: ${this.output}`)
    return last
  }

  /** Resolves as soon as `found` returns something; it is asked after every line. Rejects at the end. */
  until<T>(found: () => T | undefined | null | false): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const value = found()
        const isFound = value !== undefined && value !== null && value !== false
        if (!isFound && !this.#isClosed) return
        this.#waiting.delete(look)
        if (isFound) resolve(value)
        else reject(new Error(`swarm ${this.argv[0]} ended before its time: ${this.output}`))
      }
      this.#waiting.add(look)
      look()
    })
  }

  /** The first JSON line that matches, past or future. */
  line(matches: (line: Json) => boolean): Promise<Json> {
    return this.until(() => this.lines.find(matches))
  }

  /** Sends a signal to the process and to what it started. */
  signal(name: NodeJS.Signals): void {
    try {
      process.kill(-(this.child.pid as number), name)
    } catch {
      // It has ended already.
    }
  }

  #look(): void {
    for (const look of Array.from(this.#waiting)) look()
  }

  get output(): string {
    return this.stdout.slice(-2000) + this.stderr.slice(-2000)
  }
}

/** A peer that runs until the test ends, or is ended by it. */
export class LabPeer {
  readonly command: LabCommand
  readonly dataDir: string
  readonly client: ApiClient

  constructor(command: LabCommand, dataDir: string, client: ApiClient) {
    this.command = command
    this.dataDir = dataDir
    this.client = client
  }

  /** The peer's first event of a kind that matches, past or future. */
  async event(kind: string, matches: (event: NodeEvent) => boolean = () => true) {
    const isIt = (line: Json) => line['kind'] === kind && matches(line as NodeEvent)
    return (await this.command.line(isIt)) as NodeEvent
  }

  /** The newest plan as soon as so many peers have stages in it. */
  plan(
    nPeers: number
  ): Promise<{ hash: string; stages: { peer: string; start: number; end: number }[] }> {
    return this.command.until(() => {
      const last = this.command.lines.findLast(({ kind }) => kind === 'plan')
      const stages: { peer: string }[] = last?.['data'].stages ?? []
      return new Set(stages.map(({ peer }) => peer)).size === nPeers ? last?.['data'] : null
    })
  }

  /** The whole key. */
  async key(): Promise<string> {
    return (await this.client.status()).key
  }

  /** Resolves when nothing is computed and nothing was asked here. */
  async idle(): Promise<void> {
    await until(async () => (await this.client.status()).sessions === 0)
  }
}

/** The hash of the plan over so many peers as soon as these peers all have the same one. */
export async function agreedPlan(peers: readonly LabPeer[], nPeers: number): Promise<string> {
  for (;;) {
    const seen = peers.map(({ command }) => command.lines.length)
    const plans = await Promise.all(peers.map((peer) => peer.plan(nPeers)))
    const [hash, ...others] = new Set(plans.map((plan) => plan.hash))
    if (hash !== undefined && others.length === 0) return hash
    const isNews = ({ command }: LabPeer, index: number) => {
      return command.until(() => command.lines.length > (seen[index] as number))
    }
    await Promise.race(peers.map(isNews))
  }
}

export interface JoinOptions {
  /** Table of kernels; the best one when absent. */
  kernels?: string
  /** What is put before the command: `ip netns exec NAME`. */
  prefix?: string[]
  /** Where control sockets lie; the lab's own folder when absent. */
  runtimeDir?: string
  /** A module that is loaded before the program. */
  preload?: URL
}

export interface PinnedOptions {
  /** Fewer than there are peers when some hold the same layers. */
  nStages?: number
  flags?: readonly string[]
  /** Table of kernels of each peer. */
  kernels?: readonly string[]
  /** Where each peer runs; they meet by the beacon then. */
  places?: readonly JoinOptions[]
}

const open = new Set<Lab>()
process.once('exit', () => {
  for (const lab of open) lab.destroy()
})

export class Lab {
  readonly folder = realpathSync(mkdtempSync(join(tmpdir(), 'swarm-lab-')))
  readonly #mark = randomBytes(6).toString('hex')
  readonly #commands = new Set<LabCommand>()
  #bootstrap: Promise<string> | null = null

  static open(t: Test): Lab {
    const lab = new Lab()
    t.teardown(() => lab.close(), { force: true })
    return lab
  }

  constructor() {
    for (const name of ['run', 'tmp', 'cache']) mkdirSync(join(this.folder, name), { mode: 0o700 })
    open.add(this)
  }

  /** A topic of this lab's own: beacons of other tests, here or elsewhere on the network, do not meet it. */
  topic(name: string): string {
    return `${name} ${this.#mark}`
  }

  /** A clean environment inside the folder; measurements are cached per table of kernels. */
  env({ kernels, runtimeDir, preload }: JoinOptions = {}): NodeJS.ProcessEnv {
    return {
      PATH: process.env['PATH'],
      HOME: this.folder,
      TMPDIR: join(this.folder, 'tmp'),
      XDG_RUNTIME_DIR: runtimeDir ?? join(this.folder, 'run'),
      XDG_CACHE_HOME: join(this.folder, 'cache', kernels ?? 'best'),
      ...(kernels === undefined ? {} : { SWARM_KERNELS: kernels }),
      ...(preload === undefined ? {} : { NODE_OPTIONS: `--import=${preload.href}` })
    }
  }

  /** Starts `swarm` with these arguments. */
  start(argv: readonly string[], options: JoinOptions = {}): LabCommand {
    const [file, ...rest] = [...(options.prefix ?? []), process.execPath, PROGRAM, ...argv] as [
      string
    ]
    const child = spawn(file, rest, { env: this.env(options), detached: true })
    const command = new LabCommand(argv, options, child)
    this.#commands.add(command)
    void command.ended.then(() => this.#commands.delete(command))
    return command
  }

  /** Runs a command to its end. */
  async run(
    argv: readonly string[],
    options: JoinOptions & { stdin?: string } = {}
  ): Promise<Ended> {
    const command = this.start(argv, options)
    command.child.stdin.end(options.stdin ?? '')
    return command.ended
  }

  /** The object that a command prints last; it must succeed. */
  async json(argv: readonly string[], options: JoinOptions = {}): Promise<Json> {
    const command = this.start([...argv, '--json'], options)
    command.child.stdin.end()
    const { status } = await command.ended
    if (status !== 0) throw new Error(`swarm ${argv.join(' ')}: ${status}, ${command.stdout}`)
    return command.last
  }

  async generate(peer: LabPeer, flags: readonly string[]): Promise<GenerateResult> {
    const result = await this.json(['generate', '--data-dir', peer.dataDir, ...flags])
    return result as unknown as GenerateResult
  }

  /** `HOST:PORT` of this lab's private bootstrap, started with the first use. */
  bootstrap(): Promise<string> {
    this.#bootstrap ??= (async () => {
      const argv = ['bootstrap', '--host', '127.0.0.1', '--port', '0', '--until-eof', '--json']
      const { host, port } = await this.start(argv).line(({ port }) => typeof port === 'number')
      return `${host}:${port}`
    })()
    return this.#bootstrap
  }

  /** Starts a peer; its first event may be awaited, nothing else is. */
  join(name: string, topic: string, flags: readonly string[], options: JoinOptions = {}): LabPeer {
    const dataDir = join(this.folder, name)
    const own = ['--data-dir', dataDir, '--until-eof', '--json']
    return this.#peer(dataDir, ['join', topic, ...flags, ...own], options)
  }

  /** Starts a peer that has ended once more, with the same identity and flags. */
  restart({ command, dataDir }: LabPeer): LabPeer {
    return this.#peer(dataDir, command.argv, command.options)
  }

  #peer(dataDir: string, argv: readonly string[], options: JoinOptions): LabPeer {
    const command = this.start(argv, options)
    const socketPath = controlSocketPath(dataDir, this.env(options))
    return new LabPeer(command, dataDir, new ApiClient({ socketPath, dataDir, clock: systemClock }))
  }

  /**
   * Peers with these ranges of layers, meeting through the lab's bootstrap or where they are placed.
   * Resolves when all of them have the plan in which `nStages` of them serve; layers may still be loading.
   */
  async pinned(
    model: string,
    pins: readonly string[],
    more: PinnedOptions = {}
  ): Promise<LabPeer[]> {
    const { nStages = pins.length, flags = [], kernels = [], places } = more
    const topic = `lab ${randomBytes(6).toString('hex')}`
    const meeting = places === undefined ? ['--bootstrap', await this.bootstrap()] : []
    const common = ['--model', model, ...meeting, '--threads', '1']
    const peers = pins.map((pin, index) => {
      const own = [...common, '--layers', pin, ...flags]
      const table = kernels[index]
      const place = table === undefined ? {} : { kernels: table }
      return this.join(`${topic} ${index}`, topic, own, { ...place, ...places?.[index] })
    })
    await Promise.all(peers.map((peer) => peer.plan(nStages)))
    return peers
  }

  /** Ends every process and removes the folder. */
  async close(): Promise<void> {
    const commands = [...this.#commands]
    for (const command of commands) command.signal('SIGKILL')
    await Promise.all(commands.map(({ ended }) => ended))
    rmSync(this.folder, { recursive: true, force: true })
    open.delete(this)
  }

  /** The same without waiting, for a test that ran out of time; says what its processes had said. */
  destroy(): void {
    for (const command of this.#commands) {
      console.error(`swarm ${command.argv.join(' ')}\n${command.output}`)
      command.signal('SIGKILL')
    }
    rmSync(this.folder, { recursive: true, force: true })
  }
}
