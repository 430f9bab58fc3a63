// The repository's own style, as tests: import ranks, the one home of each outside package, file
// length, header comments, and what must not be left behind. Runs from the sources, not from dist.

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import test from 'brittle'

const RANKS: Record<string, number> = {
  base: 0,
  types: 0,
  model: 1,
  wire: 1,
  compute: 2,
  sharding: 3,
  pipeline: 4,
  weights: 4,
  peer: 5,
  knowledge: 5,
  host: 6,
  shell: 6,
  api: 7,
  // The parts of the composition root, known to it alone.
  node: 7.5,
  'node.ts': 8,
  tui: 8,
  cli: 9
}

// Package -> where it may be imported inside src/ (a folder or a file). A package that is not listed
// may not be imported at all, so that adding one is a decision.
const HOMES: Record<string, string[]> = {
  '@huggingface/jinja': ['src/model/'],
  '@hyperswarm/secret-stream': ['src/peer/'],
  hyperdht: ['src/peer/'],
  'hyperdht/testnet.js': ['src/peer/'],
  hyperswarm: ['src/peer/'],
  protomux: ['src/peer/'],
  'hypercore-crypto': ['src/peer/'],
  'compact-encoding': ['src/wire/'],
  'fs-native-extensions': ['src/base/file-lock.ts'],
  uqr: ['src/cli/qr-code.ts'],
  corestore: ['src/knowledge/'],
  hypercore: ['src/knowledge/'],
  hyperbee: ['src/knowledge/'],
  blessed: ['src/tui/screen.ts'],
  'blessed-contrib/lib/widget/charts/line.js': ['src/tui/screen.ts'],
  b4a: ['src/']
}

const LINES_MAX = 400
const COLUMNS_MAX = 110

function filesIn(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== 'node_modules')
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? filesIn(path) : [path]
    })
}

const sources = ['bin', 'src', 'test', 'bench', 'native', 'scripts']
  .filter((folder) => existsSync(folder))
  .flatMap(filesIn)
  .filter((file) => /\.(ts|mjs|cpp|h|inc)$/.test(file))
  .map((path) => ({ path, text: readFileSync(path, 'utf8') }))

const product = sources.filter(({ path }) => path.startsWith('src/') || path.startsWith('bin/'))

