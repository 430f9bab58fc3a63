// The other processes of a bench that takes several: compiled scripts of this folder that print one line of
// JSON when they are ready, or done.

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

export function start(file: string, args: string[]): ChildProcess {
  const script = fileURLToPath(new URL(file, import.meta.url))
  return spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Empty when it ended without one. */
export async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) return ''
  const lines = createInterface({ input: child.stdout })
  const ended = once(lines, 'close').then(() => [''])
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string]
  return line
}
