// Command lines as words that can be aligned: which words a fix changed, and which word of another
// command plays the part of a learnt one. Pure.

/** Words beyond this are not aligned: the table grows with the square. */
const TOKENS_MAX = 64

/** Words as typed, quotes included. */
export function tokensOf(line: string): string[] {
  return (line.match(/(?:"[^"]*"|'[^']*'|\S)+/g) ?? []).slice(0, TOKENS_MAX)
}

/** A run of words taken out and the run put in its place. */
export interface WordEdit {
  /** Index in the old words before which it happens. */
  at: number
  /** Indices of old words. */
  removed: number[]
  added: string[]
}

/** The fewest edits from one command to the other (longest common subsequence). */
export function wordEdits(old: readonly string[], fresh: readonly string[]): WordEdit[] {
  const table = commonLengths(old, fresh)
  const edits: WordEdit[] = []
  let [i, j] = [0, 0]
  let open: WordEdit | null = null
  while (i < old.length || j < fresh.length) {
    if (i < old.length && j < fresh.length && old[i] === fresh[j] && isOnPath(table, i, j)) {
      open = null
      i++
      j++
      continue
    }
    if (!open) edits.push((open = { at: i, removed: [], added: [] }))
    const skipsFresh =
      i === old.length || (j < fresh.length && length(table, i, j + 1) >= length(table, i + 1, j))
    if (skipsFresh) open.added.push(fresh[j++] as string)
    else open.removed.push(i++)
  }
  return edits
}

type Table = readonly (readonly number[])[]

const length = (table: Table, i: number, j: number): number => table[i]?.[j] ?? 0

/** A match is taken only where skipping ahead in the fix would not keep as many words. */
function isOnPath(table: Table, i: number, j: number): boolean {
  return length(table, i, j) > length(table, i, j + 1)
}

function zeros(rows: number, columns: number): number[][] {
  return Array.from({ length: rows }, () => Array.from({ length: columns }, () => 0))
}

function commonLengths(old: readonly string[], fresh: readonly string[]): Table {
  const table = zeros(old.length + 1, fresh.length + 1)
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = fresh.length - 1; j >= 0; j--) {
      const row = table[i] as number[]
      row[j] =
        old[i] === fresh[j]
          ? 1 + length(table, i + 1, j + 1)
          : Math.max(length(table, i + 1, j), length(table, i, j + 1))
    }
  }
  return table
}

/** What a word is by its look, for finding its counterpart. */
function kindOf(word: string, index: number): string {
  if (index === 0) return 'program'
  if (/^(?:&&|\|\|?|;)$/.test(word)) return 'operator'
  if (word.startsWith('-')) return 'flag'
  return 'operand'
}

const EQUAL = 3
const SAME_KIND = 1.5

/**
 * For every learnt word the index of the word of this command that plays its part; undefined where none
 * does. In order, equal words first, then words of the same kind.
 */
export function imageOf(learnt: readonly string[], now: readonly string[]): (number | undefined)[] {
  const score = (i: number, j: number): number => {
    if (learnt[i] === now[j]) return EQUAL
    const kind = kindOf(learnt[i] as string, i)
    if (kind !== kindOf(now[j] as string, j) || kind === 'operator') return 0
    return kind === 'flag' ? SAME_KIND / 3 : SAME_KIND
  }
  const best = zeros(learnt.length + 1, now.length + 1)
  for (let i = learnt.length - 1; i >= 0; i--) {
    for (let j = now.length - 1; j >= 0; j--) {
      const pair = score(i, j)
      ;(best[i] as number[])[j] = Math.max(
        pair > 0 ? pair + length(best, i + 1, j + 1) : 0,
        length(best, i + 1, j),
        length(best, i, j + 1)
      )
    }
  }
  const image: (number | undefined)[] = learnt.map(() => undefined)
  for (let i = 0, j = 0; i < learnt.length && j < now.length;) {
    const pair = score(i, j)
    if (pair > 0 && length(best, i, j) === pair + length(best, i + 1, j + 1)) image[i++] = j++
    else if (length(best, i + 1, j) >= length(best, i, j + 1)) i++
    else j++
  }
  return image
}
