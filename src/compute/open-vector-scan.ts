// Chooses how this machine searches: the addon, or plain JavaScript where there is none. Both give the
// same bits, so peers of both kinds rank alike.

import { isNativeAway } from './addon.ts'
import { NativeVectorScan } from './native-vector-scan.ts'
import { PlainVectorScan } from './plain-vector-scan.ts'
import type { VectorScan } from './vector-scan.ts'

/** @throws NATIVE_UNSUPPORTED_CPU when SWARM_KERNELS names a table that this machine cannot run. */
export function openVectorScan(): VectorScan {
  try {
    return new NativeVectorScan()
  } catch (error) {
    if (isNativeAway(error)) return new PlainVectorScan()
    throw error
  }
}
