// The dashboard of `swarm join`: `swarm dash` as a process of its own on the same terminal, so that drawing
// never waits for arithmetic nor arithmetic for drawing. Owns the child, where this process's own lines go
// while the terminal is taken (join.log in the data directory), and that the terminal comes back whole.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'

import { INTERRUPTED_STATUS } from './interrupt.ts'
import { LogFile } from './log-file.ts'
import { dataDirOf, type CommandContext } from './context.ts'

/** For a dashboard that is about to end by itself, before it is told to; and to do as it was told. */
const END_GRACE_MS = 500
const END_TIMEOUT_MS = 3000

/** Whether join takes the terminal over: there must be one at both ends, and nobody who reads lines. */
export function wantsDashboard({ flags, host, terminal }: CommandContext): boolean {
  const isForPeople = terminal.canDraw && host.stdin.isTTY === true
  return isForPeople && !terminal.json && !flags.plain && !flags['until-eof']
}

export class JoinDashboard {
  readonly #context: CommandContext
  readonly #child: ChildProcess
  readonly #ended: Promise<void>
  #isClosing = false
  #wasInterrupted = false

  /** Takes the terminal over until the user leaves the dashboard. */
  constructor(context: CommandContext) {
    const { host, terminal } = context
    this.#context = context
    const dataDir = dataDirOf(context)
    const log = new LogFile(join(dataDir, 'join.log'))
    terminal.divert((line) => log.write(line))
    const program = [...host.execArgv, host.argv[1] as string]
    const argv = [...program, 'dash', '--owner', '--data-dir', dataDir]
    this.#child = spawn(host.execPath, argv, { env: host.env, stdio: 'inherit' })
    this.#ended = new Promise((resolve) => {
      const end = (status: number | null) => {
        log.close()
        terminal.divert(null)
        this.#onEnd(status)
        resolve()
      }
      this.#child.once('error', () => end(1))
      this.#child.once('exit', end)
    })
  }

  /** The user pressed Ctrl-C in it: what started us wants to know. */
  get wasInterrupted(): boolean {
    return this.#wasInterrupted
  }

  /** Resolves when the terminal is ours again. */
  async close(): Promise<void> {
    const { clock, signal } = this.#context
    const asking = clock.after(signal.aborted ? 0 : END_GRACE_MS, () => {
      this.#isClosing = true
      this.#child.kill('SIGTERM')
    })
    const insisting = clock.after(END_TIMEOUT_MS, () => this.#child.kill('SIGKILL'))
    await this.#ended
    asking.cancel()
    insisting.cancel()
  }

  #onEnd(status: number | null): void {
    const { terminal, host } = this.#context
    // Ended by a signal it could not catch, it has left the terminal as a dashboard needs it.
    if (status === null && this.#child.signalCode !== null) {
      host.stdout.write('\u001b[?1049l\u001b[?25h\u001b[m')
      spawnSync('stty', ['sane'], { stdio: ['inherit', 'ignore', 'ignore'] })
    }
    if (this.#isClosing) return
    this.#wasInterrupted = status === INTERRUPTED_STATUS
    if (status === 0) {
      terminal.note(
        'the peer runs on; swarm dash shows the dashboard again, Ctrl-C leaves',
        'faint'
      )
    } else if (!this.#wasInterrupted) {
      const how = this.#child.signalCode ?? `status ${status}`
      terminal.note(`the dashboard ended (${how}); the peer runs on, Ctrl-C leaves`)
    }
  }
}
