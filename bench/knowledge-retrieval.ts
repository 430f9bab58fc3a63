// What the shared memory finds again: real failures of shared data shell-failures, each asked with its
// command and error among the others, never itself or the same command. Another failure of the same
// rule is what should come back; all ways of ranking see the same entries.

import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { PlainVectorScan } from '../src/compute/plain-vector-scan.ts'
import { hashEmbedder } from '../src/knowledge/embedder/hash-embedder.ts'
import { wordsOf } from '../src/knowledge/embedder/words.ts'
import { basinText, searchText } from '../src/knowledge/index/entry-text.ts'
import { InvertedIndex } from '../src/knowledge/index/inverted-index.ts'
import { KnowledgeIndex } from '../src/knowledge/index/knowledge-index.ts'
import { toPeerId } from '../src/wire/ids.ts'
import type { Fact } from '../src/wire/knowledge.ts'
import { dataPath } from '../test/helpers/data.ts'

interface Case {
  rule: string
  command: string
  output: string
  fix: string[]
}

type Ranking = (asked: Case, text: string) => Case[]

const AUTHOR = toPeerId('ab'.repeat(32))
const WORDS_MAX = 1500
const ALL = 1000

function normal(command: string): string {
  return command.split(/\s+/).filter(Boolean).join(' ')
}

/** One case per command; the half whose sha256 begins with a 0 bit, with a 1 bit, or all. */
function readCases(half: 0 | 1 | null): Case[] {
  const path = dataPath('shell-failures', 'cases.json')
  const { fix } = JSON.parse(readFileSync(path, 'utf8')) as { fix: Case[] }
  const first = new Map(fix.toReversed().map((one) => [normal(one.command), one]))
  const bitOf = ({ command }: Case) =>
    (createHash('sha256').update(command).digest()[0] as number) >> 7
  return fix.filter(
    (one) => first.get(normal(one.command)) === one && (half === null || bitOf(one) === half)
  )
}

function factOf({ command, output, fix }: Case, at: number): Fact {
  const id = at.toString(16).padStart(32, '0')
  const question = `${command}\n${output}`
  return { id, kind: 'fix', question, answer: fix[0] as string, source: '', wallMs: 0 }
}

function rankings(cases: readonly Case[]): Record<string, Ranking> {
  const words = new InvertedIndex()
  const vectors = new PlainVectorScan()
  const both = new KnowledgeIndex({ scan: new PlainVectorScan() })
  for (const [at, one] of cases.entries()) {
    const fact = factOf(one, at)
    const vector = hashEmbedder.embed(basinText(fact))
    const key = new Uint8Array(48)
    key[0] = at
    words.add(at, wordsOf(searchText(fact), WORDS_MAX))
    vectors.set(at, key, vector)
    both.putFact(AUTHOR, fact)
    both.putBasin(AUTHOR, { id: fact.id, spaceId: hashEmbedder.spaceId, vector, wallMs: 0 })
  }
  const named = (slots: number[]) => slots.map((slot) => cases[slot] as Case)
  const isAllowed = () => true
  const isBefore = (a: number, b: number) => a < b
  return {
    BM25: (_, text) =>
      named(
        words.search(wordsOf(text, WORDS_MAX), 64, ALL, isAllowed, isBefore).map(({ slot }) => slot)
      ),
    'vectors alone': (_, text) =>
      named(vectors.search(hashEmbedder.embed(text), ALL, null).map(({ label }) => label)),
    hybrid: (_, text) => named(both.query({ text, limit: 100 }).map(({ id }) => parseInt(id, 16)))
  }
}

export interface Retrieval {
  name: string
  asked: number
  recallAt3: number
  mrr: number
}

/** Pure but for the data it reads. `withOutput` false asks with the command alone. */
export function measureRetrieval(half: 0 | 1 | null, withOutput: boolean): Retrieval[] {
  const cases = readCases(half)
  const isRelevant = (asked: Case, found: Case) => found !== asked && found.rule === asked.rule
  const askable = cases.filter((asked) => cases.some((found) => isRelevant(asked, found)))
  return Object.entries(rankings(cases)).map(([name, rank]) => {
    let [within3, reciprocal] = [0, 0]
    for (const asked of askable) {
      const text = withOutput ? `${asked.command}\n${asked.output}` : asked.command
      const found = rank(asked, text).filter((one) => one !== asked)
      const place = found.findIndex((one) => isRelevant(asked, one))
      if (place >= 0) reciprocal += 1 / (place + 1)
      if (place >= 0 && place < 3) within3++
    }
    const asked = askable.length
    return { name, asked, recallAt3: within3 / asked, mrr: reciprocal / asked }
  })
}

export function retrievalBench(): void {
  if (!existsSync(dataPath('shell-failures'))) {
    console.log('no shared test data at SWARM_TEST_DATA: retrieval is not measured')
    return
  }
  const halves = [
    ['all', null],
    ['first bit 0', 0],
    ['first bit 1', 1]
  ] as const
  console.log('\nfailures of the same rule found again in shell-failures: recall@3, MRR')
  for (const withOutput of [true, false]) {
    for (const [what, half] of halves) {
      const results = measureRetrieval(half, withOutput)
      const asked = withOutput ? 'command and error' : 'command alone'
      const cells = results.map(
        ({ name, recallAt3, mrr }) => `${name} ${recallAt3.toFixed(3)} ${mrr.toFixed(3)}`
      )
      console.log(
        `${asked.padEnd(18)} ${what.padEnd(12)} n=${results[0]?.asked}  ${cells.join('   ')}`
      )
    }
  }
}
