// Reads the two binary forms of arrays in the shared data: NumPy's .npy (f32, C order) and bare f32.

import { readFileSync } from 'node:fs'

export interface NpyArray {
  shape: number[]
  values: Float32Array
}

export function readNpy(path: string): NpyArray {
  const bytes = readFileSync(path)
  const headerBytes = bytes.readUInt16LE(8)
  const header = bytes.toString('latin1', 10, 10 + headerBytes)
  if (!header.includes("'descr': '<f4'") || !header.includes("'fortran_order': False")) {
    throw new Error(`${path} is not a C-ordered array of little-endian f32: ${header}`)
  }
  const [, dims = ''] = /'shape': \(([^)]*)\)/.exec(header) ?? []
  const shape = dims
    .split(',')
    .filter((part) => part.trim() !== '')
    .map(Number)
  return { shape, values: singles(bytes.subarray(10 + headerBytes)) }
}

export function readSingles(path: string): Float32Array {
  return singles(readFileSync(path))
}

function singles(bytes: Buffer): Float32Array {
  return new Float32Array(new Uint8Array(bytes).buffer)
}
