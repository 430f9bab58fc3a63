// The number formats of GGML that a model file can name: how many elements a block has and how many
// bytes it takes. Owns ids and sizes only; how a block is decoded is the native kernels' business
// (and, independently, test/helpers/dequantize.ts). Source: enum ggml_type and the block structs of
// ggml-common.h.

export interface TensorType {
  readonly id: number
  /** Exactly GGML's name. */
  readonly name: string
  /** Elements of one block; a row is a whole number of blocks. */
  readonly blockLength: number
  readonly bytesPerBlock: number
  /** Whether our kernels compute with it. The others are known in order to be refused by name. */
  readonly supported: boolean
}

export const SUPPORTED_TYPES = [
  'F32',
  'F16',
  'BF16',
  'Q4_0',
  'Q4_1',
  'Q5_0',
  'Q5_1',
  'Q8_0',
  'Q2_K',
  'Q3_K',
  'Q4_K',
  'Q5_K',
  'Q6_K'
] as const
export type SupportedType = (typeof SUPPORTED_TYPES)[number]

// id, name, elements per block, bytes per block. Ids 4, 5, 31 to 33 and 36 to 38 were withdrawn.
const ROWS: [number, string, number, number][] = [
  [0, 'F32', 1, 4],
  [1, 'F16', 1, 2],
  [2, 'Q4_0', 32, 18],
  [3, 'Q4_1', 32, 20],
  [6, 'Q5_0', 32, 22],
  [7, 'Q5_1', 32, 24],
  [8, 'Q8_0', 32, 34],
  [9, 'Q8_1', 32, 36],
  [10, 'Q2_K', 256, 84],
  [11, 'Q3_K', 256, 110],
  [12, 'Q4_K', 256, 144],
  [13, 'Q5_K', 256, 176],
  [14, 'Q6_K', 256, 210],
  [15, 'Q8_K', 256, 292],
  [16, 'IQ2_XXS', 256, 66],
  [17, 'IQ2_XS', 256, 74],
  [18, 'IQ3_XXS', 256, 98],
  [19, 'IQ1_S', 256, 50],
  [20, 'IQ4_NL', 32, 18],
  [21, 'IQ3_S', 256, 110],
  [22, 'IQ2_S', 256, 82],
  [23, 'IQ4_XS', 256, 136],
  [24, 'I8', 1, 1],
  [25, 'I16', 1, 2],
  [26, 'I32', 1, 4],
  [27, 'I64', 1, 8],
  [28, 'F64', 1, 8],
  [29, 'IQ1_M', 256, 56],
  [30, 'BF16', 1, 2],
  [34, 'TQ1_0', 256, 54],
  [35, 'TQ2_0', 256, 66],
  [39, 'MXFP4', 32, 17],
  [40, 'NVFP4', 64, 36]
]

const supportedNames: ReadonlySet<string> = new Set(SUPPORTED_TYPES)

export const TENSOR_TYPES: readonly TensorType[] = ROWS.map(
  ([id, name, blockLength, bytesPerBlock]) => ({
    id,
    name,
    blockLength,
    bytesPerBlock,
    supported: supportedNames.has(name)
  })
)

const byId = new Map(TENSOR_TYPES.map((type) => [type.id, type]))
const byName = new Map(TENSOR_TYPES.map((type) => [type.name, type]))

/** @returns null for an id that this program does not know. */
export function tensorType(id: number): TensorType | null {
  return byId.get(id) ?? null
}

export function tensorTypeNamed(name: SupportedType): TensorType {
  return byName.get(name) as TensorType
}

/** Bytes of a row of `cols` elements; `cols` is a multiple of the block length. */
export function rowBytes(type: TensorType, cols: number): number {
  return (cols / type.blockLength) * type.bytesPerBlock
}
