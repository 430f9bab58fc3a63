// Explains a failed command: the swarm's memory, the shipped rules and the small model that comes with swarm
// at once, a larger loaded model after them, each answer with its source. Flow: failure -> question
// (redacted) -> ask, rules, sentinel -> one order -> proposals; the larger model is a stream that the caller
// may read. Runs nothing, prints nothing.

import type { Clock } from '../base/clock.ts'
import { isAbort } from '../base/errors.ts'
import { EXPLAIN_ASK_TIMEOUT_MS, FIXES_ASKED_MAX, PROPOSALS_MAX } from '../base/shell-limits.ts'
import type { Hit, QueryRequest } from '../wire/knowledge.ts'
import { explainPrompt } from './explain-prompt.ts'
import type { Failure } from './failure.ts'
import type { Machine } from './rules/failed.ts'
import { readSentinelAnswer, sentinelQuestion, type SentinelAnswer } from './sentinel-question.ts'
import { questionOf } from './why-question.ts'
import { rankProposals, type Proposal } from './why-rank.ts'

export type { Proposal, ProposalSource } from './why-rank.ts'

export interface ExplainPorts {
  /** The swarm's memory; it may throw, and may never answer. */
  ask(request: QueryRequest): Promise<Hit[]>
  /** The small model that comes with swarm: the whole answer; null where there is none. It may throw. */
  sentinel(question: string): Promise<string | null>
  /** The loaded model, where it is another; null where none is. */
  generate(prompt: string): AsyncIterable<string> | null
  machine: Machine
  clock: Clock
}

export interface Explanation {
  /** One sentence without its full stop. */
  cause: string
  /** Best first. */
  proposals: Proposal[]
  /** The model's text as it comes; null without a model, or where a proposal is good already. */
  answer: AsyncIterable<string> | null
  /** Why memory or model had no part; each one sentence without its full stop. */
  remarks: string[]
}

/** Facts that the model gets as context: the nearest few, others are noise. */
const CONTEXT_FACTS = 4
/** Where a proposal weighs this much, no model is started for another. */
const GOOD_WEIGHT = 0.5

/** Knowledge and rules answer within a bound, whatever the ports do; only the stream may take its time. */
export async function explain(failure: Failure, ports: ExplainPorts): Promise<Explanation> {
  const question = questionOf(failure)
  const remarks: string[] = []
  const [{ fixes, facts }, sentinel] = await Promise.all([
    recall(question, ports, remarks),
    consult(failure, ports, remarks)
  ])
  const all = rankProposals({ failure, hits: fixes, machine: ports.machine, sentinel })
  const proposals = all.slice(0, PROPOSALS_MAX)
  const isGood = (proposals[0]?.weight ?? 0) >= GOOD_WEIGHT
  const answer = isGood ? null : ports.generate(explainPrompt(question, facts))
  // A pipe brings no command, so the small model was not asked.
  if (!isGood && answer === null && sentinel === null && failure.command !== '')
    remarks.push('no model is loaded that could be asked')
  return { cause: causeOf(failure, proposals, sentinel), proposals, answer, remarks }
}

/** Waits for work within a bound. @returns null where it was late or threw, which a remark then says. */
async function within<T>(
  { clock }: ExplainPorts,
  what: string,
  work: () => Promise<T>,
  remarks: string[]
): Promise<T | null> {
  let timer = { cancel: (): void => {} }
  const late = new Promise<null>((resolve) => {
    timer = clock.after(EXPLAIN_ASK_TIMEOUT_MS, () => {
      remarks.push(`${what} did not answer within ${EXPLAIN_ASK_TIMEOUT_MS} ms`)
      resolve(null)
    })
  })
  try {
    return await Promise.race([work(), late])
  } catch (error) {
    if (isAbort(error)) throw error
    const text = error instanceof Error ? error.message : String(error)
    remarks.push(`${what} could not be asked: ${text}`)
    return null
  } finally {
    timer.cancel()
  }
}

async function consult(
  failure: Failure,
  ports: ExplainPorts,
  remarks: string[]
): Promise<SentinelAnswer | null> {
  // Nothing to be said about what came through a pipe without its command: it learnt none of that kind.
  if (failure.command.trim() === '') return null
  const question = sentinelQuestion(failure, ports.machine.entries('.'))
  const work = (): Promise<string | null> => ports.sentinel(question)
  const text = await within(ports, 'the small model', work, remarks)
  return text === null ? null : readSentinelAnswer(text)
}

async function recall(
  question: string,
  ports: ExplainPorts,
  remarks: string[]
): Promise<{ fixes: Hit[]; facts: Hit[] }> {
  const both = (): Promise<[Hit[], Hit[]]> =>
    Promise.all([
      ports.ask({ text: question, kind: 'fix', limit: FIXES_ASKED_MAX }),
      ports.ask({ text: question, limit: CONTEXT_FACTS })
    ])
  const [fixes, facts] = (await within(ports, 'the shared memory', both, remarks)) ?? [[], []]
  return { fixes, facts }
}

const STATUSES: Record<number, string> = {
  126: 'the file was found and cannot be executed',
  127: 'no program of this name was found',
  130: 'it was interrupted',
  137: 'it was killed',
  139: 'it accessed memory that is not its own'
}

/** What a rule says, or a sentinel that trusts itself, else what the tool said, or what the status means. */
function causeOf(
  failure: Failure,
  proposals: readonly Proposal[],
  sentinel: SentinelAnswer | null
): string {
  for (const { sources } of proposals)
    for (const source of sources) if (source.kind === 'rule') return source.cause
  const { cause = '', confidence = null } = sentinel ?? {}
  if (cause !== '' && (confidence === 'sure' || confidence === 'likely')) return cause
  const lines = (failure.output ?? '').split('\n').map((line) => line.trim())
  const said = lines.find((line) =>
    /error|fatal|fail|cannot|denied|not found|invalid|unknown/i.test(line)
  )
  // An error is said last where nothing else tells which line it is.
  const last = lines.findLast((line) => line !== '')
  return said ?? STATUSES[failure.status] ?? last ?? `it ended with status ${failure.status}`
}
