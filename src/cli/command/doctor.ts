// `swarm doctor`: gathers what can be known of this machine and of the running peer, and prints one line
// per check with its way out. The checks are in host/doctor; contacts nobody but the running peer.

import { SwarmError } from '../../base/errors.ts'
import { systemRandom } from '../../base/random.ts'
import { clip } from '../../base/text.ts'
import { diagnose } from '../../host/doctor/checks.ts'
import { gatherMachine } from '../../host/doctor/gather.ts'
import { hostFiles } from '../../host/files.ts'
import { dataDirOf, type CommandContext, type CommandHandler } from '../context.ts'
import { wrap } from '../help.ts'
import { controlSocketPath } from '../paths.ts'
import { ask } from '../running-peer.ts'

import type { Diagnosis } from '../../host/doctor/diagnosis.ts'
import type { DoctorFacts, RunningFacts } from '../../host/doctor/facts.ts'

export const doctor: CommandHandler = async (context) => {
  const { host, terminal, clock, version } = context
  const dataDir = dataDirOf(context)
  const machine = await gatherMachine({
    files: hostFiles(),
    env: host.env,
    dataDir,
    socketPath: controlSocketPath(dataDir, host.env),
    nodeVersion: process.version,
    programVersion: version,
    clock,
    random: systemRandom
  })
  const findings = diagnose({ machine, ...(await runningFacts(context)) })
  const isWell = findings.every(({ level }) => level !== 'fix')
  if (terminal.json) terminal.object({ ok: isWell, findings })
  else
    for (const line of findings.flatMap((one) => doctorLines(one, terminal.width)))
      terminal.line(line)
  return isWell ? 0 : 1
}

async function runningFacts(
  context: CommandContext
): Promise<Pick<DoctorFacts, 'running' | 'silence'>> {
  const { signal } = context
  try {
    const running = await ask(context, async (client): Promise<RunningFacts> => {
      const { key, topic, reach, version, arithmeticVersion, dht, troubles } =
        await client.status(signal)
      const peers = await client.peers(signal)
      return { key, topic, reach, version, arithmeticVersion, dht, troubles, peers }
    })
    return { running, silence: null }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof SwarmError)) throw error
    return { running: null, silence: error.message }
  }
}

/** Pure: `ok    node  v20.1.0`, and under what is to be mended how. */
export function doctorLines({ check, level, text, fix }: Diagnosis, width: number): string[] {
  const head = `${level.padEnd(4)}  ${clip(check, 60)}: `
  const lines = wrap(head + clip(text, 1000), width)
    .split('\n')
    .map((line, index) => (index === 0 ? line : `      ${line}`))
  return fix === null ? lines : [...lines, `      fix: ${clip(fix, 1000)}`]
}
