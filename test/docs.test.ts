// What the documents claim about the code, checked against it.

import { readFileSync } from 'node:fs'
import test from 'brittle'

test('docs - limits.md lists every limit with its value and reason', async (t) => {
  const generator = new URL('../../scripts/limits-doc.mjs', import.meta.url).href
  const { limitsDocument } = (await import(generator)) as {
    limitsDocument(source: string): string
  }
  const source = readFileSync('src/base/limits.ts', 'utf8')
  const expected = limitsDocument(source)
  t.is(readFileSync('docs/limits.md', 'utf8'), expected, 'run: npm run docs')
  const names = [...source.matchAll(/^export const ([A-Z0-9_]+)/gm)].map(
    (match) => match[1] as string
  )
  t.ok(names.length > 60)
  for (const name of names) if (!expected.includes(`| \`${name}\` |`)) t.fail(`${name} is missing`)
})
