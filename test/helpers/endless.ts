// A question whose answer does not end by itself: with a generated model that always takes its likeliest
// token, the text runs in circles and never meets the end-of-text token. For tests that interrupt it.

import { join } from 'node:path'

import { smallLlama } from '../../src/model/synthetic/spec.ts'
import { writeSyntheticModel } from '../../src/model/synthetic/write-model.ts'
import type { Lab, LabCommand, LabPeer } from './swarm-lab.ts'

export const ENDLESS = ['-p', 'one two', '-n', '30000', '--temp', '0']

/** Four layers and room for all the tokens of an endless answer. */
export async function endlessModel(lab: Lab): Promise<string> {
  const path = join(lab.folder, 'endless.gguf')
  await writeSyntheticModel(path, { ...smallLlama, contextLength: 32_768 })
  return path
}

/** An endless answer that has begun: half a minute of it is still to come. */
export async function startEndless(
  lab: Lab,
  origin: LabPeer,
  question: readonly string[] = ENDLESS
): Promise<LabCommand> {
  const argv = ['generate', '--data-dir', origin.dataDir, ...question, '--json', '--stream']
  const command = lab.start(argv)
  await command.until(() => command.lines.filter(({ type }) => type === 'text').length > 20)
  return command
}
