// Writes docs/limits.md from the files of limits in src/base, so that the document cannot drift from
// the code; a test compares the two.

import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const INTRODUCTION = `# Limits

Every bound on what a file, a user or another peer can make a swarm process hold or do. Each is enforced
where the bytes arrive, before memory is reserved for them; whoever exceeds one loses the request, the
channel or the link, never the process. Written from \`src/base/limits.ts\` and
\`src/base/shell-limits.ts\` by \`npm run docs\`.
`

const LIMITS_FILES = ['src/base/limits.ts', 'src/base/shell-limits.ts']

/** @param {string} source text of LIMITS_FILES */
export function limitsDocument(source) {
  const lines = [INTRODUCTION]
  const heading = String.raw`^\/\/ (?<heading>[^\n]+)\n\n(?=\/\*\*)`
  const comment = String.raw`\/\*\*(?<reason>[\s\S]*?)\*\/`
  const constant = String.raw`^export const (?<name>[A-Z0-9_]+) = (?<value>.+)$`
  const parts = source.matchAll(new RegExp(`${heading}|${comment}|${constant}`, 'gm'))
  let reason = ''
  for (const { groups } of parts) {
    if (groups.heading) {
      lines.push(
        `## ${groups.heading.replace(/\.$/, '')}`,
        '',
        '| name | value | reason |',
        '|---|---|---|'
      )
    }
    if (groups.reason) reason = groups.reason.replace(/\n \* ?/g, ' ').trim()
    if (groups.name) {
      lines.push(
        `| \`${groups.name}\` | \`${groups.value.replace(/(?<=\d)_(?=\d)/g, '')}\` | ${reason} |`
      )
      reason = 'see above'
    }
  }
  return (
    lines
      .join('\n')
      .replace(/\n## /g, '\n\n## ')
      .replace(/\n{3,}/g, '\n\n') + '\n'
  )
}

/** Run in the repository's root. */
export function limitsSource() {
  return LIMITS_FILES.map((file) => readFileSync(file, 'utf8')).join('\n')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync('docs/limits.md', limitsDocument(limitsSource()))
}
