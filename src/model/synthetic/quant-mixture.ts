// Which number format each tensor of a generated file gets. Owns the rules by which llama.cpp's
// quantizer mixes formats (llama_tensor_get_type_impl and tensor_type_fallback in src/llama-quant.cpp,
// read at commit 007dbbf3), so that our files exercise the formats that real files contain. Pure.

import type { TensorRole } from '../tensors.ts'
import { tensorTypeNamed, type SupportedType } from '../tensor-types.ts'
import type { Mixture, SyntheticSpec } from './spec.ts'

const BASE: Record<Mixture, SupportedType> = {
  Q2_K: 'Q2_K',
  Q3_K_M: 'Q3_K',
  Q4_K_M: 'Q4_K',
  Q5_K_M: 'Q5_K'
}

/** general.file_type of a file, enum llama_ftype. */
const FILE_TYPE: Record<SupportedType | Mixture, number> = {
  F32: 0,
  F16: 1,
  Q4_0: 2,
  Q4_1: 3,
  Q8_0: 7,
  Q5_0: 8,
  Q5_1: 9,
  Q2_K: 10,
  Q3_K: 11,
  Q3_K_M: 12,
  Q4_K: 14,
  Q4_K_M: 15,
  Q5_K: 16,
  Q5_K_M: 17,
  Q6_K: 18,
  BF16: 32
}

const FALLBACK: Partial<Record<SupportedType, SupportedType>> = {
  Q2_K: 'Q4_0',
  Q3_K: 'Q4_0',
  Q4_K: 'Q5_0',
  Q5_K: 'Q5_1',
  Q6_K: 'Q8_0'
}

export function fileType(spec: SyntheticSpec): number {
  return FILE_TYPE[spec.quant]
}

/** @param cols elements of a row, which must be whole blocks of the format. */
export function matrixType(
  spec: SyntheticSpec,
  role: TensorRole,
  layer: number,
  cols: number
): SupportedType {
  if (spec.pure || !isMixture(spec.quant)) return fitting(spec.quant as SupportedType, cols)
  const wanted = mixed(spec, spec.quant, role, layer)
  const isHead = role === 'output' || (spec.tied && role === 'tokenEmbedding')
  return isHead && cols % 256 !== 0 ? fitting('Q8_0', cols) : fitting(wanted, cols)
}

function isMixture(quant: SyntheticSpec['quant']): quant is Mixture {
  return quant in BASE
}

function mixed(
  spec: SyntheticSpec,
  mixture: Mixture,
  role: TensorRole,
  layer: number
): SupportedType {
  if (role === 'output' || (spec.tied && role === 'tokenEmbedding')) return 'Q6_K'
  if (role === 'attnV') return attentionValue(spec, mixture, layer)
  if (role === 'ffnDown') return feedForwardDown(mixture, layer, spec.nLayers)
  if (role === 'attnOutput' && mixture === 'Q2_K') return 'Q3_K'
  if (role === 'attnOutput' && mixture === 'Q3_K_M') return 'Q4_K'
  return BASE[mixture]
}

function attentionValue(spec: SyntheticSpec, mixture: Mixture, layer: number): SupportedType {
  const { nLayers, nHeads, nKvHeads } = spec
  let type = BASE[mixture]
  if (mixture === 'Q2_K') type = nHeads / nKvHeads >= 4 ? 'Q4_K' : 'Q3_K'
  else if (mixture === 'Q3_K_M') type = layer < 2 ? 'Q5_K' : 'Q4_K'
  else if (usesMoreBits(layer, nLayers)) type = 'Q6_K'
  // The quantizer's rule for "70B", which it recognises by these two numbers.
  const is70b = spec.architecture === 'llama' && nLayers === 80 && nHeads !== nKvHeads
  return is70b && (type === 'Q3_K' || type === 'Q4_K') ? 'Q5_K' : type
}

function feedForwardDown(mixture: Mixture, layer: number, nLayers: number): SupportedType {
  if (mixture === 'Q2_K') return 'Q3_K'
  if (mixture === 'Q3_K_M') return layer < Math.floor(nLayers / 16) ? 'Q5_K' : 'Q4_K'
  return usesMoreBits(layer, nLayers) ? 'Q6_K' : BASE[mixture]
}

/** The first and last eighth of the layers and every third between. */
function usesMoreBits(layer: number, nLayers: number): boolean {
  const eighth = Math.floor(nLayers / 8)
  return layer < eighth || layer >= Math.floor((7 * nLayers) / 8) || (layer - eighth) % 3 === 2
}

function fitting(type: SupportedType, cols: number): SupportedType {
  if (cols % tensorTypeNamed(type).blockLength === 0) return type
  const fallback = FALLBACK[type]
  return fallback && cols % tensorTypeNamed(fallback).blockLength === 0 ? fallback : 'F16'
}
