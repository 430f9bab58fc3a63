// The shared memory of a data directory for which no peer runs: a command opens the store itself, for as
// long as it takes, under the lock that a peer would hold. What is learnt so reaches the others when the
// peer runs again; nothing is waited for from them.

import { join } from 'node:path'

import type { KnowledgeService } from '../api/service.ts'
import { systemClock } from '../base/clock.ts'
import { lockFile } from '../base/file-lock.ts'
import type { Log } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { hashEmbedder } from '../knowledge/embedder/hash-embedder.ts'
import { KnowledgeIndex } from '../knowledge/index/knowledge-index.ts'
import { openKnowledge, type Knowledge } from '../knowledge/knowledge.ts'
import type { Signer } from '../knowledge/ports.ts'
import { openIdentity, signStatement, verifyStatement, type Identity } from '../peer/identity.ts'

export interface OwnKnowledgeOptions {
  /** Exists, for its owner only. */
  dataDir: string
  log: Log
}

/** To be closed: the lock is held until then. */
export type OwnKnowledge = KnowledgeService & { close(): Promise<void> }

/**
 * Resolves when everything in the store can be found.
 * @throws STORE_*; AbortError, after which nothing is left.
 */
export async function openOwnKnowledge(
  { dataDir, log }: OwnKnowledgeOptions,
  signal: AbortSignal
): Promise<OwnKnowledge> {
  const lock = lockFile(join(dataDir, 'lock'), `the data directory ${dataDir}`)
  const index = new KnowledgeIndex()
  let knowledge: Knowledge | null = null
  const close = async (): Promise<void> => {
    await knowledge?.close()
    index.close()
    lock.release()
  }
  try {
    knowledge = await openKnowledge({
      dataDir,
      topic: null,
      signer: signerOf(await openIdentity(dataDir, systemRandom)),
      index,
      embedder: hashEmbedder,
      clock: systemClock,
      // No peer can give back what is missing while none is linked.
      restoreMs: 0,
      onEvent: ({ text }) => log.warn(text)
    })
    signal.throwIfAborted()
    await knowledge.settled()
    signal.throwIfAborted()
    return { ...knowledgeService(knowledge, index), close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The identity as the logs need it. */
export function signerOf(identity: Identity): Signer {
  return {
    id: identity.id,
    sign: (statement) => signStatement(identity, statement),
    verify: verifyStatement
  }
}

/** The store with its index as the API asks it. */
export function knowledgeService(knowledge: Knowledge, index: KnowledgeIndex): KnowledgeService {
  return {
    learn: (request) => knowledge.learn(request),
    query: (request) => knowledge.query(request),
    forget: (id) => knowledge.forget(id),
    idsLike: (prefix) => index.idsLike(prefix),
    status: () => knowledge.status()
  }
}
