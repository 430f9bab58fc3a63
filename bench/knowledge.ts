// The shared memory on one core: whole hybrid queries over made-up entries, the vector search alone beside
// hnswlib on the same vectors in the same run (with hnswlib's recall, since ours is exact), the embedder,
// and what is found again in real failures. Entries are made of words that are as common as a language's
// (rank r with chance 1/r among 50,000), so that questions contain words that stand in most entries.
// Beside each wall time stands the time on the core: on a machine that is busy with other work only that
// one speaks of the program.

import { seededRandom, unit } from '../src/base/random.ts'
import { openVectorScan } from '../src/compute/open-vector-scan.ts'
import { hashEmbedder } from '../src/knowledge/embedder/hash-embedder.ts'
import { KnowledgeIndex } from '../src/knowledge/index/knowledge-index.ts'
import { toPeerId, type PeerId } from '../src/wire/ids.ts'
import {
  clusterSet,
  keyOf,
  mnistSet,
  wordSet,
  type VectorSet
} from '../test/helpers/vector-sets.ts'
import { Hnsw, HNSW_MISSING } from './hnswlib.ts'
import { foundBench } from './knowledge-found.ts'
import { retrievalBench } from './knowledge-retrieval.ts'
import { cpuTimes, disturbance, median, quantile } from './statistics.ts'

const VOCABULARY = 50_000
const WORDS_PER_ENTRY = 40
const QUERIES = 300
const LIMIT = 10
/** One may hold a quarter of an index. */
const AUTHORS = Array.from({ length: 8 }, (_, at) => toPeerId(`${at}a`.repeat(32)))

export async function knowledgeBench(args: string[]): Promise<void> {
  const sizesAt = args.indexOf('--sizes')
  const sizes = (sizesAt >= 0 ? (args[sizesAt + 1] ?? '') : '10000,100000').split(',').map(Number)
  const partAt = args.indexOf('--part')
  const part = partAt >= 0 ? args[partAt + 1] : undefined
  const isWanted = (name: string) => part === undefined || part === name
  if (isWanted('query')) for (const size of sizes) hybridBench(size)
  const sets = [...sizes.map((size) => () => clusterSet(size, QUERIES, 2000, 5)), mnistSet, wordSet]
  if (isWanted('search')) {
    console.log(`\nvector search alone, ${LIMIT} nearest of 256-dim vectors, ms`)
    for (const makeSet of sets) searchBench(makeSet())
  }
  if (isWanted('retrieval')) retrievalBench()
  if (isWanted('found')) await foundBench()
}

function hybridBench(size: number): void {
  const random = seededRandom(3)
  const word = () => {
    const rank = Math.floor(Math.exp(unit(random) * Math.log(VOCABULARY)))
    return `w${rank.toString(36)}${rank % 7}`
  }
  const index = new KnowledgeIndex()
  const texts: string[] = []
  let embedMs = 0
  const startMs = performance.now()
  for (let at = 0; at < size; at++) {
    const answer = Array.from({ length: WORDS_PER_ENTRY }, word).join(' ')
    const id = at.toString(16).padStart(32, '0')
    const embedStartMs = performance.now()
    const vector = hashEmbedder.embed(answer)
    embedMs += performance.now() - embedStartMs
    const author = AUTHORS[at % AUTHORS.length] as PeerId
    index.putFact(author, { id, kind: 'text', question: '', answer, source: '', wallMs: at })
    index.putBasin(author, { id, spaceId: hashEmbedder.spaceId, vector, wallMs: at })
    if (at % (size / 100) === 0) texts.push(answer)
  }
  const putUs = ((performance.now() - startMs - embedMs) * 1000) / size
  const heldMiB = process.memoryUsage().rss / 2 ** 20
  console.log(
    `\n${size} entries: embedding ${((embedMs * 1000) / size).toFixed(0)} us and indexing ` +
      `${putUs.toFixed(0)} us each; process ${heldMiB.toFixed(0)} MiB`
  )
  for (const [what, words, filter] of [
    ['4 words', 4, {}],
    ['8 words', 8, {}],
    ['16 words', 16, {}],
    ['8 words, filtered', 8, { author: '0a0a0a0a', sinceMs: size / 2 }]
  ] as const) {
    const before = cpuTimes()
    const times = timesOf(QUERIES, (round) => {
      const text = (texts[round % texts.length] as string).split(' ').slice(0, words).join(' ')
      index.query({ text, limit: LIMIT, ...filter })
    })
    console.log(
      `  query of ${what.padEnd(18)} ${percentiles(times)}  ${disturbance(before, cpuTimes())}`
    )
  }
  index.close()
}

function searchBench({ name, rows, questions }: VectorSet): void {
  const scan = openVectorScan()
  for (const [row, vector] of rows.entries()) scan.set(row, keyOf(row), vector)
  const buildStartMs = performance.now()
  const hnsw = Hnsw.open(rows)
  const buildMs = performance.now() - buildStartMs
  const plainQuestions = questions.map((question) => Array.from(question))
  const ours: Times = []
  const theirs: Times = []
  let found = 0
  for (const [at, question] of questions.entries()) {
    // In turn, so that whatever else the machine does reaches both.
    const exact = timed(ours, () => scan.search(question, LIMIT, null))
    if (hnsw === null) continue
    const graph = timed(theirs, () => hnsw.search(plainQuestions[at] as number[], LIMIT))
    found += exact.filter(({ label }) => graph.includes(label)).length
  }
  console.log(`  ${name.padEnd(16)} ours, exact     ${percentiles(ours)}`)
  if (hnsw === null) console.log(`  ${HNSW_MISSING}`)
  else {
    const recall = (found / (LIMIT * questions.length)).toFixed(3)
    const ratio = (median(wallOf(ours)) / median(wallOf(theirs))).toFixed(2)
    const built = `built in ${(buildMs / 1000).toFixed(1)} s`
    console.log(
      `  ${''.padEnd(16)} hnswlib         ${percentiles(theirs)}  recall ${recall}, ${built}`
    )
    console.log(`  ${''.padEnd(16)} ours / hnswlib  ${ratio}`)
  }
  scan.close()
}

/** Milliseconds of each round, on the wall and on the core. */
type Times = { wallMs: number; coreMs: number }[]

function wallOf(times: Times): number[] {
  return times.map(({ wallMs }) => wallMs)
}

function timed<T>(times: Times, work: () => T): T {
  const [startMs, usage] = [performance.now(), process.cpuUsage()]
  const result = work()
  const wallMs = performance.now() - startMs
  const { user, system } = process.cpuUsage(usage)
  times.push({ wallMs, coreMs: (user + system) / 1000 })
  return result
}

function timesOf(rounds: number, work: (round: number) => void): Times {
  const times: Times = []
  for (let round = 0; round < rounds; round++) timed(times, () => work(round))
  // The first ones compile.
  return times.slice(rounds / 10)
}

function percentiles(times: Times): string {
  const wall = wallOf(times)
  const core = times.map(({ coreMs }) => coreMs)
  const [p50, p99, coreP50] = [median(wall), quantile(wall, 0.99), median(core)]
  const columns = [p50, p99, coreP50].map((ms) => ms.toFixed(2).padStart(6))
  return `p50 ${columns[0]}  p99 ${columns[1]}  on the core p50 ${columns[2]}`
}
