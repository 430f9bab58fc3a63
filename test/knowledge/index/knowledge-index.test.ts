// The index as one memory: what it takes, what it finds, what it forgets, and that every peer with the
// same entries gives the same answers.

import test from 'brittle'
import { below, seededRandom } from '../../../src/base/random.ts'
import { PlainVectorScan } from '../../../src/compute/plain-vector-scan.ts'
import { KnowledgeIndex } from '../../../src/knowledge/index/knowledge-index.ts'
import type { PeerId } from '../../../src/wire/ids.ts'
import type { Fact, QueryRequest } from '../../../src/wire/knowledge.ts'
import { ANNA, basinOf, BERT, CARA, factOf } from '../../helpers/facts.ts'

const PUSH = factOf('git push --set-upstream origin main', {
  kind: 'fix',
  question: 'git push\nfatal: The current branch main has no upstream branch.',
  wallMs: 5000
})
const DISK = factOf('The build machine keeps its cache on /srv; empty it when the disk is full.', {
  source: 'notes.md',
  wallMs: 2000
})
const PORT = factOf('The staging database listens on port 6432.', { source: 'wiki/db.txt' })

function put(index: KnowledgeIndex, author: PeerId, ...facts: Fact[]): void {
  for (const fact of facts) {
    index.putFact(author, fact)
    index.putBasin(author, basinOf(fact))
  }
}

function filled(): KnowledgeIndex {
  const index = new KnowledgeIndex()
  put(index, ANNA, PUSH, DISK)
  put(index, BERT, PORT)
  return index
}

function ask(index: KnowledgeIndex, request: QueryRequest): string[] {
  return index.query(request).map(({ id }) => id)
}

test('knowledge index - a hit is the fact with its author, a score and the cosine', (t) => {
  const [hit, ...others] = filled().query({ text: 'on which port is the staging database' })
  t.is(hit?.id, PORT.id)
  t.is(hit?.answer, PORT.answer)
  t.is(hit?.author, BERT)
  t.is(hit?.authorName, null)
  t.is(hit?.scope, 'swarm')
  t.ok((hit?.similarity ?? 0) > 0.5 && (hit?.similarity ?? 2) <= 1)
  t.ok(others.every(({ score }) => score > 0 && score <= (hit?.score ?? 0)))
})

test('knowledge index - a slip of the pen is found by its angle, with no word in common', (t) => {
  t.alike(ask(filled(), { text: 'stagging databse lisstens' }), [PORT.id])
})

test('knowledge index - a question about nothing that is known has no answer', (t) => {
  t.alike(ask(filled(), { text: 'zyzzyva quokka' }), [])
  t.alike(ask(filled(), { text: '' }), [])
  t.alike(ask(new KnowledgeIndex(), { text: 'port' }), [])
})

test('knowledge index - filters by author, source, kind and time leave out the rest', (t) => {
  const index = filled()
  const text = 'the git branch, the disk of the build machine and the staging database'
  t.is(ask(index, { text }).length, 3)
  t.alike(ask(index, { text, author: BERT.slice(0, 8) }), [PORT.id])
  t.alike(ask(index, { text, author: CARA.slice(0, 8) }), [])
  t.alike(ask(index, { text, source: 'notes' }), [DISK.id])
  t.alike(ask(index, { text, kind: 'fix' }), [PUSH.id])
  t.alike(ask(index, { text, sinceMs: 5000 }), [PUSH.id])
  t.alike(ask(index, { text, sinceMs: 2000, author: ANNA, kind: 'text' }), [DISK.id])
  t.is(ask(index, { text, limit: 2 }).length, 2)
  t.is(ask(index, { text, limit: 0 }).length, 0)
})

test('knowledge index - an entry without a basin, or with one of another space, is found by words', (t) => {
  const index = new KnowledgeIndex()
  index.putFact(ANNA, DISK)
  index.putFact(BERT, PORT)
  t.absent(index.putBasin(BERT, { ...basinOf(PORT), spaceId: '0'.repeat(16) }))
  for (const [text, id] of [
    ['cache on the build machine', DISK.id],
    ['staging port', PORT.id]
  ] as const) {
    const [hit] = index.query({ text })
    t.is(hit?.id, id)
    t.is(hit?.similarity, null)
  }
  t.alike(ask(index, { text: 'stagging databse lisstens' }), [])
})

test('knowledge index - a basin without its fact is never an answer and hides none', (t) => {
  const index = new KnowledgeIndex()
  // So many twins of the question that they would fill every place.
  for (let at = 0; at < 300; at++) {
    index.putBasin(CARA, { ...basinOf(PORT), id: at.toString(16).padStart(32, '0') })
  }
  put(index, BERT, PORT)
  t.is(index.size, 1)
  t.alike(ask(index, { text: 'stagging databse lisstens' }), [PORT.id])
  index.putBasin(ANNA, basinOf(DISK))
  index.putFact(ANNA, DISK)
  t.is(index.size, 2)
  t.ok((index.query({ text: DISK.answer })[0]?.similarity ?? 0) > 0.99)
})

