// `swarm bridge`: what is at the other end of this machine's cables, how good the cables are, and what to
// change here. Joins the finding and measuring (peer/probe) with the advice (host); nothing is changed
// without --apply, and --undo takes back all of it.

import { hostname } from 'node:os'
import { join } from 'node:path'

import { SwarmError } from '../../base/errors.ts'
import { systemRandom } from '../../base/random.ts'
import { clip } from '../../base/text.ts'
import { measureKernels } from '../../compute/measure.ts'
import { defaultThreads } from '../../compute/threads.ts'
import { networkManager } from '../../host/address-plan.ts'
import { applyChanges, undoChanges, type Outcome } from '../../host/apply.ts'
import { addressPlans, bridgeAdvice, type BridgeFacts } from '../../host/bridge-advice.ts'
import { hostFiles } from '../../host/files.ts'
import { isCable } from '../../host/interface-kind.ts'
import { interfaceOf, readInterfaces, type HostInterface } from '../../host/interfaces.ts'
import { Journal } from '../../host/journal.ts'
import { kernelAdvice } from '../../host/kernel-advice.ts'
import { readOffloads } from '../../host/offloads.ts'
import { programRunner } from '../../host/run-program.ts'
import { persistChange } from '../../host/setting.ts'
import { readBurden, wireBudget, type ModelBurden } from '../../host/wire-budget.ts'
import { identityOf } from '../../peer/identity.ts'
import { probeCables } from '../../peer/probe/cable-probe.ts'
import { openTopic, type Topic } from '../../peer/topic.ts'
import { budgetLines, endLines, findingLines } from '../bridge-view.ts'
import { interfaceLines, linkedLine, outcomeLines, planLinesOf } from '../bridge-view.ts'
import { dataDirOf, type CommandContext, type CommandHandler } from '../context.ts'
import { makeDataDir } from '../paths.ts'
import { linkedPeers } from '../running-peer.ts'
import { readSecret } from '../secret.ts'

import type { CableEnd } from '../../host/cable-advice.ts'
import type { Finding } from '../../host/finding.ts'
import type { FoundEnd } from '../../peer/probe/end-table.ts'

/** What is timed without a --model: f32 of 4096, the width of a model of 7 to 8 billion. */
const ACTIVATION_BYTES = 4 * 4096

const files = hostFiles()

export const bridge: CommandHandler = async (context) => {
  const { flags, terminal } = context
  if (flags.persist && !flags.apply) {
    const text = '--persist needs --apply: nothing is changed without it'
    throw new SwarmError('USAGE_MISSING', text, { param: '--apply' })
  }
  if (flags.apply || flags.undo) requireRoot(flags.undo ? '--undo' : '--apply')
  const dataDir = dataDirOf(context)
  const journal = new Journal(join(dataDir, 'host-changes'))
  if (flags.undo) return undo(context, journal)

  const topic = await topicOf(context)
  const model = flags.model === undefined ? null : await readBurden(flags.model)
  const say = (lines: readonly string[]) => {
    if (!terminal.json) for (const line of lines) terminal.line(clip(line, 2000))
  }
  say([...interfaceLines(readInterfaces(files), terminal.width), ''])
  const linked = await linkedPeers(context)
  say(linked.map((peer) => linkedLine(peer, readInterfaces(files))))
  const ends = await findEnds(context, topic, model)
  // A peer of this machine is at the end of no cable.
  const isHere = ({ kind, interfaceName }: FoundEnd) => kind === 'peer' && interfaceName === 'lo'
  say(ends.filter((end) => !isHere(end)).flatMap(endLines))
  if (ends.length === 0 && linked.length === 0) {
    say(['nobody of ours is on a cable; run swarm bridge at the other end at the same time'])
  }

  // A cable may have been plugged in while it looked.
  const interfaces = readInterfaces(files)
  const facts = await factsOf(context, interfaces, ends)
  const findings = bridgeAdvice(facts)
  say(['', ...findingLines(findings, terminal.width)])
  const budgets = model === null ? [] : await budgetsOf(context, model, ends)
  for (const { interfaceName, budget } of budgets) {
    say(['', ...budgetLines(model as ModelBurden, budget, interfaceName)])
  }
  const outcomes = flags.apply ? apply(context, journal, findings, dataDir) : []
  if (outcomes.length > 0) say(['', ...outcomeLines(outcomes)])
  else if (!flags.apply && findings.some(({ changes }) => changes.length > 0)) {
    say(['', 'nothing was changed; swarm bridge --apply does it, and --undo takes it back'])
  }
  const plans = flags.persist ? addressPlans(facts, journal.read()) : []
  for (const plan of plans) say(['', ...planLinesOf(plan, plan.interfaceName)])
  if (terminal.json) {
    terminal.object({ interfaces, linked, ends, findings, model, budgets, outcomes, plans })
  }
  return outcomes.some(({ result }) => result === 'failed') ? 1 : 0
}

