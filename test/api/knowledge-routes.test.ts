// The routes to the shared memory, through the real client and server, over the real index.

import test, { type Test } from 'brittle'
import { API_BODY_BYTES_MAX, QUERY_CHARS_MAX } from '../../src/base/limits.ts'
import { openApi, send } from '../helpers/api-fixture.ts'
import { ANNA, BERT, factOf } from '../helpers/facts.ts'
import { MemoryKnowledge } from '../helpers/memory-knowledge.ts'

async function openMemory(t: Test) {
  const api = await openApi(t)
  const memory = new MemoryKnowledge()
  api.service.memory = memory
  return { ...api, memory }
}

test('knowledge routes - what is learnt is found and forgotten again', async (t) => {
  const { client, memory } = await openMemory(t)
  const learnt = await client.learn({ answer: 'the cache lies on /srv', source: 'notes.md' })
  t.alike([learnt.scope, learnt.isKnown], ['swarm', false])
  t.is((await client.learn({ answer: 'the cache lies on /srv', source: 'notes.md' })).isKnown, true)
  const [hit] = await client.query({ text: 'where is the cache' })
  t.alike(hit, memory.query({ text: 'where is the cache' })[0])
  t.alike([hit?.id, hit?.author, hit?.source], [learnt.id, ANNA, 'notes.md'])
  t.alike(await client.knowledge(), { entries: 1, own: 1, authors: [], trouble: null })
  t.alike(await client.forget(learnt.id.slice(0, 8)), { id: learnt.id, isOwn: true })
  t.alike(await client.query({ text: 'where is the cache' }), [])
})

test('knowledge routes - every field of a request arrives', async (t) => {
  const { client, memory } = await openMemory(t)
  const learn = { answer: 'a', question: 'q', source: 's', kind: 'fix', scope: 'local' } as const
  const query = {
    text: 'q',
    limit: 7,
    kind: 'fix',
    author: ANNA.slice(0, 9),
    source: 's',
    sinceMs: 12
  } as const
  await client.learn(learn)
  await client.query(query)
  t.alike(memory.requests, [learn, query])
})

test('knowledge routes - what is no request is refused by name and changes nothing', async (t) => {
  const { socketPath, memory } = await openMemory(t)
  const wrong: [string, object, string, string][] = [
    ['learn', {}, 'USAGE_MISSING', 'answer'],
    ['learn', { answer: 5 }, 'USAGE_BAD_VALUE', 'answer'],
    ['learn', { answer: 'x', kind: 'joke' }, 'USAGE_BAD_VALUE', 'kind'],
    ['learn', { answer: 'x', scope: 'world' }, 'USAGE_BAD_VALUE', 'scope'],
    ['learn', { answer: 'x', source: [] }, 'USAGE_BAD_VALUE', 'source'],
    ['query', {}, 'USAGE_MISSING', 'text'],
    ['query', { text: 'x'.repeat(QUERY_CHARS_MAX + 1) }, 'USAGE_TOO_LARGE', 'text'],
    ['query', { text: 'x', limit: 0 }, 'USAGE_BAD_VALUE', 'limit'],
    ['query', { text: 'x', limit: 101 }, 'USAGE_BAD_VALUE', 'limit'],
    ['query', { text: 'x', author: 'abcdefg' }, 'USAGE_BAD_VALUE', 'author'],
    ['query', { text: 'x', author: 'a'.repeat(65) }, 'USAGE_BAD_VALUE', 'author'],
    ['query', { text: 'x', sinceMs: -1 }, 'USAGE_BAD_VALUE', 'sinceMs'],
    ['query', { text: 'x', kind: 'all' }, 'USAGE_BAD_VALUE', 'kind'],
    ['forget', {}, 'USAGE_MISSING', 'id'],
    ['forget', { id: 'abcdef0' }, 'USAGE_BAD_VALUE', 'id'],
    ['forget', { id: 'z'.repeat(32) }, 'USAGE_BAD_VALUE', 'id'],
    ['forget', { id: 'a'.repeat(33) }, 'USAGE_BAD_VALUE', 'id'],
    ['forget', { id: 'abcdef00' }, 'USAGE_BAD_VALUE', 'id']
  ]
  for (const [route, body, code, param] of wrong) {
    const answer = await send({ socketPath }, 'POST', `/mesh/${route}`, body)
    const { error } = answer.json() as { error: { code: string; param: string } }
    t.alike([error.code, error.param], [code, param], route)
    t.ok(answer.status >= 400 && answer.status < 500)
  }
  t.alike(memory.requests, [])
})

test('knowledge routes - the first digits of an id must be those of one entry', async (t) => {
  const { client, memory } = await openMemory(t)
  const [one, two] = ['1', '2'].map((end) =>
    factOf('x', { id: `abcdef0123${end}`.padEnd(32, '0') })
  )
  memory.put(ANNA, one as NonNullable<typeof one>)
  memory.put(BERT, two as NonNullable<typeof two>)
  await t.exception(client.forget('abcdef01'), {
    code: 'USAGE_BAD_VALUE',
    message: '2 entries have ids that begin with abcdef01; give more digits'
  })
  t.is((await client.forget('ABCDEF01232')).isOwn, false)
  t.is((await client.forget('abcdef01')).isOwn, true)
  await t.exception(client.forget('abcdef01'), { code: 'USAGE_BAD_VALUE' })
})

test('knowledge routes - a peer whose store is not open says so', async (t) => {
  const { client, service } = await openApi(t)
  service.memory = null
  const code = 'STORE_BUSY'
  await t.exception(client.learn({ answer: 'x' }), { code })
  await t.exception(client.query({ text: 'x' }), { code })
  await t.exception(client.forget('a'.repeat(32)), { code })
  await t.exception(client.knowledge(), { code })
})

test('knowledge routes - nobody gets at them over the port that other users can reach', async (t) => {
  const { port, memory } = await openMemory(t)
  for (const route of ['learn', 'query', 'forget']) {
    t.is((await send({ port }, 'POST', `/mesh/${route}`, { text: 'x' })).status, 403)
  }
  t.is((await send({ port }, 'GET', '/mesh/knowledge')).status, 403)
  t.alike(memory.requests, [])
})

test('knowledge routes - a body above the bound is refused before it is read', async (t) => {
  const { socketPath, memory } = await openMemory(t)
  const body = JSON.stringify({ answer: 'x'.repeat(API_BODY_BYTES_MAX) })
  t.is((await send({ socketPath }, 'POST', '/mesh/learn', body)).status, 413)
  t.alike(memory.requests, [])
})
