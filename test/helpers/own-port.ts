// A UDP port for the beacons of one test process: not the product's, so that nobody else's are heard, and
// below those that systems give to whoever asks for any, which another socket of a test may have just then.

const FIRST = 20_000
const COUNT = 10_000

/** @param nth of this process. */
export function ownPort(nth = 0): number {
  return FIRST + ((process.pid + nth) % COUNT)
}
