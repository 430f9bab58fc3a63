// One topic, one model: which of two peers with different files gives way. Pure. A model that a user named
// goes before the one that comes with swarm; of two alike the younger peer's gives way, because somebody
// may be using the other's. Both sides come to the same answer from the same hello.

import { SwarmError } from '../base/errors.ts'
import { clip } from '../base/text.ts'
import { shortId, type PeerId } from '../wire/ids.ts'
import type { ModelRecord } from '../wire/record.ts'

export interface ModelClaim {
  key: PeerId
  model: ModelRecord | null
  /** How long the peer has been in the topic. */
  upMs: number
}

/** Hash digits enough to tell two files of one name apart. */
const ID_DIGITS = 8

/**
 * What becomes of our own model beside another's: it stays, it is dropped while the peer stays, or the peer
 * cannot be in this topic with it: MODEL_SECOND.
 */
export function besideAnother(
  own: ModelClaim,
  other: ModelClaim,
  topic: string
): 'stays' | 'dropped' | SwarmError {
  if (own.model === null || other.model === null || own.model.id === other.model.id) return 'stays'
  const isDroppable = own.model.givesWay
  if (isDroppable !== other.model.givesWay) return isDroppable ? 'dropped' : 'stays'
  const younger = own.upMs < other.upMs || (own.upMs === other.upMs && own.key > other.key)
  if (!younger) return 'stays'
  if (isDroppable) return 'dropped'
  return new SwarmError(
    'MODEL_SECOND',
    `topic '${topic}' serves ${describeModel(other.model)}, this peer has ` +
      `${describeModel(own.model)}; use the same file, or join another topic`
  )
}

/** Told where ours stays and the other's does not fit. */
export function describeRival(other: ModelClaim): string {
  const model = other.model === null ? 'no model' : describeModel(other.model)
  return `${shortId(other.key)} came with another model (${model}) and is left out`
}

/** Told where ours is dropped. */
export function describeDropped(other: ModelRecord): string {
  return (
    `the topic serves ${describeModel(other)}, so the small model that comes with swarm is dropped; ` +
    'to compute here too, start with --model and the same file'
  )
}

export function describeModel({ id, name }: Pick<ModelRecord, 'id' | 'name'>): string {
  return `'${clip(name, 60)}' (${id.slice(0, ID_DIGITS)})`
}
