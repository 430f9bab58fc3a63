// A terminal for a test: one tmux server of its own with one pane, in the lab's environment. What is on the
// screen is read back as text, as a person would see it. The server is ended with the lab.

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Test } from 'brittle'

import type { Lab } from './swarm-lab.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/swarm.js', import.meta.url))
const LOOK_MS = 50
const WAIT_MS = 60_000

/** Why there is no terminal to test with; null when there is one. */
export function tmuxMissing(): string | null {
  return spawnSync('tmux', ['-V']).status === 0 ? null : 'tmux is not installed'
}

export class Tmux {
  readonly #env: NodeJS.ProcessEnv
  readonly #socket: string

  private constructor(env: NodeJS.ProcessEnv, socket: string) {
    this.#env = env
    this.#socket = socket
  }

  static open(t: Test, lab: Lab, width: number, height: number): Tmux {
    const tmux = Tmux.start(lab, width, height)
    // Before the lab removes its folder.
    t.teardown(() => tmux.close(), { force: true, order: -1 })
    return tmux
  }

  /** A pane of this size, with a shell in it that leaves the mode of the terminal alone. */
  static start(lab: Lab, width: number, height: number): Tmux {
    mkdirSync(join(lab.folder, 'tmux'), { recursive: true })
    // A server that is ending still answers at its socket for a moment.
    const folder = mkdtempSync(join(lab.folder, 'tmux', 's'))
    // Without the first, borders come back as the letters of the line drawing set.
    const own = { NCURSES_NO_UTF8_ACS: '1', LANG: 'C.UTF-8', TERM: 'xterm-256color' }
    const env = { ...lab.env(), ...own, HISTFILE: '/dev/null' }
    const tmux = new Tmux(env, join(folder, 'socket'))
    const size = ['-x', String(width), '-y', String(height)]
    const shell = 'bash --norc --noprofile --noediting'
    tmux.#run('-f', '/dev/null', 'new-session', '-d', ...size, shell)
    return tmux
  }

  /** Types a `swarm` command and Enter. */
  swarm(...argv: readonly string[]): void {
    const words = [process.execPath, PROGRAM, ...argv].map((word) => `'${word}'`)
    this.type(`${words.join(' ')}; echo "status $?"`)
    this.keys('Enter')
  }

  /** Keys by tmux's names: `Enter`, `Escape`, `C-c`, `2`. */
  keys(...names: readonly string[]): void {
    this.#run('send-keys', ...names)
  }

  type(text: string): void {
    this.#run('send-keys', '-l', text)
  }

  resize(width: number, height: number): void {
    this.#run('resize-window', '-x', String(width), '-y', String(height))
  }

  /** What is on the screen, row by row, without spaces at the ends. */
  get rows(): string[] {
    return this.#run('capture-pane', '-p').split('\n').slice(0, -1)
  }

  get text(): string {
    return this.rows.join('\n')
  }

  /** Whether a program has taken the screen over (the alternate screen is on). */
  get isTaken(): boolean {
    return this.#run('display-message', '-p', '#{alternate_on}').trim() === '1'
  }

  /** The program that runs in the pane's shell. */
  get childPid(): number {
    const shell = this.#run('display-message', '-p', '#{pane_pid}').trim()
    return Number(readFileSync(`/proc/${shell}/task/${shell}/children`, 'utf8').split(' ')[0])
  }

  /** The mode of the terminal as `stty` tells it. */
  get isCooked(): boolean {
    const tty = this.#run('display-message', '-p', '#{pane_tty}').trim()
    const { stdout } = spawnSync('stty', ['-F', tty, '-a'], { encoding: 'utf8' })
    return ['icanon', 'echo', 'isig'].every((mode) => stdout.split(/\s+/).includes(mode))
  }

  /** @returns the screen as soon as it matches. @throws with the screen when it never does. */
  async until(matches: RegExp | ((text: string) => boolean)): Promise<string> {
    const isMatch = typeof matches === 'function' ? matches : (text: string) => matches.test(text)
    const endMs = performance.now() + WAIT_MS
    for (;;) {
      const { text } = this
      if (isMatch(text)) return text
      if (performance.now() > endMs) throw new Error(`never seen: ${String(matches)}\n${text}`)
      await sleep(LOOK_MS)
    }
  }

  close(): void {
    this.#run('kill-server')
  }

  #run(...argv: readonly string[]): string {
    const argvOfServer = ['-S', this.#socket, ...argv]
    return spawnSync('tmux', argvOfServer, { env: this.#env, encoding: 'utf8' }).stdout
  }
}
