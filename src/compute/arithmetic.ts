// Which docs/arithmetic.md this program follows. Peers exchange the number: it must be known also where
// there is no addon to compute with.

/** Of docs/arithmetic.md; the addon must state the same. */
export const ARITHMETIC_VERSION = 1
