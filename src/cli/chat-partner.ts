// Who answers in `swarm chat`: the running peer of the data directory, or where none runs the small model
// that comes with swarm, in this process. Owns that the two look alike to the conversation.

import { SwarmError } from '../base/errors.ts'
import { samplingRequest } from './generate-request.ts'
import { clientOf, type CommandContext } from './context.ts'
import { ask } from './running-peer.ts'
import { openHere } from './shipped-model.ts'
import { sentinelQuestion } from '../shell/sentinel-question.ts'
import { thisMachine } from '../shell/why-machine.ts'

import type { GenerateEvent, GenerateRequest, SavedPrefix } from '../api/service.ts'

export interface ChatPartner {
  /** Name of the model; null for a peer without one. */
  readonly model: string | null
  /** 64 hex digits; null where it is not known. */
  readonly modelId: string | null
  /** Of the peer that asks; null where nothing is saved. */
  readonly arithmeticVersion: number | null
  /** What a line of the user is to the model. */
  question(line: string): string
  /** Told once before the first question; null where there is nothing to tell. */
  readonly remark: string | null
  generate(request: GenerateRequest, signal: AbortSignal): AsyncIterable<GenerateEvent>
  /** Frees the KV of a conversation. A peer that is gone has freed it already. */
  forget(session: string): Promise<void>
  /**
   * Has the stages keep what they computed of a conversation; null where nothing is ever kept.
   * @throws STAGE_UNKNOWN_SESSION, PEER_*
   */
  save(session: string, signal: AbortSignal): Promise<SavedPrefix | null>
  close(): Promise<void>
}

/** @throws MODEL_*, NATIVE_* of the shipped model; PEER_*; AbortError */
export async function chatPartner(context: CommandContext): Promise<ChatPartner> {
  const { signal } = context
  const status = await ask(context, (client) => client.status(signal))
  if (status === null) return await shipped(context)
  const client = clientOf(context)
  return {
    model: status.model?.name ?? null,
    modelId: status.model?.id ?? null,
    arithmeticVersion: status.arithmeticVersion,
    question: (line) => (status.model?.isSentinel ? asFailure(context.host, line) : line),
    remark: null,
    generate: (request, turnSignal) => client.generate(request, turnSignal),
    async forget(session) {
      try {
        await client.closeSession(session)
      } catch (error) {
        if (!(error instanceof SwarmError)) throw error
      }
    },
    save: (session, saveSignal) => client.saveSession(session, saveSignal),
    close: () => Promise.resolve()
  }
}

async function shipped(context: CommandContext): Promise<ChatPartner> {
  const request = { ...samplingRequest(context.flags), messages: [] }
  const model = await openHere(context, request)
  return {
    model: model.name,
    modelId: null,
    arithmeticVersion: null,
    question: (line) => asFailure(context.host, line),
    remark:
      'no peer runs here, so the small model that comes with swarm answers: it explains failed commands, ' +
      "typed as '$ gti status'; swarm join TOPIC --model FILE brings a larger one",
    generate: (request, signal) => model.generate(request, signal),
    forget: (session) => Promise.resolve(model.closeSession(session)),
    save: () => Promise.resolve(null),
    close: () => model.close()
  }
}

/**
 * A line that begins as a prompt does is a command that failed, in the layout of a sentinel: with the status
 * that a shell gives to what it cannot find, where this machine has no such program.
 */
function asFailure({ env }: CommandContext['host'], line: string): string {
  if (!line.startsWith('$ ')) return line
  const command = line.slice(2).trim()
  const [program = ''] = command.split(/\s+/)
  const { commands } = thisMachine(env, '.')
  const status = program.includes('/') || commands.has(program) ? 1 : 127
  return sentinelQuestion({ command, status, output: null })
}
