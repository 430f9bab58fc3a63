// /save and /load of `swarm chat`: a conversation to a file and back, its keys and values on the disks of
// the stages that have them. Owns the sentences that say what was kept and what will be computed again; the
// text of a conversation is never lost over its keys and values.

import { isAbort, SwarmError } from '../base/errors.ts'
import { clip } from '../base/text.ts'
import { plural } from './generation-view.ts'
import { readChat, writeChat } from './saved-chat.ts'

import type { SavedPrefix } from '../api/service.ts'
import type { ChatPartner } from './chat-partner.ts'
import type { Conversation } from './conversation.ts'

const REASON_CHARS = 200

/**
 * @returns what to tell.
 * @throws USAGE_BAD_VALUE, STORE_FULL, STORE_UNREADABLE of the file; AbortError
 */
export async function saveChat(
  partner: ChatPartner,
  talk: Conversation,
  path: string,
  signal: AbortSignal
): Promise<string[]> {
  const messages = [...talk.messages]
  if (messages.length === 0) return ['there is nothing to save yet']
  const { kv, lines } = await saveKv(partner, talk, signal)
  await writeChat(path, { model: partner.model, messages, kv }, signal)
  if (kv !== null) talk.saved = kv
  return [`saved ${plural(messages.length, 'message')} in ${clip(path, REASON_CHARS)}`, ...lines]
}

/** Returns and throws as saveChat; the conversation so far is replaced where it does not throw. */
export async function loadChat(
  partner: ChatPartner,
  talk: Conversation,
  path: string,
  signal: AbortSignal
): Promise<string[]> {
  const { model, messages, kv } = await readChat(path, signal)
  if (talk.session !== undefined) await partner.forget(talk.session)
  talk.restore(messages, kv)
  const told = `loaded ${plural(messages.length, 'message')} from ${clip(path, REASON_CHARS)}`
  const why = kv === null ? null : mismatchOf(kv, model, partner)
  return why === null ? [told] : [told, `${why}: all of it is computed again`]
}

async function saveKv(
  partner: ChatPartner,
  { session, saved }: Conversation,
  signal: AbortSignal
): Promise<{ kv: SavedPrefix | null; lines: string[] }> {
  const textOnly = (why: string) => [`only the text is kept: ${why}`]
  if (session === undefined) {
    const why = 'no stage holds this conversation now'
    return { kv: saved, lines: saved === null ? textOnly(why) : [] }
  }
  try {
    const kv = await partner.save(session, signal)
    if (kv === null) return { kv, lines: textOnly('the small model reads it again in a moment') }
    const keeping = kv.stages.filter(({ tokens }) => tokens > 0)
    const count = `${keeping.length} of ${plural(kv.stages.length, 'stage')}`
    const refusals = kv.stages
      .filter(({ tokens }) => tokens === 0)
      .map(({ peer, start, end, text }) => {
        const stage = `${peer.slice(0, 8)} (layers ${start}-${end - 1})`
        return `${stage} keeps nothing: ${clip(text, REASON_CHARS)}`
      })
    return { kv, lines: [`${count} keep what they computed on disk`, ...refusals] }
  } catch (error) {
    if (isAbort(error) || !(error instanceof SwarmError)) throw error
    return { kv: saved, lines: textOnly(error.message) }
  }
}

/** Why nothing of what is saved can be of use here; null where it may. */
function mismatchOf(
  kv: SavedPrefix,
  model: string | null,
  { modelId, model: ours, arithmeticVersion }: ChatPartner
): string | null {
  if (kv.modelId !== modelId) {
    return `it was saved with ${model ?? 'another model'}, ${ours ?? 'no model'} answers here`
  }
  // The rest of the number is the KV type's own.
  const [theirs, here] = [kv.arithmeticVersion % 2 ** 16, arithmeticVersion]
  if (theirs !== here) return `it was saved with arithmetic ${theirs}, this version has ${here}`
  return null
}
