// The way of a command to the shared memory: through the running peer of the data directory, or, when none
// runs, by opening the store itself for as long as the command takes.

import { wholeId } from '../api/knowledge-request.ts'
import type { Forgotten, Hit, LearnRequest, Learnt, QueryRequest } from '../wire/knowledge.ts'
import { clientOf, dataDirOf, type CommandContext } from './context.ts'
import { makeDataDir } from './paths.ts'
import { ask } from './running-peer.ts'

/** What the commands ask, whoever answers. */
export interface KnowledgeAccess {
  learn(request: LearnRequest): Promise<Learnt>
  query(request: QueryRequest): Promise<Hit[]>
  /** @param id or its first 8 digits and more. */
  forget(id: string): Promise<Forgotten>
}

/** @throws STORE_*, and whatever `use` throws; the store is closed again in any case. */
export async function withKnowledge<T>(
  context: CommandContext,
  use: (knowledge: KnowledgeAccess) => Promise<T>
): Promise<T> {
  const { signal, log, loadPorts } = context
  const client = clientOf(context)
  if ((await ask(context, () => client.knowledge(signal))) !== null) {
    return use({
      learn: (request) => client.learn(request, signal),
      query: (request) => client.query(request, signal),
      forget: (id) => client.forget(id, signal)
    })
  }
  const dataDir = dataDirOf(context)
  makeDataDir(dataDir)
  const { openKnowledge } = await loadPorts()
  const own = await openKnowledge({ dataDir, log }, signal)
  try {
    return await use({
      learn: (request) => own.learn(request),
      query: async (request) => own.query(request),
      forget: async (id) => own.forget(wholeId(own, id))
    })
  } finally {
    await own.close()
  }
}
