// Headers of generated models with a few keys or tensors changed, without any tensor data: for the
// checks that look at nothing else.

import { bufferSource, type ByteSource } from '../../src/model/byte-source.ts'
import { readGguf, type Gguf, type GgufTensor } from '../../src/model/gguf.ts'
import { encodeGgufHeader } from '../../src/model/gguf-writer.ts'
import type { GgufValue } from '../../src/model/metadata.ts'
import { planModel } from '../../src/model/synthetic/model-plan.ts'
import type { SyntheticSpec } from '../../src/model/synthetic/spec.ts'

export type TensorFields = Pick<GgufTensor, 'name' | 'typeId' | 'shape'>

export interface Changes {
  /** Values to set; null removes the key. */
  keys?: Record<string, GgufValue | null>
  tensors?: (tensors: TensorFields[]) => TensorFields[]
}

/** The header of the model that `spec` describes, read back after the changes. */
export async function changedHeader(spec: SyntheticSpec, changes: Changes = {}): Promise<Gguf> {
  const { header } = planModel(spec)
  const original = await readGguf(sparse(header.bytes, header.sizeBytes))
  const metadata = new Map<string, GgufValue>()
  for (const key of original.metadata.keys()) {
    metadata.set(key, original.metadata.get(key) as GgufValue)
  }
  for (const [key, value] of Object.entries(changes.keys ?? {})) {
    if (value === null) metadata.delete(key)
    else metadata.set(key, value)
  }
  const tensors = original.tensors.map(({ name, typeId, shape }) => ({ name, typeId, shape }))
  const written = encodeGgufHeader({ metadata, tensors: changes.tensors?.(tensors) ?? tensors })
  return readGguf(sparse(written.bytes, written.sizeBytes))
}

/** A file that goes on beyond `bytes` but has nothing to read there. */
function sparse(bytes: Uint8Array, sizeBytes: number): ByteSource {
  const start = bufferSource(bytes)
  return {
    sizeBytes,
    read(offset, length) {
      const missing = Math.max(0, offset + length - bytes.length)
      return start.read(offset, length - missing).then((read) => {
        const whole = new Uint8Array(length)
        whole.set(read)
        return whole
      })
    },
    close: () => start.close()
  }
}
