// `swarm demo`: the whole story on one machine, told with the real commands in processes of their own:
// three peers split the small model that comes with swarm, explain two failed commands, and one peer alone
// writes the same. With --kill the middle peer dies in mid-sentence, and a fourth goes on in its place.

import type { GenerateEvent, GenerateResult, PlanStatus } from '../../api/service.ts'
import { shortId, type PeerId } from '../../wire/ids.ts'
import type { Loss } from '../../wire/generation.ts'
import type { RouteStage } from '../../wire/session.ts'
import type { CommandContext, CommandHandler } from '../context.ts'
import { DEMO_PEERS, DemoSwarm } from '../demo-swarm.ts'
import { summaryOf } from '../generation-view.ts'
import { planLines } from '../plan-view.ts'
import { shippedModelPath } from '../shipped-model.ts'

export interface DemoAnswer {
  question: string
  split: GenerateResult
  alone: GenerateResult
  /** Whether ids and logits of both are the same. */
  equal: boolean
}

export interface DemoResult {
  /** Of every answer. */
  equal: boolean
  plan: PlanStatus
  answers: DemoAnswer[]
  predictedTokensPerSecond: number | null
  measuredTokensPerSecond: number
  /** With --kill: what the death of the middle peer cost. */
  kill?: Loss
}

/** Tokens of the answer that are read before the middle peer is killed. */
const KILL_TOKENS = 3

/** As a terminal showed them, in the layout of training/FORMAT.md. */
const FAILURES = [
  '$ git psuh origin tea-kettle\nexit 1\n' +
    "git: 'psuh' is not a git command. See 'git --help'.\nThe most similar command is\npush",
  '$ python3 boil.py --cups 3\nexit 1\nTraceback (most recent call last):\n' +
    'File "boil.py", line 4, in <module>\nimport requests\n' +
    "ModuleNotFoundError: No module named 'requests'"
]

export const demo: CommandHandler = async (context) => {
  const { host, terminal } = context
  const swarm = new DemoSwarm(context, shippedModelPath())
  const destroy = (): void => swarm.destroy()
  host.on('exit', destroy)
  try {
    const result = await tell(context, swarm)
    if (terminal.json) terminal.object(result)
    return result.equal ? 0 : 1
  } finally {
    terminal.progress.update('stopping the peers')
    await swarm.close()
    terminal.progress.clear()
    host.off('exit', destroy)
  }
}

async function tell(context: CommandContext, swarm: DemoSwarm): Promise<DemoResult> {
  const { flags, terminal, signal, loadPorts } = context
  const say = (text: string): void => {
    if (!terminal.json) terminal.line(text)
  }
  const { countLayers } = await loadPorts()
  say('The small model that comes with swarm; it explains failed commands.')
  const nLayers = await countLayers(swarm.modelPath, signal)
  const isKill = flags.kill === true
  const { plan, peers } = await swarm.start(nLayers, { hasSpare: isKill })
  say(`${DEMO_PEERS} peers, each a process with its share of the ${nLayers} layers:`)
  const shown = isKill ? { ...plan, leftOut: [] } : plan
  for (const line of planLines(shown, peers, terminal.width)) say(line)
  if (isKill) say('a fourth process holds the layers of b too and is not used')

  const answers: DemoAnswer[] = []
  const failures = isKill ? FAILURES.slice(0, 1) : FAILURES
  for (const question of flags.prompt === undefined ? failures : [flags.prompt]) {
    say('')
    for (const line of question.split('\n')) say(terminal.dim(`  ${line}`))
    answers.push(await answer(context, swarm, question))
  }
  const loss = answers[0]?.split.timing.losses[0]

  say('')
  if (isKill) {
    const lost = plan.stages[1] as RouteStage
    say(
      loss
        ? killText(lost, loss, answers[0] as DemoAnswer)
        : 'the answer was over before b was gone: try again'
    )
  }
  const every = (is: (one: DemoAnswer) => boolean): string =>
    answers.every(is) ? 'equal' : 'DIFFERENT'
  say(`ids of one peer alone:     ${every((one) => sameIds(one))}`)
  const hashes = answers.map(({ split }) => split.logitsHash).join(', ')
  say(`hash of all its logits:    ${every(sameLogits)} (${hashes})`)
  const predicted = plan.predicted?.tokensPerSecond ?? null
  const measured = Math.max(...answers.map(({ split }) => split.timing.tokensPerSecond))
  const forecast = predicted === null ? 'nothing' : `${predicted.toFixed(1)} tok/s`
  say(`speed: predicted ${forecast}, measured ${measured.toFixed(1)} tok/s`)

  await swarm.stopPeers()
  return {
    equal: answers.every(({ equal }) => equal) && (!isKill || loss !== undefined),
    plan,
    answers,
    ...(loss && { kill: loss }),
    predictedTokensPerSecond: predicted,
    measuredTokensPerSecond: measured
  }
}

/** The question to the three, then to one peer alone. */
async function answer(
  { flags, terminal }: CommandContext,
  swarm: DemoSwarm,
  question: string
): Promise<DemoAnswer> {
  const { 'max-tokens': tokens = 1 } = flags
  // Nothing is drawn at temperature 0; a seed of its own would only look like news in the summary.
  const drawing = ['--temp', '0', '--seed', '0']
  const asked = [`--prompt=${question}`, '--chat', '-n', String(tokens), ...drawing]
  const where = ['--data-dir', swarm.dataDir(0), '--json', '--stream']
  let [lost, nTokens] = ['', 0]
  const split = (await swarm.run(['generate', ...asked, ...where], (value) => {
    const event = value as GenerateEvent
    if (event.type === 'route') lost = event.stages[1]?.peer ?? ''
    if (event.type === 'rerouted' && !terminal.json) terminal.note(event.text, 'faint')
    if (event.type !== 'text') return
    nTokens += event.ids.length
    if (flags.kill === true && nTokens >= KILL_TOKENS) swarm.kill(lost)
    if (!terminal.json) terminal.answer(event.text)
  })) as unknown as GenerateResult
  if (!terminal.json) {
    terminal.endAnswer()
    terminal.line(terminal.dim(summaryOf(split)))
  }
  terminal.progress.update('the same on one peer alone')
  const run = await swarm.run(['run', swarm.modelPath, ...asked, '--json'])
  terminal.progress.clear()
  const both = { split, alone: run as unknown as GenerateResult }
  return { question, ...both, equal: sameIds(both) && sameLogits(both) }
}

/** `kill -9 of b in mid-sentence, after 7 tokens: went on after 43 ms over 66c69549` */
function killText(lost: RouteStage, { tokens, pauseMs }: Loss, { split }: DemoAnswer): string {
  const heir = split.stages.find(({ start, end }) => start === lost.start && end === lost.end)
  const over = heir ? ` over ${shortId(heir.peer as PeerId)}` : ''
  return `kill -9 of b after ${tokens} tokens: it went on after ${pauseMs.toFixed(1)} ms${over}`
}

type Both = Pick<DemoAnswer, 'split' | 'alone'>

/** Ids decide what was said. */
function sameIds({ split, alone }: Both): boolean {
  return split.ids.length > 0 && split.ids.join() === alone.ids.join()
}

/** The hash also catches a difference that no token shows yet. */
function sameLogits({ split, alone }: Both): boolean {
  return split.logitsHash === alone.logitsHash
}
