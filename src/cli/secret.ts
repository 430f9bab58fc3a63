// The secret of `join --secret`: from the environment, or typed without being shown. Never a flag: the
// command line of a process can be read by every user of the machine, and shells keep it.

import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { SwarmError } from '../base/errors.ts'
import { systemRandom } from '../base/random.ts'
import { toHex } from '../base/text.ts'
import type { CommandContext } from './context.ts'

const VARIABLE = 'SWARM_SECRET'
/** 128 bits: more than anybody can try. */
const NEW_SECRET_BYTES = 16

/** @throws USAGE_MISSING without variable and terminal; AbortError. */
export async function readSecret(context: CommandContext): Promise<string> {
  const { host, terminal, signal } = context
  const given = host.env[VARIABLE]
  if (given !== undefined && given !== '') return given
  if (!host.stdin.isTTY) {
    throw new SwarmError(
      'USAGE_MISSING',
      `--secret needs a secret: set ${VARIABLE}, or type it on a terminal`,
      { param: '--secret' }
    )
  }
  const ask = () => terminal.note('secret of this topic (an empty line makes a new one):')
  const typed = await readHidden(host.stdin, ask, signal)
  if (typed !== '') return typed
  const made = (toHex(systemRandom.bytes(NEW_SECRET_BYTES)).match(/.{4}/g) ?? []).join('-')
  terminal.note(`new secret, to be typed on the other machines: ${made}`)
  return made
}

async function readHidden(
  stdin: NodeJS.ReadStream,
  ask: () => void,
  signal: AbortSignal
): Promise<string> {
  // readline echoes to its output; this one shows nothing.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: stdin, output, terminal: true })
  // From here on the terminal echoes nothing: before, it would show what a fast typist answers.
  ask()
  const left = new AbortController()
  lines.once('SIGINT', () => left.abort())
  lines.once('close', () => left.abort())
  try {
    return (await lines.question('', { signal: AbortSignal.any([signal, left.signal]) })).trim()
  } finally {
    lines.close()
  }
}
