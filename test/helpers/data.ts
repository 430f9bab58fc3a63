// Real models and oracles that lie beside the checkout. A test that needs them skips with its reason
// where the folder is absent; where it exists, a missing set is a failure: no silent skip.

import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import test, { type Options, type Test } from 'brittle'

const root = resolve(process.env['SWARM_TEST_DATA'] ?? '../shared/data')

/** @returns path of a set of shared data, such as `stories260K`. */
export function dataPath(...parts: string[]): string {
  return join(root, ...parts)
}

/** Like `test`, for a test that reads shared data. */
export function dataTest(name: string, options: Options, body: (t: Test) => unknown): void {
  if (existsSync(root)) test(name, options, body)
  else test.skip(`${name} (no shared test data at SWARM_TEST_DATA)`, options, body)
}