function requireRoot(flag: string): void {
  if (process.geteuid?.() === 0) return
  throw new SwarmError(
    'USAGE_FORBIDDEN',
    `swarm bridge ${flag} changes settings of this machine and needs root; ` +
      `type: sudo swarm bridge ${flag}`,
    { param: flag }
  )
}

function undo({ terminal }: CommandContext, journal: Journal): number {
  const outcomes = undoChanges(files, journal)
  if (terminal.json) terminal.object({ outcomes })
  else if (outcomes.length === 0) terminal.line('nothing to undo: --apply has changed nothing here')
  else for (const line of outcomeLines(outcomes)) terminal.line(line)
  return outcomes.some(({ result }) => result === 'failed') ? 1 : 0
}

async function topicOf(context: CommandContext): Promise<Topic | null> {
  const { flags, positionals } = context
  const [name] = positionals
  if (name === undefined) {
    if (flags.secret) {
      throw new SwarmError('USAGE_MISSING', '--secret needs a topic: swarm bridge home --secret', {
        param: 'topic'
      })
    }
    return null
  }
  const secret = flags.secret ? await readSecret(context) : null
  // Never beyond the cable: whatever the topic reaches otherwise, no DHT is asked here.
  return openTopic({ name, secret, bootstrap: false, public: false, lanOnly: true })
}

async function findEnds(
  { flags, clock, terminal, signal }: CommandContext,
  topic: Topic | null,
  model: ModelBurden | null
): Promise<FoundEnd[]> {
  terminal.progress.update('looking for the other ends of the cables')
  const onSighting = (): void => terminal.progress.update('measuring')
  // Interfaces come and go while it looks.
  const nameOf = (host: string) => interfaceOf(host, readInterfaces(files))?.name ?? null
  const mtuOf = (own: string) =>
    readInterfaces(files).find(({ name }) => name === own)?.mtuBytes ?? 0
  try {
    return await probeCables(
      {
        topic,
        identity: identityOf(systemRandom.bytes(32)),
        name: clip(hostname(), 60),
        interfaceOf: nameOf,
        mtuOf,
        activationBytes: model?.activationBytes ?? ACTIVATION_BYTES,
        waitMs: 1000 * (flags.wait ?? 0),
        clock,
        random: systemRandom,
        onSighting
      },
      signal
    )
  } finally {
    terminal.progress.clear()
  }
}

async function factsOf(
  { host }: CommandContext,
  interfaces: readonly HostInterface[],
  found: readonly FoundEnd[]
): Promise<BridgeFacts> {
  const ends = new Map<string, CableEnd>()
  for (const { interfaceName, figures } of found) {
    if (interfaceName === null || (ends.has(interfaceName) && figures === null)) continue
    ends.set(interfaceName, {
      mtuBytes: figures?.mtuBytes ?? null,
      plainBytesPerSecond: best(figures?.plain),
      noiseBytesPerSecond: best(figures?.noise)
    })
  }
  const cables = interfaces.filter(({ kind, isUp }) => isCable(kind) && isUp)
  const run = programRunner(host.env)
  const offloads = await Promise.all(
    cables.map(async ({ name }) => {
      return [name, readOffloads(await run('ethtool', ['-k', name]))] as const
    })
  )
  return {
    interfaces,
    ends,
    offloads: new Map(offloads),
    kernel: kernelAdvice(files),
    manager: networkManager(files)
  }
}

function best(rates?: { toBytesPerSecond: number | null; fromBytesPerSecond: number | null }) {
  const known = [rates?.toBytesPerSecond, rates?.fromBytesPerSecond].filter((rate) => rate != null)
  return known.length === 0 ? null : Math.max(...known)
}

async function budgetsOf(
  { flags, terminal }: CommandContext,
  model: ModelBurden,
  ends: readonly FoundEnd[]
) {
  terminal.progress.update('measuring the kernels')
  const { weightBytesPerSecond } = await measureKernels(flags.threads ?? defaultThreads())
  terminal.progress.clear()
  return ends.flatMap(({ interfaceName, figures }) => {
    const { noise, activationRttMs } = figures ?? {}
    const { toBytesPerSecond: there = null, fromBytesPerSecond: back = null } = noise ?? {}
    if (there === null || back === null || activationRttMs == null) return []
    const noiseBytesPerSecond = Math.min(there, back)
    const facts = { noiseBytesPerSecond, activationRttMs, weightBytesPerSecond }
    return [{ interfaceName: interfaceName ?? '', budget: wireBudget(model, facts) }]
  })
}

function apply(
  { flags }: CommandContext,
  journal: Journal,
  findings: readonly Finding[],
  dataDir: string
): Outcome[] {
  makeDataDir(dataDir)
  const changes = findings.filter(({ isGood }) => !isGood).flatMap(({ changes }) => changes)
  const outcomes = applyChanges(changes, files, journal)
  if (!flags.persist) return outcomes
  const lasting = persistChange(journal.read())
  return lasting === null ? outcomes : [...outcomes, ...applyChanges([lasting], files, journal)]
}
