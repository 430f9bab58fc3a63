// What a view is made of: rows of spans, each text with the meaning of its style. Pure. What a style looks
// like is screen.ts's; a test reads the text alone. Every unit of a text is one cell (foreign.ts).

/** `selected` is a whole row; colour is never the only sign of anything. */
export type Style = 'plain' | 'strong' | 'faint' | 'title' | 'good' | 'warning' | 'bad' | 'selected'

export interface Span {
  text: string
  style: Style
}

export type Row = readonly Span[]

const ELLIPSIS = '\u2026'

export function span(text: string, style: Style = 'plain'): Span {
  return { text, style }
}

/** A row of one style. */
export function row(text: string, style: Style = 'plain'): Row {
  return [span(text, style)]
}

export function textOf(spans: Row): string {
  return spans.map(({ text }) => text).join('')
}

/** Exactly so many cells: cut with an ellipsis, or padded. */
export function fit(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  if (width <= 0) return ''
  if (text.length > width) return text.slice(0, width - 1) + ELLIPSIS
  return align === 'left' ? text.padEnd(width) : text.padStart(width)
}

/** The row with exactly so many cells. */
export function fitRow(spans: Row, width: number): Row {
  const fitted: Span[] = []
  let left = width
  for (const { text, style } of spans) {
    if (left <= 0) break
    const isCut = text.length > left
    fitted.push({ text: isCut ? fit(text, left) : text, style })
    left -= Math.min(text.length, left)
  }
  const last = fitted.at(-1)?.style
  if (left > 0)
    fitted.push(span(' '.repeat(left), last === 'title' || last === 'selected' ? last : 'plain'))
  return fitted
}

/** Exactly so many rows of exactly so many cells. */
export function fitRows(rows: readonly Row[], width: number, height: number): Row[] {
  const blank = row('')
  return Array.from({ length: height }, (_, index) => fitRow(rows[index] ?? blank, width))
}

/** Two columns side by side. */
export function beside(left: readonly Row[], right: readonly Row[], leftWidth: number): Row[] {
  const height = Math.max(left.length, right.length)
  return Array.from({ length: height }, (_, index) => [
    ...fitRow(left[index] ?? row(''), leftWidth),
    ...(right[index] ?? [])
  ])
}

/** `-- PEERS ------`: the head of a part of the screen. */
export function heading(text: string, width: number): Row {
  const head = `\u2500\u2500 ${text} `
  return [span(head, 'strong'), span('\u2500'.repeat(Math.max(0, width - head.length)), 'faint')]
}
