import test from 'brittle'

import { below, seededRandom } from '../../../src/base/random.ts'
import { entryId } from '../../../src/knowledge/store/entry-id.ts'
import { EntryTable, type Place } from '../../../src/knowledge/store/entry-table.ts'

import type { FactValue } from '../../../src/wire/fact.ts'
import type { PeerId } from '../../../src/wire/ids.ts'
import type { Basin } from '../../../src/wire/knowledge.ts'

const AUTHOR = 'a1'.repeat(32) as PeerId

function fact(answer: string): { id: string; value: FactValue } {
  const texts = { kind: 'text' as const, question: '', answer, source: '' }
  return { id: entryId(AUTHOR, texts), value: { type: 'fact', ...texts, wallMs: 0 } }
}

const tombstone: FactValue = { type: 'tombstone', wallMs: 0 }

function basin(id: string, mark = 1): Basin {
  return { id, spaceId: '00'.repeat(8), wallMs: mark, vector: new Float32Array(256) }
}

class Sink {
  readonly facts = new Set<string>()
  readonly basins = new Map<string, number>()
  readonly log = new Map<string, Basin>()
  readonly table = new EntryTable(AUTHOR, {
    putFact: ({ id }) => void this.facts.add(id),
    putBasin: ({ id, wallMs }) => void this.basins.set(id, wallMs),
    remove: (id) => {
      this.facts.delete(id)
      this.basins.delete(id)
    },
    readBasin: async (place) => this.log.get(JSON.stringify([place.epoch, place.seq])) ?? null
  })

  putBasin(place: Place, one: Basin): void {
    this.log.set(JSON.stringify([place.epoch, place.seq]), one)
    this.table.putBasin(place, one)
  }
}

const at = (epoch: number, seq: number): Place => ({ epoch, seq })

test('entry table - a vector is told together with a living fact only, whichever comes first', async (t) => {
  const sink = new Sink()
  const { id, value } = fact('one')
  sink.putBasin(at(1, 0), basin(id))
  t.is(sink.basins.size, 0)
  await sink.table.putValue(at(1, 1), id, value)
  t.alike([...sink.facts, ...sink.basins.keys()], [id, id])
  const other = fact('two')
  await sink.table.putValue(at(1, 2), other.id, other.value)
  sink.putBasin(at(1, 1), basin(other.id))
  t.is(sink.basins.size, 2)
  t.is(sink.table.size, 2)
})

test('entry table - a later tombstone wins over an earlier fact, in every order of reading', async (t) => {
  const { id, value } = fact('one')
  const events: [Place, FactValue][] = [
    [at(1, 1), value],
    [at(1, 2), tombstone],
    [at(1, 3), value],
    [at(2, 1), tombstone]
  ]
  for (let order = 0; order < 24; order++) {
    const sink = new Sink()
    const left = [...events]
    for (let rest = order; left.length > 0; rest = Math.floor(rest / (left.length + 1))) {
      const [place, one] = left.splice(rest % left.length, 1)[0] as [Place, FactValue]
      await sink.table.putValue(place, id, one)
    }
    t.is(sink.table.isLive(id), false)
    t.alike([sink.facts.size, sink.table.size], [0, 0])
  }
})

test('entry table - any interleaving of both logs comes to the same', async (t) => {
  const random = seededRandom(5)
  const entries = Array.from({ length: 6 }, (_, number) => fact(`entry ${number}`))
  const facts: [Place, string, FactValue][] = []
  const basins: [Place, Basin][] = []
  for (let seq = 1; seq <= 40; seq++) {
    const { id, value } = entries[below(random, entries.length)] as (typeof entries)[0]
    const epoch = 1 + Math.floor(seq / 15)
    facts.push([at(epoch, seq), id, below(random, 3) === 0 ? tombstone : value])
    basins.push([at(epoch, seq), basin(id, seq)])
  }
  const outcomes = new Set<string>()
  for (let round = 0; round < 50; round++) {
    const sink = new Sink()
    const logs = [[...facts], [...basins]]
    while (logs.some((log) => log.length > 0)) {
      const log = logs[below(random, 2)] as (typeof logs)[0]
      const next = log.shift()
      if (next === undefined) continue
      if (next.length === 3)
        await sink.table.putValue(next[0], next[1] as string, next[2] as FactValue)
      else sink.putBasin(next[0], next[1] as Basin)
    }
    const state = [[...sink.facts].toSorted(), [...sink.basins].toSorted(), sink.table.size]
    outcomes.add(JSON.stringify(state))
  }
  t.is(outcomes.size, 1)
})

test('entry table - a fact under an id that is not its own is refused', async (t) => {
  const sink = new Sink()
  const { value } = fact('mine')
  const { id } = fact('yours')
  await t.exception(sink.table.putValue(at(1, 1), id, value), /not its own/)
  t.is(sink.facts.size, 0)
  t.is(sink.table.isLive(id), false)
})
