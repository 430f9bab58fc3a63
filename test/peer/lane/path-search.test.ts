import test from 'brittle'

import { systemClock } from '../../../src/base/clock.ts'
import { PathSearch } from '../../../src/peer/lane/path-search.ts'

import type { Link } from '../../../src/peer/link/link.ts'

const TOLD = ['10.0.0.1', '10.0.0.2']

/** A search from the link's own address, and what it has dialled so far; each dial fails at once. */
function search(): { paths: PathSearch; dialled: string[] } {
  const dialled: string[] = []
  const link = { remoteHost: '10.0.0.1', hello: { lane: { addresses: TOLD } } } as unknown as Link
  const paths = new PathSearch(link, systemClock, {
    dial: (hosts, onDone) => {
      dialled.push(...hosts)
      queueMicrotask(() => onDone(null))
      return { cancel: () => {} }
    },
    onStream: () => {}
  })
  return { paths, dialled }
}

test('path search - looks a second after the link came up, and then twice a minute', async (t) => {
  const { paths, dialled } = search()
  const rounds: number[] = []
  for (let ms = 0; ms <= 61_000; ms += 250) {
    const before = dialled.length
    paths.tick(250, '10.0.0.1')
    await Promise.resolve()
    if (dialled.length > before) rounds.push(ms + 250)
  }
  t.alike(rounds, [1000, 31_000, 61_000])
  t.alike(dialled, ['10.0.0.2', '10.0.0.2', '10.0.0.2'], 'never where the lane in use goes already')
})

test('path search - addresses that changed are dialled at once, the same again are not', async (t) => {
  const { paths, dialled } = search()
  paths.heard([...TOLD])
  paths.tick(250, '10.0.0.1')
  t.alike(dialled, [])
  paths.heard([...TOLD, '169.254.3.4'])
  paths.tick(250, '10.0.0.1')
  for (let i = 0; i < 9; i++) await Promise.resolve()
  t.alike(dialled, ['10.0.0.2', '169.254.3.4'])
})
