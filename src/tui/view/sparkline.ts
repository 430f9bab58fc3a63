// A row of small bars, one per value. Pure; block characters are one cell wide on every terminal.

const BARS = '\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588'

/** The last values that fit. @param fromZero else from the least of them. */
export function sparkline(values: readonly number[], width: number, fromZero: boolean): string {
  const shown = values.slice(-width)
  const least = fromZero ? 0 : Math.min(...shown)
  const span = Math.max(...shown) - least
  return shown
    .map((value) => BARS[span > 0 ? Math.round(((value - least) / span) * (BARS.length - 1)) : 0])
    .join('')
}
