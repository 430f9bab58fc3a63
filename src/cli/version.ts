// The version of this program, from the package file that it was installed with.

import { readFileSync } from 'node:fs'

/** Three folders up from dist/src/cli. */
const PACKAGE_FILE = new URL('../../../package.json', import.meta.url)

export function programVersion(): string {
  const { version } = JSON.parse(readFileSync(PACKAGE_FILE, 'utf8')) as { version: string }
  return version
}