test('knowledge index - a tombstone removes the entry of its author and no other', (t) => {
  const index = filled()
  put(index, CARA, PORT)
  index.remove(BERT, PORT.id)
  index.remove(BERT, DISK.id)
  t.is(index.size, 3)
  t.alike(
    index.query({ text: 'staging port' }).map(({ author }) => author),
    [CARA]
  )
  index.remove(CARA, PORT.id)
  t.alike(ask(index, { text: 'staging port' }), [])
  put(index, BERT, PORT)
  t.alike(ask(index, { text: 'staging port' }), [PORT.id])
})

test('knowledge index - an author is forgotten whole', (t) => {
  const index = filled()
  index.forgetAuthor(ANNA)
  index.forgetAuthor(CARA)
  t.is(index.size, 1)
  t.alike(index.countOf(ANNA), { entries: 0, chars: 0 })
  t.is(index.countOf(BERT).entries, 1)
  t.ok(index.countOf(BERT).chars >= PORT.answer.length)
  t.alike(ask(index, { text: 'git push upstream and the staging port' }), [PORT.id])
})

test('knowledge index - putting again replaces, words and scope included', (t) => {
  const index = filled()
  put(index, BERT, PORT, PORT)
  t.is(index.size, 3)
  index.putFact(BERT, { ...PORT, answer: 'The printer is upstairs.' }, 'local')
  t.is(index.size, 3)
  const [hit] = index.query({ text: 'printer upstairs' })
  t.is(hit?.id, PORT.id)
  t.is(hit?.scope, 'local')
  t.absent(index.query({ text: 'listens 6432' }).some(({ similarity }) => similarity === null))
})

test('knowledge index - vectors that are none are left out, their facts are not', (t) => {
  const index = new KnowledgeIndex()
  for (const value of [NaN, Infinity, 2, 0]) {
    t.absent(index.putBasin(ANNA, { ...basinOf(DISK), vector: new Float32Array(256).fill(value) }))
  }
  t.is(index.size, 0)
  index.putFact(ANNA, DISK)
  t.is(index.query({ text: 'cache' })[0]?.similarity, null)
})

test('knowledge index - a flood of one author fills its own share only', (t) => {
  const index = new KnowledgeIndex({ entriesMax: 10, authorEntriesMax: 4 })
  const taken = Array.from({ length: 9 }, (_, at) => index.putFact(CARA, factOf(`noise ${at}`)))
  t.alike(taken, [true, true, true, true, false, false, false, false, false])
  t.absent(index.putBasin(CARA, basinOf(PORT)))
  put(index, BERT, PORT)
  t.alike(ask(index, { text: 'staging port' }), [PORT.id])
  for (const author of [ANNA, BERT])
    for (let at = 0; at < 4; at++) index.putFact(author, factOf(`${at}`))
  t.is(index.size, 10)
  t.absent(index.putFact(ANNA, factOf('one too many')))
  index.remove(BERT, PORT.id)
  t.ok(index.putFact(ANNA, factOf('one too many')) === false || index.size === 10)
})

test('knowledge index - finds ids by their first digits', (t) => {
  const index = filled()
  t.alike(index.idsLike(PORT.id.slice(0, 8)), [PORT.id])
  t.alike(index.idsLike('zz'), [])
  index.remove(BERT, PORT.id)
  t.alike(index.idsLike(PORT.id), [])
})

test('knowledge index - the same entries in any order, with or without the addon, answer alike', (t) => {
  const random = seededRandom(8)
  const words = ['disk', 'port', 'cache', 'git', 'push', 'full', 'node', 'build', 'test', 'staging']
  const say = () =>
    Array.from({ length: 1 + below(random, 8) }, () => words[below(random, 10)]).join(' ')
  type Step = (index: KnowledgeIndex) => void
  const steps: Step[][] = Array.from({ length: 120 }, () => {
    const author = [ANNA, BERT, CARA][below(random, 3)] as PeerId
    const fact = factOf(say(), { wallMs: below(random, 100) })
    const putFact: Step = (index) => index.putFact(author, fact)
    const putBasin: Step = (index) => index.putBasin(author, basinOf(fact))
    const isGone = below(random, 4) === 0
    const isBare = below(random, 5) === 0
    const parts = isBare ? [putFact] : [putFact, putBasin, putFact]
    // What is forgotten stays so: an author's own log keeps that order.
    return isGone ? [putFact, putBasin, (index) => index.remove(author, fact.id)] : parts
  })
  const inOrder = steps.flat()
  const shuffled: Step[] = []
  const queues = steps.map((list) => [...list])
  while (queues.some((queue) => queue.length > 0)) {
    const step = (queues[below(random, queues.length)] as Step[]).shift()
    if (step) shuffled.push(step)
  }
  // Two entries with one text would be one entry: the last word is then the log's, not the order's.
  const [first, second] = [
    new KnowledgeIndex(),
    new KnowledgeIndex({ scan: new PlainVectorScan() })
  ]
  for (const step of inOrder) step(first)
  for (const step of shuffled) step(second)
  for (let round = 0; round < 60; round++) {
    const request = { text: say(), limit: 30, ...(round % 3 === 0 ? { sinceMs: 50 } : {}) }
    t.alike(second.query(request), first.query(request))
  }
})
