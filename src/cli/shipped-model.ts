// The small model that comes with swarm: where it lies, and what it says of a failed command. Flow B: it is
// what run, join, chat and the demo use where no model is named. Owns the way to it: through the running
// peer when that one serves it, else in this process, for the one question.

import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

import { SwarmError } from '../base/errors.ts'
import { cacheDirPath } from './paths.ts'
import { samplingRequest } from './generate-request.ts'
import { clientOf, type CommandContext } from './context.ts'

import type { GenerateEvent, GenerateRequest } from '../api/service.ts'
import type { LocalModel } from './ports.ts'

/** Three folders up from dist/src/cli. */
const FILE = new URL('../../../models/sentinel-base.gguf', import.meta.url)

/** What --model says for a peer that is to have none. */
export const NO_MODEL = 'none'

/** Tokens of a whole answer: training/evaluate.py allows as many. */
const ANSWER_TOKENS = 110

/** @throws MODEL_NOT_FOUND where the package was unpacked without it. */
export function shippedModelPath(): string {
  const path = fileURLToPath(FILE)
  if (existsSync(path)) return path
  throw new SwarmError(
    'MODEL_NOT_FOUND',
    'the small model that comes with swarm is not in this installation; name one with --model FILE'
  )
}

/**
 * A model file in this process, the shipped one where none is named.
 * @param request what it is opened for; its size is checked before anything is loaded.
 * @throws MODEL_*, NATIVE_*, USAGE_*; AbortError
 */
export async function openHere(
  context: CommandContext,
  request: GenerateRequest,
  named?: string
): Promise<LocalModel> {
  const { flags, host, terminal, signal, log, loadLocal } = context
  const { openLocal } = await loadLocal()
  const options = {
    model: named === undefined ? shippedModelPath() : resolve(named),
    threads: flags.threads ?? null,
    memoryBytes: flags.memory ?? null,
    request,
    needsId: terminal.json,
    cacheDir: cacheDirPath(host.env),
    log,
    onNote: (text: string) => terminal.note(text),
    onProgress(label: string, done: number, total: number) {
      // The shipped one is there in milliseconds.
      if (named !== undefined) terminal.progress.update(label, done, total)
    }
  }
  return await openLocal(options, signal)
}

/**
 * The whole answer to one question in the layout of training/FORMAT.md.
 * @param isServed whether the running peer serves the model.
 * @throws PEER_*, MODEL_*, NATIVE_*; AbortError
 */
export async function askSentinel(
  context: CommandContext,
  question: string,
  isServed: boolean
): Promise<string> {
  const request: GenerateRequest = {
    ...samplingRequest({ temp: 0, 'max-tokens': ANSWER_TOKENS }),
    messages: [{ role: 'user', content: question }]
  }
  if (isServed) return await textOf(clientOf(context).generate(request, context.signal))
  const model = await openHere(context, request)
  try {
    return await textOf(model.generate(request, context.signal))
  } finally {
    await model.close()
  }
}

async function textOf(events: AsyncIterable<GenerateEvent>): Promise<string> {
  let text = ''
  for await (const event of events) if (event.type === 'text') text += event.text
  return text
}
