// The routes to the shared memory under /mesh/. Only over the control socket: what was learnt with --local
// is nobody else's, and who can write there speaks for this machine.

import { SwarmError } from '../base/errors.ts'
import type { Exchange, Route } from './exchange.ts'
import type { JsonObject } from './fields.ts'
import { readLearn, readQuery, requiredText, wholeId } from './knowledge-request.ts'
import { sendJson } from './reply.ts'
import type { KnowledgeService, SwarmService } from './service.ts'

export const KNOWLEDGE_ROUTES: readonly Route[] = [
  post('/mesh/learn', (knowledge, body) => knowledge.learn(readLearn(body))),
  post('/mesh/query', async (knowledge, body) => ({ hits: knowledge.query(readQuery(body)) })),
  post('/mesh/forget', (knowledge, body) =>
    knowledge.forget(wholeId(knowledge, requiredText(body, 'id')))
  ),
  {
    method: 'GET',
    path: '/mesh/knowledge',
    openai: false,
    ownerOnly: true,
    handle: ({ service, response }) => sendJson(response, 200, openOf(service).status())
  }
]

function post(
  path: string,
  answer: (knowledge: KnowledgeService, body: JsonObject) => Promise<object>
): Route {
  const handle = async ({ service, response, body }: Exchange): Promise<void> => {
    const given = await body()
    sendJson(response, 200, await answer(openOf(service), given))
  }
  return { method: 'POST', path, openai: false, ownerOnly: true, handle }
}

/** @throws STORE_BUSY while the peer is still opening its store. */
function openOf(service: SwarmService): KnowledgeService {
  const knowledge = service.knowledge()
  if (knowledge !== null) return knowledge
  const text = 'the peer has not opened its knowledge yet; try again in a moment'
  throw new SwarmError('STORE_BUSY', text)
}
