// One topic, one model: which of two peers with different files gives way. Pure. The younger one does,
// because somebody may be using the other's; both sides come to the same answer from the same hello.

import { SwarmError } from '../base/errors.ts'
import { clip } from '../base/text.ts'
import { shortId, type PeerId } from '../wire/ids.ts'

export interface ModelClaim {
  key: PeerId
  model: { id: string; name: string } | null
  /** How long the peer has been in the topic. */
  upMs: number
}

/** Hash digits enough to tell two files of one name apart. */
const ID_DIGITS = 8

/** @returns MODEL_SECOND when `own` has to give way, else null. */
export function secondModel(own: ModelClaim, other: ModelClaim, topic: string): SwarmError | null {
  if (own.model === null || other.model === null || own.model.id === other.model.id) return null
  const younger = own.upMs < other.upMs || (own.upMs === other.upMs && own.key > other.key)
  if (!younger) return null
  return new SwarmError(
    'MODEL_SECOND',
    `topic '${topic}' serves ${describeModel(other.model)}, this peer has ` +
      `${describeModel(own.model)}; use the same file, or join another topic`
  )
}

/** The other side of it, for the peer that stays. */
export function describeRival(other: ModelClaim): string {
  const model = other.model === null ? 'no model' : describeModel(other.model)
  return `${shortId(other.key)} came with another model (${model}) and is left out`
}

function describeModel({ id, name }: { id: string; name: string }): string {
  return `'${clip(name, 60)}' (${id.slice(0, ID_DIGITS)})`
}
