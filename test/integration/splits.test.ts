// Promise 2 over real links: peers in processes of their own, each with its share of a trained model and
// its own table of kernels, give the bits of one machine alone.

import test from 'brittle'

import { loadKernels } from '../../src/compute/addon.ts'
import { dataPath, dataTest } from '../helpers/data.ts'
import { Lab, type LabPeer } from '../helpers/swarm-lab.ts'

import type { GenerateResult } from '../../src/api/service.ts'

const { available } = loadKernels()
const TABLES = ['scalar', 'avx2', 'avx512', 'avx512vnni', 'amx']
const N_LAYERS = 5

/** Topics that are built at once: a process starts for half a second and then waits for the others. */
const TOPICS_AT_ONCE = 3

const QUESTIONS = [
  ['-p', 'Once upon a time', '-n', '24', '--temp', '0'],
  ['-p', 'Lily and Tom went to the park.', '-n', '24', '--temp', '0.9', '--seed', '11']
]

/** Every way to cut five layers into one to three stages, each as `--layers` takes them. */
function splits(): string[][] {
  const cuts: number[][] = [[]]
  for (let a = 1; a < N_LAYERS; a++) {
    cuts.push([a])
    for (let b = a + 1; b < N_LAYERS; b++) cuts.push([a, b])
  }
  return cuts.map((cut) => {
    const edges = [0, ...cut, N_LAYERS]
    return cut.concat(0).map((_, i) => `${edges[i]}-${(edges[i + 1] as number) - 1}`)
  })
}

/** The tables of so many peers: all of one table, or with the last choice each its own. */
function tablesFor(nPeers: number, choice: number): string[] {
  const one = available[choice % (available.length + 1)]
  return Array.from(
    { length: nPeers },
    (_, i) => one ?? (available[i % available.length] as string)
  )
}

const rangesOf = ({ stages }: GenerateResult) =>
  stages.map(({ start, end }) => `${start}-${end - 1}`)

const bitsOf = ({ promptIds, ids, logitsHash }: GenerateResult) => ({ promptIds, ids, logitsHash })

for (const table of TABLES.filter((table) => !available.includes(table))) {
  test.skip(`splits - kernels ${table} (not on this machine)`, {}, () => {})
}

for (const [index, type] of ['F32', 'F16', 'Q8_0', 'Q4_0'].entries()) {
  // Every split of one type, some in three stages of the others; golden/splits has all of all in one process.
  const nMost = [11, 2, 2, 4][index] as number
  const chosen = splits()
    .filter((split) => index === 0 || split.length === 3)
    .slice(-nMost)
  dataTest(
    `splits - stories260K ${type}: ${chosen.length} splits over links give the bits of one machine`,
    { timeout: 300_000 },
    async (t) => {
      const lab = Lab.open(t)
      const model = dataPath('stories260K', `stories260K-${type}.gguf`)
      const expected: ReturnType<typeof bitsOf>[] = []
      for (const question of QUESTIONS) {
        const [first, ...others] = await Promise.all(
          available.map(async (kernels) => {
            const argv = ['run', model, ...question, '--threads', '1']
            return bitsOf((await lab.json(argv, { kernels })) as GenerateResult)
          })
        )
        t.ok(new Set(first?.ids).size > 10, `${new Set(first?.ids).size} different tokens alone`)
        for (const other of others) t.alike(other, first)
        expected.push(first as ReturnType<typeof bitsOf>)
      }
      const queue = [...chosen.entries()]
      t.is(queue.length, nMost)
      const work = async (): Promise<void> => {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
          const [choice, split] = next
          const kernels = tablesFor(split.length, index + choice)
          const peers = await lab.pinned(model, split, { kernels })
          const known = await (peers[0] as LabPeer).client.peers()
          t.alike(known.map((peer) => peer.kernels).toSorted(), kernels.toSorted())
          for (const [i, question] of QUESTIONS.entries()) {
            // Asked of the first and of the last stage's peer: an origin can be any of them.
            const origin = peers.at(-i) as LabPeer
            const result = await lab.generate(origin, question)
            t.alike(rangesOf(result), split)
            t.alike(bitsOf(result), expected[i], `${split.join(', ')} with ${kernels.join(', ')}`)
          }
          for (const peer of peers) peer.command.signal('SIGKILL')
        }
      }
      await Promise.all(Array.from({ length: TOPICS_AT_ONCE }, work))
    }
  )
}
