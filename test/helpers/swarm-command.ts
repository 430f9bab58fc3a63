// Runs the scripted `swarm` in a child process with folders of its own, and gives back what a shell
// would see. Every child is ended with the test.

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'brittle'
import { until } from './until.ts'

export const PROGRAM = fileURLToPath(new URL('./scripted-swarm.js', import.meta.url))

/** Each of these tests starts several processes, on machines that are busy with other tests too. */
export const SLOW = { timeout: 180_000 }

export interface Ended {
  status: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export class SwarmCommand {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  stdout = ''
  stderr = ''

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child
    child.stdin.on('error', () => {})
    child.stdout.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.ended = new Promise((resolve) => {
      child.once('close', (status, signal) => {
        resolve({ status, signal, stdout: this.stdout, stderr: this.stderr })
      })
    })
  }

  /** Waits for a text on standard output. */
  async says(text: string): Promise<void> {
    await until(() => {
      if (this.child.exitCode === null || this.stdout.includes(text))
        return this.stdout.includes(text)
      throw new Error(`ended without '${text}': ${this.stdout}${this.stderr}`)
    })
  }
}

export interface Shell {
  /** Starts a command; `env` is added to a clean environment. */
  start(argv: string[], env?: Record<string, string>): SwarmCommand
  /** Starts another program in the same environment. */
  program(file: string, argv: string[], env?: Record<string, string>): SwarmCommand
  /** Runs a command to its end with this standard input. */
  run(argv: string[], env?: Record<string, string>, stdin?: string): Promise<Ended>
  /** A running scripted peer of the default data directory. */
  peer(env?: Record<string, string>): Promise<SwarmCommand>
  folder: string
}

export async function openShell(t: Test): Promise<Shell> {
  const folder = await t.tmp()
  const clean = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    TMPDIR: join(folder, 'tmp'),
    XDG_RUNTIME_DIR: join(folder, 'run')
  }
  mkdirSync(clean.TMPDIR)
  mkdirSync(clean.XDG_RUNTIME_DIR)
  const program: Shell['program'] = (file, argv, env = {}) => {
    const child = spawn(file, argv, { env: { ...clean, ...env } })
    t.teardown(() => child.kill('SIGKILL'))
    return new SwarmCommand(child)
  }
  const start: Shell['start'] = (argv, env) => program(process.execPath, [PROGRAM, ...argv], env)
  return {
    folder,
    start,
    program,
    async run(argv, env, stdin = '') {
      const command = start(argv, env)
      command.child.stdin.end(stdin)
      return command.ended
    },
    async peer(env) {
      const command = start(['join', 'home'], env)
      await command.says('ready')
      return command
    }
  }
}

/** The object on the last line. */
export function lastLine(text: string): Record<string, any> {
  return JSON.parse(text.trimEnd().split('\n').at(-1) as string)
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
