// Flow A and B on the wire: what the origin of a session wants of its stages beside tokens: that they save
// what they hold, or say what they computed. No token waits for any of it. Structural types only, as in
// session.ts.

import type { SessionId } from './ids.ts'

/**
 * Origin to a stage: store the keys and values of the first positions on your own disk, for a later `prefix`
 * of this origin with this name. The session goes on meanwhile.
 */
export interface SaveMessage {
  type: 'save'
  session: SessionId
  epoch: number
  /** Which stage of the route the receiver is. */
  index: number
  /** Of the ids behind these positions (pipeline/saved-name.ts); no stage can check it. */
  name: SessionId
  tokens: number
}

/** Stage to origin: so many positions are on its disk now. */
export interface SavedMessage {
  type: 'saved'
  session: SessionId
  index: number
  name: SessionId
  tokens: number
  /** Why there are none; empty where there are. */
  text: string
}

/** Origin to a stage of an audited session: what did the rows of positions [0, position) hash to? */
export interface AuditMessage {
  type: 'audit'
  session: SessionId
  epoch: number
  index: number
  position: number
}

/** The answer to `audit`; none where the stage has not computed all of these rows. */
export interface AuditedMessage {
  type: 'audited'
  session: SessionId
  epoch: number
  index: number
  position: number
  /** 64 hex digits: chained BLAKE2b of the rows it took in, ids at the first stage. */
  input: string
  /** The same of the rows that it gave on; of empty rows at the last stage. */
  output: string
}
