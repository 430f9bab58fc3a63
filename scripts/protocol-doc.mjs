// Writes the tables of docs/protocol.md from the fields that the compiled codecs declare, so that the
// document cannot drift from the code; a test compares the two. What stands between the marks
// `<!-- fields NAME -->` or `<!-- messages NAME -->` and `<!-- end -->` is replaced, the rest is prose.

import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

/** @param {{ size: string, reads: string, parts: [string, object][] }} layout */
function rowsOf(name, layout) {
  const { size, reads, parts } = layout
  const own = reads === '' ? [] : [`| \`${name}\` | ${size} | ${reads} |`]
  return own.concat(
    parts.flatMap(([part, inner]) => {
      const dot = name === '' || part === '' || part === '[]' ? '' : '.'
      return rowsOf(`${name}${dot}${part}`, inner)
    })
  )
}

/** The table of one struct. */
export function fieldTable(layout) {
  const rows = rowsOf('', layout)
  if (rows.length === 0) return 'No fields.'
  return ['| field | bytes | value |', '|---|---|---|', ...rows].join('\n')
}

/** A heading and a table for each message of a channel, in the order of their numbers. */
export function messageTables(bodies) {
  return Object.entries(bodies)
    .toSorted(([, a], [, b]) => a.number - b.number)
    .map(([type, { number, body }]) => `#### ${number} \`${type}\`\n\n${fieldTable(body.layout)}`)
    .join('\n\n')
}

/**
 * @param {string} document docs/protocol.md as it is.
 * @param {Record<string, string>} tables by what stands in their mark.
 */
export function protocolDocument(document, tables) {
  return document.replace(
    /(<!-- ((?:fields|messages) [\w-]+) -->\n)[\s\S]*?(<!-- end -->)/g,
    (_, begin, name, end) => {
      if (tables[name] === undefined) throw new Error(`docs/protocol.md: no codec for '${name}'`)
      return `${begin}\n${tables[name]}\n\n${end}`
    }
  )
}

/** Every table that src/wire can give, by the name of its mark. */
export async function protocolTables() {
  const wire = (file) => import(new URL(`../dist/src/wire/${file}.js`, import.meta.url).href)
  const [hello, control, record, session, invite, probe, basin, fact, card] = await Promise.all(
    [
      'hello',
      'control',
      'record-codec',
      'session-messages',
      'invite',
      'probe',
      'basin',
      'fact',
      'log-card'
    ].map(wire)
  )
  return {
    'fields hello': fieldTable(hello.helloField.layout),
    'fields record': fieldTable(record.recordField.layout),
    'fields signed-record': fieldTable(record.signedRecordField.layout),
    'fields basin': fieldTable(basin.basinField.layout),
    'fields log-card': fieldTable(card.logCardField.layout),
    'messages fact': messageTables(fact.FACT_BODIES),
    'fields invite': fieldTable(invite.inviteField.layout),
    'messages control': messageTables(control.CONTROL_BODIES),
    'messages session': messageTables(session.BODIES),
    'messages probe': messageTables(probe.PROBE_BODIES)
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const path = 'docs/protocol.md'
  writeFileSync(path, protocolDocument(readFileSync(path, 'utf8'), await protocolTables()))
}
