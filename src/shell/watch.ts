// `swarm watch -- make`: runs a command in this terminal and keeps the end of what it wrote to standard
// error if it fails. Standard input and output are the command's own. Standard error is too inside tmux,
// which is asked afterwards, and goes through a pipe elsewhere: there isatty(2) is false, so some programs
// write no colours, and lines of both outputs may change places. No pseudo-terminal is made: with one on
// standard error alone, pagers and shells hang.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { constants } from 'node:os'
import type { Readable, Writable } from 'node:stream'

import type { Clock } from '../base/clock.ts'
import { sleep } from '../base/clock.ts'
import { FAILURE_OUTPUT_BYTES_MAX } from '../base/shell-limits.ts'
import { markPane, outputBetween, paneOf } from './capture.ts'
import type { Failure } from './failure.ts'
import { quote } from './hook-script.ts'
import { Tail } from './tail.ts'

/** What a shell says of a command that cannot be started. */
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126
/** A background child of the command may hold its standard error open for hours: when nothing came for so
 * long, or something for so long, the command's own words are here. Time in which whoever reads them took
 * nothing does not count. */
const SILENT_MS = 250
const DRAIN_MS_MAX = 2000
/** Ended by a person or by a reader that left: nothing to explain. */
const WISHED = new Set([130, 141, 148])
/** Ctrl-C and Ctrl-\ of a terminal reach the command by themselves; others come to this process alone. */
const KEYS = ['SIGINT', 'SIGQUIT'] as const
const SIGNALS = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const

export interface WatchHost {
  env: NodeJS.ProcessEnv
  stdin: { isTTY?: boolean }
  stderr: Writable & { isTTY?: boolean }
  on(name: NodeJS.Signals, fn: (name: NodeJS.Signals) => void): unknown
  off(name: NodeJS.Signals, fn: (name: NodeJS.Signals) => void): unknown
}

export interface Watched {
  /** As a shell would give it: 128 + n for signal n. */
  status: number
  /** Null when it succeeded, or was ended by a person. */
  failure: Failure | null
}

/** @param argv the program and its arguments; no shell is between. */
export async function watch(
  argv: readonly string[],
  host: WatchHost,
  clock: Clock
): Promise<Watched> {
  const cwd = process.cwd()
  const startMs = clock.now()
  const isPane = host.stderr.isTTY === true && paneOf(host.env) !== null
  const mark = isPane ? await markPane(host.env) : null
  const isPiped = mark === null
  const tail = new Tail(FAILURE_OUTPUT_BYTES_MAX)
  // Before the command runs: it may be told to end as soon as it does.
  const forward = forwardSignals(host)
  const child = spawn(argv[0] as string, argv.slice(1), {
    stdio: ['inherit', 'inherit', isPiped ? 'pipe' : 'inherit'],
    env: host.env
  })
  forward.to(child)
  const passing = child.stderr === null ? null : tee(child.stderr, host.stderr, tail, clock)
  try {
    const status = await statusOf(child, argv[0] as string, host.stderr, tail)
    if (passing !== null) await drain(passing, tail, clock)
    if (status === 0 || WISHED.has(status)) return { status, failure: null }
    const after = mark === null ? null : await markPane(host.env)
    const shown = mark && after ? await outputBetween(mark, after, host.env) : null
    const failure: Failure = {
      command: argv.map(word).join(' '),
      status,
      cwd,
      durationMs: Math.round(clock.now() - startMs),
      wallMs: clock.wallMs(),
      output: isPiped ? tail.text : shown,
      source: 'watch'
    }
    return { status, failure }
  } finally {
    forward.stop()
    child.stderr?.destroy()
  }
}

interface Passing {
  /** What was written is not taken yet. */
  waits: boolean
  /** How long was waited for that so far. */
  waitedMs: number
  done: Promise<void>
}

async function drain(passing: Passing, tail: Tail, clock: Clock): Promise<void> {
  const drainedMs = (): number => clock.now() - passing.waitedMs
  const startMs = drainedMs()
  for (;;) {
    const before = tail.takenBytes
    const isDone = passing.done.then(() => true)
    if (await Promise.race([isDone, sleep(clock, SILENT_MS).then(() => false)])) return
    if (passing.waits) continue
    if (tail.takenBytes === before || drainedMs() - startMs > DRAIN_MS_MAX) return
  }
}

/** Passes on what arrives as fast as it is taken, so that a flood cannot fill this process. */
function tee(from: Readable, to: Writable, tail: Tail, clock: Clock): Passing {
  const passing = { waits: false, waitedMs: 0 }
  const pass = async (): Promise<void> => {
    try {
      for await (const chunk of from) {
        tail.push(chunk as Buffer)
        const startMs = clock.now()
        // Pipes take it before this returns, on some systems.
        passing.waits = !to.write(chunk as Buffer)
        if (passing.waits) await Promise.race([once(to, 'drain'), once(to, 'close')])
        passing.waits = false
        passing.waitedMs += clock.now() - startMs
      }
    } catch {
      // Whoever read standard error left, or the drain was cut short: the command has its own fate.
    }
  }
  return Object.assign(passing, { done: pass() })
}

async function statusOf(
  child: ChildProcess,
  program: string,
  stderr: Writable,
  tail: Tail
): Promise<number> {
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
    return signal === null ? (code as number) : 128 + constants.signals[signal]
  } catch (error) {
    const isAbsent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    const reason = isAbsent ? 'command not found' : (error as Error).message
    const said = Buffer.from(`swarm watch: ${reason}: ${program}\n`)
    tail.push(said)
    stderr.write(said)
    return isAbsent ? NOT_FOUND : NOT_EXECUTABLE
  }
}

function forwardSignals(host: WatchHost): { to(child: ChildProcess): void; stop(): void } {
  const isTerminal = host.stdin.isTTY === true || host.stderr.isTTY === true
  let child: ChildProcess | null = null
  let early: NodeJS.Signals | null = null
  const onSignal = (name: NodeJS.Signals): void => {
    if (isTerminal && KEYS.some((key) => key === name)) return
    if (child === null) early = name
    else child.kill(name)
  }
  for (const name of SIGNALS) host.on(name, onSignal)
  return {
    to(started) {
      child = started
      if (early !== null) child.kill(early)
    },
    stop() {
      for (const name of SIGNALS) host.off(name, onSignal)
    }
  }
}

/** As a person would type it: quoted only where it must be. */
function word(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : quote(text)
}
