// The program `swarm` with a scripted composition root: the real command line, API server and client in
// a process of its own, over a peer without network and model. Which script is chosen by variables that
// begin with SCRIPT_, so that they pass through `swarm demo`, which drops those of SWARM_.

import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ApiServer } from '../../src/api/server.ts'
import { systemClock } from '../../src/base/clock.ts'
import { SwarmError } from '../../src/base/errors.ts'
import { systemRandom } from '../../src/base/random.ts'
import { main } from '../../src/cli/main.ts'
import type { NodePorts } from '../../src/cli/ports.ts'
import { readHistory } from '../../src/node/session-history.ts'
import type { NodeOptions } from '../../src/node/options.ts'
import type { PeerId } from '../../src/wire/ids.ts'
import {
  aborted,
  echo,
  endless,
  failing,
  PEER_A,
  PEER_B,
  ScriptedService
} from './scripted-service.ts'
import { MemoryKnowledge } from './memory-knowledge.ts'
import { stageFull, type Script } from './scripted-service.ts'

const { env } = process

const tooLong = new SwarmError(
  'USAGE_PROMPT_TOO_LONG',
  'the conversation has 5000 tokens, the context holds 4096'
)

const SCRIPTS: Record<string, Script> = {
  echo,
  endless,
  full: failing(stageFull, 0),
  gone: failing(new SwarmError('PEER_GONE', 'stage 2 went away; ask again'), 2),
  gap: failing(new SwarmError('PLAN_GAP', 'layers 3-4 are missing; a peer has to join'), 0),
  long: failing(tooLong, 0),
  flood: async function* () {
    for (let i = 0; ; i++) yield { type: 'text', text: `line ${i}\n`, ids: [i] }
  }
}

const PEER_C = 'c'.repeat(64) as PeerId

/** Who is alive is what the tests of orphans ask. */
function leavePid(): void {
  if (env['SCRIPT_PIDS']) appendFileSync(env['SCRIPT_PIDS'], `${process.pid}\n`)
}

async function startNode(options: NodeOptions): ReturnType<NodePorts['startNode']> {
  leavePid()
  const { topic, dataDir, socketPath, httpPort, log, onEvent } = options
  const say = (kind: string, text: string) => onEvent({ wallMs: systemClock.wallMs(), kind, text })
  say('topic', `Anyone who knows its name can join '${topic}'.`)
  if (env['SCRIPT_FAIL'] && options.layers?.start === 1) {
    throw new SwarmError('MODEL_BAD_MAGIC', 'model.gguf is no GGUF file')
  }
  if (env['SCRIPT_OPTIONS']) writeFileSync(env['SCRIPT_OPTIONS'], JSON.stringify(options))
  const service = new ScriptedService()
  service.overrides = { topic, dataDir }
  service.script = SCRIPTS[env['SCRIPT_GENERATION'] ?? 'echo'] as Script
  service.planOverrides = {
    stages: [
      { peer: PEER_A, start: 0, end: 1 },
      { peer: PEER_B, start: 1, end: 3 },
      { peer: PEER_C, start: 3, end: 5 }
    ]
  }
  const [, other] = service.peers()
  if (other !== undefined && topic.startsWith('demo '))
    service.morePeers = [{ ...other, key: PEER_C, name: 'cato' }]
  const server = new ApiServer({
    service,
    clock: systemClock,
    random: systemRandom,
    log,
    socketPath,
    ...(httpPort === null ? {} : { httpPort })
  })
  await server.open()
  say('ready', 'layers 0-2 of tiny.gguf')
  let finish = (): void => {}
  const ended = new Promise<void>((resolve) => (finish = resolve))
  const close = async () => {
    say('leaving', 'telling the others')
    if (env['SCRIPT_HANG']) await new Promise(() => {})
    await server.close()
    finish()
  }
  service.onStop = () => setImmediate(close)
  return { service, ended, close }
}

const ports: NodePorts = {
  startNode,
  async openKnowledge({ dataDir }) {
    const knowledge = new MemoryKnowledge(join(dataDir, 'knowledge.json'), 'local')
    return Object.assign(knowledge, { close: async () => knowledge.save() })
  },
  async openLocal({ onProgress }) {
    onProgress('loading', 1, 2)
    const script = SCRIPTS[env['SCRIPT_GENERATION'] ?? 'echo'] as Script
    return {
      generate: env['SCRIPT_ALONE_DIFFERS']
        ? (request, signal) => echo({ ...request, prompt: 'something else' }, signal)
        : script,
      name: 'scripted',
      closeSession: () => {},
      close: async () => {}
    }
  },
  readHistory,
  async runBootstrap({ host, port }) {
    leavePid()
    return { host: host ?? '10.1.1.1', port: port || 49_737, close: async () => {} }
  },
  async countLayers(_path, signal) {
    if (env['SCRIPT_STUCK']) await aborted(signal)
    return 5
  }
}

process.exit(await main(process, async () => ports))
