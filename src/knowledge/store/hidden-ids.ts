// Entries of other authors that the user of this machine does not want to see. Only this machine knows of it.

import { SwarmError } from '../../base/errors.ts'
import { HIDDEN_ENTRIES_MAX } from '../../base/limits.ts'
import { toHex } from '../../base/text.ts'
import { readSaved, writeSaved } from './saved-file.ts'

const ID_BYTES = 16

export class HiddenIds {
  readonly #path: string
  readonly #ids: Set<string>

  private constructor(path: string, ids: Set<string>) {
    this.#path = path
    this.#ids = ids
  }

  /** @throws what reading throws. */
  static async open(path: string): Promise<HiddenIds> {
    const bytes = (await readSaved(path)) ?? Buffer.alloc(0)
    const count = Math.min(Math.floor(bytes.byteLength / ID_BYTES), HIDDEN_ENTRIES_MAX)
    const id = (at: number) => toHex(bytes.subarray(at * ID_BYTES, (at + 1) * ID_BYTES))
    return new HiddenIds(path, new Set(Array.from({ length: count }, (_, at) => id(at))))
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** On disk when it resolves; one caller at a time. @throws STORE_FULL, what writing throws. */
  async add(id: string): Promise<void> {
    if (this.#ids.has(id)) return
    if (this.#ids.size >= HIDDEN_ENTRIES_MAX) {
      const text = `${HIDDEN_ENTRIES_MAX} entries are hidden already; remove the file ${this.#path}`
      throw new SwarmError('STORE_FULL', text)
    }
    await writeSaved(this.#path, Buffer.from([...this.#ids, id].join(''), 'hex'))
    this.#ids.add(id)
  }
}
