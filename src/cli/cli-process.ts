// Another `swarm` command as a child process: its JSON lines, its end, and that it never outlives this
// one. The child's standard input is a pipe that it watches (--until-eof), so it ends with its parent
// however that dies.

import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Clock } from '../base/clock.ts'
import { SwarmError, type ErrorCode } from '../base/errors.ts'
import { clip } from '../base/text.ts'
import type { Host } from './context.ts'

/** Characters of a child's standard error kept for the message when it fails. */
const COMPLAINT_CHARS = 2000
/** Leaving in an orderly way takes well below a second; after this there is no more asking. */
const END_TIMEOUT_MS = 5000

export interface CliProcessOptions {
  host: Pick<Host, 'execPath' | 'execArgv' | 'argv'>
  env: NodeJS.ProcessEnv
  clock: Clock
  onLine?: (value: Record<string, unknown>) => void
}

export class CliProcess {
  readonly argv: readonly string[]
  readonly #child: ChildProcess
  readonly #clock: Clock
  #complaint = ''
  #last: Record<string, unknown> | null = null
  #running = true
  /** Exit status, or null when a signal ended it. Never rejects. */
  readonly ended: Promise<number | null>

  /** @param argv what follows `swarm`; `--json` belongs to it. */
  constructor(argv: readonly string[], options: CliProcessOptions) {
    const { host, env, clock, onLine } = options
    this.argv = argv
    this.#clock = clock
    this.#child = spawn(host.execPath, [...host.execArgv, host.argv[1] as string, ...argv], {
      env,
      stdio: ['pipe', 'pipe', 'pipe']
    })
    this.#child.stdin?.on('error', () => {})
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#complaint = (this.#complaint + chunk.toString()).slice(-COMPLAINT_CHARS)
    })
    const lines = createInterface({ input: this.#child.stdout as NodeJS.ReadableStream })
    lines.on('line', (line) => {
      const value = parseObject(line)
      if (value === null) return
      this.#last = value
      onLine?.(value)
    })
    this.ended = new Promise((resolve) => {
      // 'close' follows the end of the outputs, so every line has been seen by then.
      this.#child.once('close', (status) => this.#end(() => resolve(status)))
      this.#child.once('error', (error) => {
        this.#complaint += error.message
        this.#end(() => resolve(null))
      })
    })
  }

  get running(): boolean {
    return this.#running
  }

  /** The last JSON object that it printed. */
  get last(): Record<string, unknown> | null {
    return this.#last
  }

  /**
   * Waits for a command that ends by itself.
   * @returns its last JSON object.
   * @throws the error that it reports, under its own code.
   */
  async result(signal: AbortSignal): Promise<Record<string, unknown>> {
    const onAbort = (): void => void this.stop()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      const status = await this.ended
      signal.throwIfAborted()
      if (status === 0 && this.#last !== null) return this.#last
      throw this.failure()
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  /** Why it ended, from what it said. */
  failure(): SwarmError {
    const { code, message } = (this.#last?.['error'] ?? {}) as { code?: string; message?: string }
    const why = message ?? (clip(this.#complaint.trim(), 600) || 'it said nothing')
    return new SwarmError(
      (code as ErrorCode | undefined) ?? 'PEER_GONE',
      `swarm ${this.argv[0]} ended: ${why}`
    )
  }

  /** Asks it to end, insists after a while, and waits. Never rejects. */
  async stop(): Promise<void> {
    if (this.#running) {
      this.#child.stdin?.end()
      this.#child.kill('SIGTERM')
      const timer = this.#clock.after(END_TIMEOUT_MS, () => this.kill())
      await this.ended
      timer.cancel()
    }
  }

  /** At once, without waiting. */
  kill(): void {
    if (this.#running) this.#child.kill('SIGKILL')
  }

  #end(settle: () => void): void {
    this.#running = false
    settle()
  }
}

function parseObject(line: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
