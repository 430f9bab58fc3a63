// One generation on the terminal: text as it comes, waiting and prefill as progress, and a last line of
// numbers. With --json only the result object, preceded by every event if asked for.

import type { GenerateEvent, GenerateResult } from '../api/service.ts'
import { SwarmError } from '../base/errors.ts'
import { clip, formatRate } from '../base/text.ts'
import { queuedText } from '../wire/queued-text.ts'
import type { Terminal } from './terminal.ts'

/** Prompts below this are through before a progress line could be read. */
const PREFILL_SHOWN_TOKENS = 64

export interface ViewOptions {
  /** With --json: every event as a line of its own before the result. */
  stream: boolean
  /** Whether the numbers are shown after the text. */
  summary: boolean
}

/**
 * @returns the result, printed already.
 * @throws what the generation throws; PEER_GONE when it ends without a result.
 */
export async function showGeneration(
  terminal: Terminal,
  events: AsyncIterable<GenerateEvent>,
  options: ViewOptions
): Promise<GenerateResult> {
  const showNews = newsOf(terminal)
  try {
    for await (const event of events) {
      if (terminal.json && options.stream && event.type !== 'done') terminal.object(event)
      showNews(event)
      if (event.type === 'text' && !terminal.json) terminal.answer(event.text)
      if (event.type === 'done') {
        finish(terminal, event.result, options)
        return event.result
      }
    }
  } finally {
    terminal.progress.clear()
    if (!terminal.json) terminal.endAnswer()
  }
  throw new SwarmError('PEER_GONE', 'the generation ended without a result; try again')
}

/** Shows why nothing comes for a moment, over whom it goes on, and who computed something wrong. */
export function newsOf(terminal: Terminal): (event: GenerateEvent) => void {
  let isRerouting = false
  return (event) => {
    if (event.type === 'queued' || event.type === 'rerouting') {
      const text = queuedText({ ...event, reason: clip(event.reason) })
      // A line that is redrawn in place would take the row on which the answer stands; and a loss that is
      // over before one could read of it is told in one line with what followed.
      if (!terminal.isMidLine) terminal.progress.update(text)
      else if (isRerouting) terminal.note(text, 'faint')
    }
    if (event.type === 'rerouted') terminal.note(event.text, 'faint')
    if (event.type === 'audit') terminal.note(event.text)
    if (event.type === 'prefill' && event.total >= PREFILL_SHOWN_TOKENS) {
      terminal.progress.update('reading the prompt', event.done, event.total)
    }
    isRerouting = event.type === 'rerouting'
  }
}

function finish(terminal: Terminal, result: GenerateResult, options: ViewOptions): void {
  if (terminal.json) return terminal.object(result)
  terminal.endAnswer()
  if (options.summary) terminal.note(summaryOf(result), 'faint')
}

/**
 * `48 tokens, 17.2 tok/s (predicted 18.0), prompt 12 tokens in 0.31 s (predicted 0.30), 3 stages, seed 42,
 * cut at -n`; without a plan nothing was predicted.
 */
export function summaryOf(result: GenerateResult): string {
  const { ids, promptIds, stages, seed, timing, finishReason } = result
  const ended = { stop: 'complete', length: 'cut at -n', cancelled: 'cancelled' }[finishReason]
  const { predicted } = timing
  const rate = predicted ? ` (predicted ${formatRate(predicted.tokensPerSecond)})` : ''
  const { audit } = result
  const first = predicted ? ` (predicted ${(predicted.firstTokenMs / 1000).toFixed(2)})` : ''
  return [
    plural(ids.length, 'token'),
    `${formatRate(timing.tokensPerSecond)} tok/s${rate}`,
    `prompt ${plural(promptIds.length, 'token')} in ${(timing.prefillMs / 1000).toFixed(2)} s${first}`,
    plural(stages.length, 'stage'),
    `seed ${seed}`,
    ended,
    ...(audit ? [`${plural(audit.checkedTokens, 'token')} verified`] : [])
  ].join(', ')
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`
}
