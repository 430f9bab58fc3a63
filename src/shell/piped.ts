// `make 2>&1 | swarm why`: the text that came through the pipe as a failure. Which command wrote it is
// known from the spool where the hook is on: it tells of such a line before it runs. Status and time are
// not: the shell knows them only when this program has ended.

import { FAILURE_OUTPUT_BYTES_MAX } from '../base/shell-limits.ts'
import type { Failure } from './failure.ts'
import type { SpoolRecord } from './spool-record.ts'
import { Tail } from './tail.ts'

/** What the command must have ended with, when nothing says more: `it failed`. */
const STATUS_UNKNOWN = 1

const ASKING = /^(.*?)\s*(?:2>\s*&1\s*)?\|&?\s*(?:\S*\/)?swarm\s+why\b/s

/** The end of standard input, when it ends. */
export async function readPiped(stdin: AsyncIterable<Uint8Array>): Promise<string> {
  const tail = new Tail(FAILURE_OUTPUT_BYTES_MAX)
  for await (const chunk of stdin) tail.push(chunk)
  return tail.text
}

/**
 * @param records of the spool; none when the hook is off.
 * @param shellPid of the shell that runs this program.
 * @returns a failure whose `command` is empty when nothing tells it.
 */
export function pipedFailure(
  output: string,
  records: readonly SpoolRecord[],
  shellPid: number,
  here: { cwd: string; wallMs: number }
): Failure {
  const asked = runningLine(records, shellPid)
  const command = asked === null ? '' : (ASKING.exec(asked.command)?.[1] ?? '').trim()
  const before = records.findLast((one) => one.command === command && one.status !== 0)
  return {
    command,
    status: before?.status ?? STATUS_UNKNOWN,
    cwd: asked?.cwd ?? here.cwd,
    durationMs: null,
    wallMs: here.wallMs,
    output,
    source: 'pipe'
  }
}

/** The line that a shell runs now: told of, and not ended yet. */
function runningLine(records: readonly SpoolRecord[], shellPid: number): SpoolRecord | null {
  const last = records.findLast((one) => one.shellPid === shellPid)
  return last?.kind === 'asked' ? last : null
}
