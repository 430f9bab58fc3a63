import test from 'brittle'

import {
  ACTIVATION_BYTES_MAX,
  DIM_MAX,
  HOP_BACKLOG_BYTES_MAX,
  ROUTE_STAGES_MAX
} from '../../src/base/limits.ts'
import { ChunkFlow, chunkTokensMax } from '../../src/pipeline/chunk-flow.ts'
import { evenChunking } from '../../src/sharding/chunking.ts'
import { activationBytes } from '../../src/wire/session-codec.ts'

function taken(flow: ChunkFlow): string {
  return [...flow.take()].map(({ position, end }) => `${position}-${end}`).join(' ')
}

test('chunk flow - a chunk fits a message, and all that travel fit a queue', (t) => {
  for (const dim of [256, 8192, DIM_MAX]) {
    for (const nStages of [1, 3, 20, ROUTE_STAGES_MAX]) {
      const nTokens = chunkTokensMax(dim, nStages)
      const sizeBytes = activationBytes({ nTokens, dim, drafted: false })
      t.ok(nTokens >= 1 && sizeBytes <= ACTIVATION_BYTES_MAX, `${nTokens} of ${dim}`)
      const travelling = [...new ChunkFlow(0, 100 * nTokens, evenChunking(nTokens), nStages).take()]
        .length
      t.ok(travelling * sizeBytes <= HOP_BACKLOG_BYTES_MAX, `${travelling} of ${sizeBytes} bytes`)
    }
  }
})

test('chunk flow - as many chunks travel as there are stages, and one more', (t) => {
  const flow = new ChunkFlow(3, 19, evenChunking(4), 2)
  t.is(taken(flow), '3-7 7-11 11-15')
  t.is(taken(flow), '', 'until one has passed')
  t.ok(flow.done(7))
  t.is(taken(flow), '15-19')
  t.is(flow.doneEnd, 7)
})

test('chunk flow - the last chunk is alone when all before it have passed', (t) => {
  const flow = new ChunkFlow(0, 6, evenChunking(4), 1)
  t.is(taken(flow), '0-4 4-6')
  t.absent(flow.isAtLastChunk)
  t.ok(flow.done(4))
  t.ok(flow.isAtLastChunk)
  t.ok(flow.done(6))
  t.is(flow.doneEnd, flow.end)
})

test('chunk flow - what is not due is not counted', (t) => {
  const flow = new ChunkFlow(0, 12, evenChunking(4), 1)
  t.absent(flow.done(4), 'not sent yet')
  taken(flow)
  t.absent(flow.done(8), 'before the one ahead of it')
  t.absent(flow.done(5))
  t.ok(flow.done(4))
  t.absent(flow.done(4), 'twice')
  t.is(flow.doneEnd, 4)
})

test('chunk flow - one by one, each sets out when the one before it has passed', (t) => {
  const flow = new ChunkFlow(0, 12, evenChunking(4, true), 7)
  t.is(taken(flow), '0-4')
  t.is(taken(flow), '')
  t.ok(flow.done(4))
  t.is(taken(flow), '4-8')
  t.absent(flow.isAtLastChunk)
  t.ok(flow.done(8))
  t.is(taken(flow), '8-12')
  t.ok(flow.isAtLastChunk)
})

test('chunk flow - nothing to send is nothing sent', (t) => {
  t.is(taken(new ChunkFlow(5, 5, evenChunking(4), 3)), '')
})
