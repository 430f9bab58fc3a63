// What may be learnt: the same bounds that peers enforce on what they get, told to whoever types it.

import { SwarmError } from '../../base/errors.ts'
import {
  FACT_ANSWER_BYTES_MAX,
  FACT_QUESTION_BYTES_MAX,
  FACT_SOURCE_BYTES_MAX
} from '../../base/limits.ts'

import type { LearnRequest } from '../../wire/knowledge.ts'

/** @returns every field filled in. @throws USAGE_MISSING, USAGE_TOO_LARGE naming the field. */
export function checkLearn(request: LearnRequest): Required<LearnRequest> {
  const { kind = 'text', scope = 'swarm' } = request
  const question = clean(request.question ?? '', 'question', FACT_QUESTION_BYTES_MAX)
  const answer = clean(request.answer, 'answer', FACT_ANSWER_BYTES_MAX)
  const source = clean(request.source ?? '', 'source', FACT_SOURCE_BYTES_MAX)
  if (answer.trim() === '') {
    const text = 'There is nothing to learn; give a text, a file, or - for standard input'
    throw new SwarmError('USAGE_MISSING', text, { param: 'answer' })
  }
  return { kind, scope, question, answer, source }
}

function clean(text: string, param: string, bytesMax: number): string {
  // Half a surrogate pair has no UTF-8: it becomes the replacement character now, not on the way.
  const bytes = Buffer.from(text)
  if (bytes.byteLength <= bytesMax) return bytes.toString()
  const what = `the ${param} has ${bytes.byteLength} bytes`
  throw new SwarmError('USAGE_TOO_LARGE', `${what}, at most ${bytesMax} can be learnt at once`, {
    param
  })
}
