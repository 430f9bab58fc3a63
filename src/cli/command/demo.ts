// `swarm demo`: the whole story on one machine, told with the real commands in processes of their own:
// three peers split a model, write text, and one peer alone writes the same.

import type { GenerateResult, PlanStatus } from '../../api/service.ts'
import { systemRandom } from '../../base/random.ts'
import type { CommandContext, CommandHandler } from '../context.ts'
import { DEMO_PEERS, DemoSwarm } from '../demo-swarm.ts'
import { summaryOf } from '../generation-view.ts'
import { planLines } from '../plan-view.ts'
import type { NodePorts } from '../ports.ts'

export interface DemoResult {
  /** Whether ids and logits of the split and of one peer alone are the same. */
  equal: boolean
  plan: PlanStatus
  split: GenerateResult
  alone: GenerateResult
  predictedTokensPerSecond: number | null
  measuredTokensPerSecond: number
}

export const demo: CommandHandler = async (context) => {
  const { host, terminal, loadPorts } = context
  const { makeDemoModel } = await loadPorts()
  const swarm = new DemoSwarm(context)
  const destroy = (): void => swarm.destroy()
  host.on('exit', destroy)
  try {
    const result = await tell(context, swarm, makeDemoModel)
    if (terminal.json) terminal.object(result)
    return result.equal ? 0 : 1
  } finally {
    terminal.progress.update('stopping the peers')
    await swarm.close()
    terminal.progress.clear()
    host.off('exit', destroy)
  }
}

async function tell(
  context: CommandContext,
  swarm: DemoSwarm,
  makeDemoModel: NodePorts['makeDemoModel']
): Promise<DemoResult> {
  const { terminal, signal } = context
  const say = (text: string): void => {
    if (!terminal.json) terminal.line(text)
  }
  say('A model made on the spot; nobody trained it, so its text is noise.')
  const { nLayers } = await makeDemoModel(
    swarm.modelPath,
    (label, done, total) => terminal.progress.update(label, done, total),
    signal
  )
  signal.throwIfAborted()

  const { plan, peers } = await swarm.start(nLayers)
  say(`${DEMO_PEERS} peers, each a process with its share of the ${nLayers} layers:`)
  for (const line of planLines(plan, peers, terminal.width)) say(line)

  const question = questionFlags(context)
  say('')
  const split = await generateSplit(context, swarm, question)
  say(terminal.dim(summaryOf(split)))

  terminal.progress.update('the same on one peer alone')
  const argv = ['run', swarm.modelPath, ...question, '--json']
  const alone = (await swarm.run(argv)) as unknown as GenerateResult
  const equal = sameBits(split, alone)
  say('')
  say(`ids of one peer alone:     ${equal.ids ? 'equal' : 'DIFFERENT'}`)
  const hashes = equal.logits ? split.logitsHash : `${split.logitsHash} and ${alone.logitsHash}`
  say(`hash of all its logits:    ${equal.logits ? 'equal' : 'DIFFERENT'} (${hashes})`)
  const predicted = plan.predicted?.tokensPerSecond ?? null
  const measured = split.timing.tokensPerSecond
  const forecast = predicted === null ? 'nothing' : `${predicted.toFixed(1)} tok/s`
  say(`speed: predicted ${forecast}, measured ${measured.toFixed(1)} tok/s`)

  await swarm.stopPeers()
  return {
    equal: equal.ids && equal.logits,
    plan,
    split,
    alone,
    predictedTokensPerSecond: predicted,
    measuredTokensPerSecond: measured
  }
}

/** The same prompt, seed and length for both runs; a drawn seed has to be drawn here. */
function questionFlags({ flags }: CommandContext): string[] {
  const seed = flags.seed ?? systemRandom.uint32()
  const { prompt = '', 'max-tokens': tokens = 1 } = flags
  return [`--prompt=${prompt}`, '-n', String(tokens), '--seed', String(seed)]
}

async function generateSplit(
  { terminal }: CommandContext,
  swarm: DemoSwarm,
  question: readonly string[]
): Promise<GenerateResult> {
  const argv = ['generate', ...question, '--data-dir', swarm.dataDir(0), '--json', '--stream']
  const result = await swarm.run(argv, (event) => {
    if (event['type'] === 'text' && !terminal.json) terminal.answer(String(event['text']))
  })
  if (!terminal.json) terminal.endAnswer()
  return result as unknown as GenerateResult
}

/** Ids decide what was said; the hash also catches a difference that no token shows yet. */
function sameBits(a: GenerateResult, b: GenerateResult): { ids: boolean; logits: boolean } {
  return {
    ids: a.ids.length > 0 && a.ids.join() === b.ids.join(),
    logits: a.logitsHash === b.logitsHash
  }
}
