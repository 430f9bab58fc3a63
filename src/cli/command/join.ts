// `swarm join`: this process is the peer. Prints what happens until it is stopped, or on a terminal shows
// the dashboard once the peer runs; everything that the peer is lies behind startNode.

import { once } from 'node:events'
import { resolve } from 'node:path'
import type { NodeEvent } from '../../api/service.ts'
import { isAbort, SwarmError } from '../../base/errors.ts'
import { clip } from '../../base/text.ts'
import { wholePages } from '../../compute/stage.ts'
import { clientOf, dataDirOf, type CommandContext, type CommandHandler } from '../context.ts'
import { cacheDirPath, controlSocketPath, makeDataDir, makeRuntimeDir } from '../paths.ts'
import type { NodeOptions } from '../../node/options.ts'
import { watchHook } from '../hook-watch.ts'
import { INTERRUPTED_STATUS } from '../interrupt.ts'
import { JoinDashboard, wantsDashboard } from '../join-dashboard.ts'
import { startOf } from '../../peer/gate/invite.ts'
import { decodeInvite, isInvite } from '../../wire/invite.ts'
import { readSecret } from '../secret.ts'
import { NO_MODEL, shippedModelPath } from '../shipped-model.ts'
import { clockTime, type Terminal } from '../terminal.ts'
import { stopSignal } from '../until-eof.ts'

const EVENT_CHARS_MAX = 400

export const join: CommandHandler = async (context) => {
  const options = await nodeOptions(context)
  await refuseSecond(context)
  const { startNode } = await context.loadPorts()
  const signal = stopSignal(context)
  try {
    const node = await startNode(options, signal)
    const stopped = signal.aborted ? undefined : once(signal, 'abort')
    const hook = watchHook(context, node.service)
    const dashboard = wantsDashboard(context) && !signal.aborted ? new JoinDashboard(context) : null
    try {
      await Promise.race([node.ended, stopped])
    } finally {
      // The terminal first: whatever is said of the end is said there.
      await dashboard?.close()
      hook.close()
      await node.close()
    }
    await node.ended
    return dashboard?.wasInterrupted ? INTERRUPTED_STATUS : 0
  } catch (error) {
    // Being told to leave while still starting is leaving too, by a signal or by swarm stop.
    if (!isAbort(error)) throw error
    return 0
  }
}

async function nodeOptions(context: CommandContext): Promise<NodeOptions> {
  const { flags, host, terminal, log, version } = context
  const start = await startOptions(context)
  const dataDir = dataDirOf(context)
  makeDataDir(dataDir)
  makeRuntimeDir(host.env)
  return {
    ...start,
    allow: flags.allow ?? [],
    peers: flags.peer ?? [],
    model: modelOf(flags.model),
    dataDir,
    cacheDir: cacheDirPath(host.env),
    socketPath: controlSocketPath(dataDir, host.env),
    httpPort: flags.http ?? null,
    memoryBytes: flags.memory ?? null,
    // As a cache takes it: plans count with all of that.
    contextTokens: flags.context === undefined ? null : wholePages(flags.context),
    sessions: flags.sessions ?? null,
    layers: flags.layers ?? null,
    threads: flags.threads ?? null,
    programVersion: version,
    log,
    onEvent: (event) => showEvent(terminal, event)
  }
}

/** The model that comes with swarm where none is named. */
function modelOf(named: string | undefined): string | null {
  if (named === undefined) return shippedModelPath()
  return named === NO_MODEL ? null : resolve(named)
}

type Start = Pick<NodeOptions, 'topic' | 'secret' | 'public' | 'lanOnly' | 'bootstrap'>

/** The topic and how far it reaches: by its name and flags, or by an invite, whose place flags take. */
async function startOptions(context: CommandContext): Promise<Start> {
  const { flags, positionals } = context
  const [text = ''] = positionals
  if (!isInvite(text)) {
    return {
      topic: text,
      secret: flags.secret ? await readSecret(context) : null,
      public: flags.public ?? false,
      lanOnly: flags['lan-only'] ?? false,
      bootstrap: flags.bootstrap ?? []
    }
  }
  // The command line of a process can be read by every user of the machine.
  process.title = 'swarm join'
  if (flags.secret) {
    throw new SwarmError('USAGE_BAD_VALUE', 'an invite carries its secret; leave out --secret')
  }
  const invited = startOf(decodeInvite(text))
  if (flags['lan-only']) return { ...invited, public: false, lanOnly: true, bootstrap: [] }
  if (flags.bootstrap) return { ...invited, lanOnly: false, bootstrap: flags.bootstrap }
  return flags.public ? { ...invited, public: true, lanOnly: false, bootstrap: [] } : invited
}

/** The lock of the data directory decides; this only says it sooner and names the topic. */
async function refuseSecond(context: CommandContext): Promise<void> {
  try {
    const { pid, topic } = await clientOf(context).status(context.signal)
    throw new SwarmError(
      'STORE_BUSY',
      `the data directory ${dataDirOf(context)} is in use by process ${pid}, topic '${clip(topic)}'; ` +
        'stop it with swarm stop, or give another --data-dir'
    )
  } catch (error) {
    if (!(error instanceof SwarmError) || error.code !== 'PEER_NOT_RUNNING') throw error
  }
}

function showEvent(terminal: Terminal, event: NodeEvent): void {
  if (terminal.json) return terminal.object(event)
  const text = clip(event.text, EVENT_CHARS_MAX)
  terminal.line(`${terminal.dim(clockTime(event.wallMs))} ${event.kind.padEnd(8)} ${text}`)
}
