import test from 'brittle'

import { below, seededRandom } from '../../src/base/random.ts'
import { StopScanner } from '../../src/pipeline/stop-scanner.ts'

function scan(stops: string[], pieces: string[]): string {
  const scanner = new StopScanner(stops)
  let text = ''
  for (const piece of pieces) {
    const scanned = scanner.push(piece)
    text += scanned.text
    if (scanned.isStopped) return `${text}|`
  }
  return text + scanner.end()
}

test('stop scanner - text without a stop comes through whole', (t) => {
  t.is(scan([], ['ab', 'c']), 'abc')
  t.is(scan([''], ['ab', 'c']), 'abc')
  t.is(scan(['xyz'], ['ab', 'xy', 'c', 'xy']), 'abxycxy')
})

test('stop scanner - a stop across pieces ends the text before it', (t) => {
  t.is(scan(['</s>'], ['Hello <', '/', 's', '> and more']), 'Hello |')
  t.is(scan(['\n\n'], ['a\n', 'b\n', '\nc']), 'a\nb|')
})

test('stop scanner - what could become a stop is held back and no longer', (t) => {
  const scanner = new StopScanner(['abcd', 'bx'])
  t.is(scanner.push('12ab').text, '12')
  t.is(scanner.push('c').text, '')
  t.is(scanner.push('e').text, 'abce')
  t.is(scanner.push('zab').text, 'z')
  t.is(scanner.push('x').text, 'a')
  t.is(scanner.end(), '')
})

test('stop scanner - the stop that ends first wins, of equal ends the longer', (t) => {
  t.is(scan(['cd', 'abcde'], ['xabcde']), 'xab|')
  t.is(scan(['bc', 'abc'], ['xabcd']), 'x|')
})

test('stop scanner - however the text is cut, the result is the same', (t) => {
  const random = seededRandom(3)
  const letters = (count: number) =>
    Array.from({ length: count }, () => 'ab.'[below(random, 3)]).join('')
  let stopped = 0
  for (let i = 0; i < 3000; i++) {
    const stops = Array.from({ length: 1 + below(random, 3) }, () => letters(1 + below(random, 4)))
    const text = letters(below(random, 20))
    const pieces: string[] = []
    for (let at = 0; at < text.length;) {
      const end = at + 1 + below(random, 4)
      pieces.push(text.slice(at, end))
      at = end
    }
    // The truth: the shortest beginning of the text that ends with a stop.
    let expected = text
    for (let end = 1; end <= text.length && expected === text; end++) {
      const found = stops.filter((stop) => text.slice(0, end).endsWith(stop))
      const longest = Math.max(0, ...found.map((stop) => stop.length))
      if (longest > 0) expected = `${text.slice(0, end - longest)}|`
    }
    if (expected.endsWith('|')) stopped++
    if (scan(stops, pieces) !== expected) t.fail(`${JSON.stringify({ stops, pieces, expected })}`)
  }
  t.ok(stopped > 1000 && stopped < 2900, `${stopped} of 3000 stopped`)
})
