// What happens to the files of a closed store: damage in place, loss, an old state put back.

import {
  closeSync,
  cpSync,
  openSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
  existsSync
} from 'node:fs'
import { join } from 'node:path'

function database(dataDir: string): string {
  return join(dataDir, 'store', 'cores', 'db')
}

/** RocksDB's own log: all of a small store is in it. */
function walOf(dataDir: string): string {
  const logs = readdirSync(database(dataDir)).filter((name) => /^\d+\.log$/.test(name))
  const sizes = logs.map((name) => ({ path: join(database(dataDir), name), name }))
  const [largest] = sizes.toSorted((a, b) => statSync(b.path).size - statSync(a.path).size)
  if (largest === undefined) throw new Error(`no log in ${dataDir}`)
  return largest.path
}

/** Overwrites some bytes in the middle. @param share of the file where they are, 0 to 1. */
export function damageWal(dataDir: string, share: number): void {
  const path = walOf(dataDir)
  const file = openSync(path, 'r+')
  writeSync(file, Buffer.alloc(64, 0xa5), 0, 64, Math.floor(statSync(path).size * share))
  closeSync(file)
}

/** Bytes of RocksDB's own log, also while it is written. */
export function walBytes(dataDir: string): number {
  return statSync(walOf(dataDir)).size
}

/** Loses what was written behind so many bytes, as a power cut does with what was not synced. */
export function cutWal(dataDir: string, sizeBytes: number): void {
  truncateSync(walOf(dataDir), sizeBytes)
}

/** The logs are gone; identity, cards and marks are there. */
export function loseCores(dataDir: string): void {
  rmSync(join(dataDir, 'store', 'cores'), { recursive: true })
}

/** All but the identity is gone. */
export function loseStore(dataDir: string): void {
  rmSync(join(dataDir, 'store'), { recursive: true })
}

/** Every mark of a set of logs, in place. */
export function marksOf(dataDir: string): string[] {
  const store = join(dataDir, 'store')
  const found = readdirSync(store, { recursive: true }) as string[]
  return found.filter((name) => name.endsWith('.mark')).map((name) => join(store, name))
}

/** Overwrites both slots of every mark. */
export function damageMarks(dataDir: string): void {
  for (const path of marksOf(dataDir)) {
    const file = openSync(path, 'r+')
    writeSync(file, Buffer.alloc(statSync(path).size, 0x5a), 0, statSync(path).size, 0)
    closeSync(file)
  }
}

/** Keeps a copy of the store as it is now. @returns what puts it back, in the same file of identity. */
export function backUp(dataDir: string, folder: string): () => void {
  const store = join(dataDir, 'store')
  cpSync(store, folder, { recursive: true })
  return () => {
    rmSync(database(dataDir), { recursive: true })
    for (const name of readdirSync(folder, { recursive: true }) as string[]) {
      // The file that says on which disk the store was made is the same one: it was not copied away.
      if (name.endsWith('CORESTORE') || statSync(join(folder, name)).isDirectory()) continue
      cpSync(join(folder, name), join(store, name), { recursive: true })
    }
    if (!existsSync(database(dataDir))) throw new Error('the backup has no database')
  }
}
