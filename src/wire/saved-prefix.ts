// Flow B on the wire: what is saved of a conversation, as JSON that comes back from a file of the user's or
// from a program of theirs. Owns the check of every field; whether the ids are those of the name is the
// pipeline's to see, and what is left of it on the disks the stages'.

import { SwarmError } from '../base/errors.ts'
import {
  CONTEXT_TOKENS_MAX,
  LAYERS_MAX,
  PREFIX_IDS_MAX,
  ROUTE_STAGES_MAX,
  VOCAB_MAX
} from '../base/limits.ts'
import { KV_TYPES } from './session.ts'

import type { SavedPrefix, SavedStage } from './generation.ts'
import type { PeerId } from './ids.ts'

/** @throws USAGE_BAD_VALUE naming the field. */
export function readSaved(value: unknown): SavedPrefix {
  const { name, modelId, arithmeticVersion, kvType, ids, stages } = objectOf(value, 'saved')
  const known = KV_TYPES.find((type) => type === kvType)
  if (known === undefined) throw bad('kvType')
  return {
    name: hexOf(name, 32, 'name'),
    modelId: hexOf(modelId, 64, 'modelId'),
    arithmeticVersion: wholeOf(arithmeticVersion, 2 ** 32 - 1, 'arithmeticVersion'),
    kvType: known,
    ids: listOf(ids, PREFIX_IDS_MAX, 'ids').map((id) => wholeOf(id, VOCAB_MAX - 1, 'ids')),
    stages: listOf(stages, ROUTE_STAGES_MAX, 'stages').map(stageOf)
  }
}

function stageOf(value: unknown): SavedStage {
  const { peer, start, end, tokens, text } = objectOf(value, 'stages')
  if (typeof text !== 'string') throw bad('text')
  return {
    peer: hexOf(peer, 64, 'peer') as PeerId,
    start: wholeOf(start, LAYERS_MAX, 'start'),
    end: wholeOf(end, LAYERS_MAX, 'end'),
    tokens: wholeOf(tokens, CONTEXT_TOKENS_MAX, 'tokens'),
    text
  }
}

function objectOf(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(name)
  return value as Record<string, unknown>
}

function listOf(value: unknown, most: number, name: string): unknown[] {
  if (!Array.isArray(value) || value.length > most) throw bad(name)
  return value
}

function wholeOf(value: unknown, most: number, name: string): number {
  const isRight = typeof value === 'number' && Number.isInteger(value)
  if (!isRight || value < 0 || value > most) throw bad(name)
  return value
}

function hexOf(value: unknown, digits: number, name: string): string {
  const isRight = typeof value === 'string' && value.length === digits
  if (!isRight || !/^[0-9a-f]+$/.test(value)) throw bad(name)
  return value
}

function bad(name: string): SwarmError {
  const text = `${name} of a saved conversation is not what was saved`
  return new SwarmError('USAGE_BAD_VALUE', text, { param: 'saved' })
}