function importsOf(text: string): string[] {
  const found = text.matchAll(/(?:^|\n)\s*(?:import|export)\s[^'"]*?from\s+'([^']+)'/g)
  const bare = text.matchAll(/(?:^|\n)import\s+'([^']+)'/g)
  const lazy = text.matchAll(/\bimport\('([^']+)'\)/g)
  return [...found, ...bare, ...lazy].map((match) => match[1] as string)
}

function unitOf(path: string): string {
  return path.split('/')[1] as string
}

test('tidy - there are sources to check', (t) => {
  t.ok(product.length > 5)
  t.ok(product.flatMap(({ text }) => importsOf(text)).length > 5)
})

test('tidy - imports point down in rank, never sideways', (t) => {
  const wrong: string[] = []
  for (const { path, text } of product.filter(({ path }) => path.startsWith('src/'))) {
    const from = unitOf(path)
    if (RANKS[from] === undefined) wrong.push(`${path}: folder without a rank`)
    for (const name of importsOf(text).filter((name) => name.startsWith('.'))) {
      const target = unitOf(normalize(join(dirname(path), name)))
      if (target === from) continue
      const clientOnly = from === 'tui' && target === 'api' && !name.endsWith('/client.ts')
      if (!((RANKS[target] ?? 99) < (RANKS[from] ?? 0)) || clientOnly) {
        wrong.push(`${path} imports ${name}`)
      }
    }
  }
  t.alike(wrong, [])
})

/** What is left of the files when those are taken away, again and again, that import nothing that is left. */
function inCircles(sources: readonly { path: string; text: string }[]): string[] {
  let left = new Map(
    sources.map(({ path, text }) => {
      const near = importsOf(text).filter((name) => name.startsWith('.'))
      return [path, near.map((name) => normalize(join(dirname(path), name)))]
    })
  )
  for (;;) {
    const next = new Map([...left].filter(([, imports]) => imports.some((name) => left.has(name))))
    if (next.size === left.size) return [...left.keys()]
    left = next
  }
}

test('tidy - no file imports itself by way of others, not even for a type', (t) => {
  const one = { path: 'src/a.ts', text: "import { b } from './b.ts'" }
  t.alike(inCircles([one, { path: 'src/b.ts', text: '' }]), [])
  const other = { path: 'src/b.ts', text: "import type { A } from './a.ts'" }
  t.alike(inCircles([one, other]), ['src/a.ts', 'src/b.ts'])
  t.alike(inCircles(product), [])
})

test('tidy - the api client reaches base, wire and its own folder only', (t) => {
  const wrong: string[] = []
  const queue = ['src/api/client.ts']
  for (const path of queue) {
    const text = product.find((source) => source.path === path)?.text
    t.ok(text, path)
    for (const name of importsOf(text ?? '').filter((name) => name.startsWith('.'))) {
      const target = normalize(join(dirname(path), name))
      const unit = unitOf(target)
      if (unit !== 'base' && unit !== 'wire' && unit !== 'api')
        wrong.push(`${path} imports ${name}`)
      else if (unit === 'api' && !queue.includes(target)) queue.push(target)
    }
  }
  t.ok(queue.length > 1)
  t.alike(wrong, [])
})

test('tidy - each outside package is imported at its home only', (t) => {
  const wrong: string[] = []
  // Ambient declarations name each other's packages and import nothing at run time.
  for (const { path, text } of product.filter(({ path }) => !path.startsWith('src/types/'))) {
    for (const name of importsOf(text)) {
      if (name.startsWith('.') || name.startsWith('node:')) continue
      if (!HOMES[name]?.some((home) => path.startsWith(home))) wrong.push(`${path} imports ${name}`)
    }
  }
  t.alike(wrong, [])
})

test('tidy - only the clock tells the time', (t) => {
  const wrong = product
    .filter(({ path }) => path !== 'src/base/clock.ts')
    .filter(({ text }) =>
      /\bDate\.now\(|\bsetTimeout\(|\bsetInterval\(|performance\.now\(/.test(text)
    )
  t.alike(
    wrong.map(({ path }) => path),
    []
  )
})

test('tidy - only addon.ts loads the native addon', (t) => {
  const wrong = product
    .filter(({ path }) => path !== 'src/compute/addon.ts')
    .filter(({ text }) => /createRequire|process\.dlopen|\.node'/.test(text))
  t.alike(
    wrong.map(({ path }) => path),
    []
  )
})

test('tidy - no file above its ceiling, no line too long', (t) => {
  const wrong: string[] = []
  for (const { path, text } of sources) {
    const lines = text.split('\n')
    if (lines.length > LINES_MAX + 1) wrong.push(`${path}: ${lines.length} lines`)
    for (const [index, line] of lines.entries()) {
      if (line.length > COLUMNS_MAX) wrong.push(`${path}:${index + 1}: ${line.length} columns`)
    }
  }
  t.alike(wrong, [])
})

test('tidy - errors of the product carry a code', (t) => {
  const wrong: string[] = []
  for (const { path, text } of product) {
    for (const match of text.matchAll(/new (Error|TypeError|RangeError)\(/g)) {
      wrong.push(`${path}: ${match[0]}`)
    }
  }
  t.alike(wrong, [])
})

test('tidy - every source opens by saying where it stands', (t) => {
  const wrong = sources
    .filter(({ path }) => /^(src|bin|native|scripts)\//.test(path))
    .filter(({ text }) => !/^(#!.*\n)?\/\/ \S/.test(text))
  t.alike(
    wrong.map(({ path }) => path),
    []
  )
})

test('tidy - nothing half-done is left behind', (t) => {
  const mark = /TOD[O]|FIXM[E]|XX[X]|HAC[K]/
  const wrong = sources.filter(({ text }) => mark.test(text))
  t.alike(
    wrong.map(({ path }) => path),
    []
  )
})

test('tidy - no default exports and no casts that hide a type', (t) => {
  const wrong: string[] = []
  for (const { path, text } of product.filter(({ path }) => !path.startsWith('src/types/'))) {
    for (const match of text.matchAll(/export default|\bas any\b|@ts-ignore|@ts-expect-error/g)) {
      wrong.push(`${path}: ${match[0]}`)
    }
  }
  t.alike(wrong, [])
})
