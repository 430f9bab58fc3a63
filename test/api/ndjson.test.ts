import test from 'brittle'
import { NdjsonDecoder } from '../../src/api/ndjson.ts'

test('ndjson - a line at the bound is taken, one above it is refused', (t) => {
  const line = JSON.stringify('x'.repeat(8))
  t.alike(new NdjsonDecoder(10).push(Buffer.from(line + '\n')), ['x'.repeat(8)])
  t.exception(() => new NdjsonDecoder(9).push(Buffer.from(line + '\n')), { code: 'WIRE_TOO_LARGE' })
})

test('ndjson - a line that never ends is refused at the bound', (t) => {
  const decoder = new NdjsonDecoder(100)
  t.exception(
    () => {
      for (let i = 0; i < 200; i++) decoder.push(Buffer.from('x'))
    },
    { code: 'WIRE_TOO_LARGE' }
  )
})

test('ndjson - empty lines are pings', (t) => {
  t.alike(new NdjsonDecoder(10).push(Buffer.from('\n\n1\n\n2\n')), [1, 2])
})

test('ndjson - the bound is per line, not per stream', (t) => {
  const decoder = new NdjsonDecoder(4)
  for (let i = 0; i < 10; i++) t.alike(decoder.push(Buffer.from('1\n')), [1])
})
