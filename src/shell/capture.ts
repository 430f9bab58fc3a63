// What a tmux pane shows, asked of tmux itself when somebody asks about a failure; never on the way to a
// prompt. It holds whatever was on the screen, so it is cut to one command before anybody sees it.

import { execFile } from 'node:child_process'

import { CAPTURE_BYTES_MAX, CAPTURE_LINES_MAX, CAPTURE_TIMEOUT_MS } from '../base/shell-limits.ts'
import { FAILURE_OUTPUT_BYTES_MAX } from '../base/shell-limits.ts'
import { outputOnScreen } from './screen-cut.ts'
import { Tail } from './tail.ts'

/** The pane that this process runs in; null outside tmux. */
export function paneOf(env: NodeJS.ProcessEnv): string | null {
  const pane = env['TMUX_PANE']
  return env['TMUX'] && pane !== undefined && /^%\d+$/.test(pane) ? pane : null
}

/** What a command wrote, from the pane it ran in; null without tmux, or where it is not seen any more. */
export async function capturedOutput(
  command: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal
): Promise<string | null> {
  const pane = paneOf(env)
  if (pane === null) return null
  // -J joins lines that the terminal wrapped.
  const lines = ['-p', '-J', '-S', `-${CAPTURE_LINES_MAX}`, '-t', pane]
  const screen = await askTmux(['capture-pane', ...lines], env, signal)
  const output = screen === null ? null : outputOnScreen(screen, command)
  return output === null ? null : bounded(output)
}

/** Where the next character of the pane will be written, counted from the oldest line that tmux keeps. */
export interface PaneMark {
  pane: string
  line: number
}

/** @returns null where a later mark could not be compared with it. */
export async function markPane(env: NodeJS.ProcessEnv): Promise<PaneMark | null> {
  const pane = paneOf(env)
  if (pane === null) return null
  const format = '#{history_size} #{cursor_y} #{history_limit} #{alternate_on}'
  const said = await askTmux(['display-message', '-p', '-t', pane, format], env)
  const [above, row, limit, alternate] = (said ?? '').trim().split(' ').map(Number)
  if (above === undefined || row === undefined || limit === undefined || alternate !== 0)
    return null
  // A full history moves: its lines keep no numbers.
  return above < limit - CAPTURE_LINES_MAX ? { pane, line: above + row } : null
}

/** What was written between two marks of one pane. */
export async function outputBetween(
  from: PaneMark,
  to: PaneMark,
  env: NodeJS.ProcessEnv
): Promise<string | null> {
  const said = await askTmux(['display-message', '-p', '-t', from.pane, '#{history_size}'], env)
  const above = Number(said ?? NaN)
  if (!Number.isSafeInteger(above)) return null
  // tmux counts lines from the top of the screen, downwards.
  const start = Math.max(from.line, to.line - CAPTURE_LINES_MAX) - above
  const range = ['-S', String(start), '-E', String(to.line - above)]
  const text = await askTmux(['capture-pane', '-p', '-J', ...range, '-t', from.pane], env)
  const trimmed = (text ?? '').replace(/[^\S\n]+$/gm, '').trim()
  return trimmed === '' ? null : bounded(trimmed)
}

function bounded(text: string): string {
  const tail = new Tail(FAILURE_OUTPUT_BYTES_MAX)
  tail.push(Buffer.from(text))
  return tail.text
}

function askTmux(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal
): Promise<string | null> {
  const options = {
    timeout: CAPTURE_TIMEOUT_MS,
    maxBuffer: CAPTURE_BYTES_MAX,
    env,
    ...(signal === undefined ? {} : { signal })
  }
  return new Promise((resolve) => {
    execFile('tmux', args, options, (error, stdout) => resolve(error === null ? stdout : null))
  })
}
