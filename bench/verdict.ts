// What a bench says of a figure that something is asked of; a miss fails the bench.

/** @param least a share up to 1, or a rate. */
export function verdict(what: string, measured: number, least: number): void {
  const isMet = measured >= least
  console.log(`${isMet ? 'met ' : 'MISS'}  ${what}: ${shown(measured)}, asked ${shown(least)}`)
  if (!isMet) process.exitCode = 1
}

function shown(value: number): string {
  return value <= 1 ? `${(100 * value).toFixed(1)} %` : value.toFixed(0)
}
