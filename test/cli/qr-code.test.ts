import { encode } from 'uqr'
import test from 'brittle'

import { qrLines } from '../../src/cli/qr-code.ts'

const LINE = `SWARM1${'YBNDRFG8'.repeat(10)}`

/** The modules of drawn lines: two rows each. */
function modulesOf(lines: string[]): boolean[][] {
  return lines.flatMap((line) => {
    const drawn = Array.from(line.slice('\u001b[30;107m'.length, -'\u001b[0m'.length))
    return ['█▀', '█▄'].map((dark) => drawn.map((character) => dark.includes(character)))
  })
}

test('qr code - drawn lines are the modules of the code, and its white border', (t) => {
  const { data, size } = encode(LINE, { border: 2 })
  const modules = modulesOf(qrLines(LINE, 200)).slice(0, size)
  t.alike(modules, data)
  t.ok(modules.flat().filter(Boolean).length > 300)
  for (const edge of [modules[0], modules[1], modules.at(-1)]) t.absent(edge?.some(Boolean))
})

test('qr code - every line has its colours, and takes them back', (t) => {
  for (const line of qrLines(LINE, 200)) {
    t.ok(line.startsWith('\u001b[30;107m') && line.endsWith('\u001b[0m'))
  }
})

test('qr code - one that is wider than the terminal is not drawn', (t) => {
  const { size } = encode(LINE, { border: 2 })
  t.is(qrLines(LINE, size - 1).length, 0)
  t.is(qrLines(LINE, size).length, Math.ceil(size / 2))
})
