// How a model turns positions into rotations of its heads (RoPE, Su et al. 2021) and how that was
// stretched for longer contexts. Owns the GGUF keys of it and their checks; the angles themselves are
// computed by the native stage in double. Key names and meaning are llama.cpp's.

import { SwarmError } from '../base/errors.ts'
import { clip } from '../base/text.ts'
import type { Metadata } from './metadata.ts'

export type RopeScaling =
  | { type: 'none' }
  /** Every angle divided by `factor` (Chen et al. 2023). */
  | { type: 'linear'; factor: number }
  /**
   * Llama 3.1: angles of wavelength above originalContext / lowFreqFactor are divided by `factor`, of
   * wavelength below originalContext / highFreqFactor kept, between them blended.
   */
  | {
      type: 'llama3'
      factor: number
      lowFreqFactor: number
      highFreqFactor: number
      originalContext: number
    }
  /**
   * YaRN (Peng et al. 2023). Pair i of `dims / 2` turns originalContext / (2 pi base^(2i / dims))
   * times within the original context; pairs above betaFast turns keep their angle, below betaSlow it
   * is divided by `factor`, between them a linear ramp over i blends both. The ends of the ramp are
   * rounded outwards to whole pairs, within 0 .. dims - 1; extFactor scales it (1 = all of it). cos and
   * sin are both multiplied by attnFactor * (0.1 ln(factor) + 1); the logarithm is left to the stage,
   * because no function of JavaScript may enter a result.
   */
  | {
      type: 'yarn'
      factor: number
      originalContext: number
      attnFactor: number
      betaFast: number
      betaSlow: number
      extFactor: number
    }

export interface Rope {
  /** Which two elements of a head turn together: (2i, 2i + 1), or (i, i + dims / 2). */
  pairing: 'adjacent' | 'halves'
  /** Elements of a head that turn; equals headDim in every supported architecture. */
  dims: number
  /** Angle of pair i at position p: p * base^(-2i / dims), divided by ropeFreqs[i] where given. */
  base: number
  scaling: RopeScaling
}

/**
 * @param prefix the architecture, such as `llama`.
 * @param trainedContext the context length in the file, before any clamp.
 * @throws MODEL_BAD_METADATA, MODEL_UNSUPPORTED_ARCHITECTURE
 */
export function readRope(
  metadata: Metadata,
  prefix: string,
  pairing: Rope['pairing'],
  headDim: number,
  trainedContext: number
): Rope {
  const dimsKey = `${prefix}.rope.dimension_count`
  const dims = metadata.integer(dimsKey) ?? headDim
  if (dims !== headDim) {
    throw new SwarmError(
      'MODEL_UNSUPPORTED_ARCHITECTURE',
      `key '${dimsKey}' is ${dims} and a head has ${headDim} elements; ` +
        `rotating a part of a head is not supported`
    )
  }
  const base = positive(metadata, `${prefix}.rope.freq_base`) ?? 10_000
  return { pairing, dims, base, scaling: readScaling(metadata, prefix, trainedContext) }
}

function readScaling(metadata: Metadata, prefix: string, trainedContext: number): RopeScaling {
  const at = (name: string) => `${prefix}.rope.scaling.${name}`
  // Files from before 2023-09 have only scale_linear; a missing type means linear there and now.
  const type = metadata.text(at('type')) ?? 'linear'
  const factor =
    setFactor(metadata, at('factor')) ?? setFactor(metadata, `${prefix}.rope.scale_linear`) ?? 1
  const attnFactor = positive(metadata, at('attn_factor')) ?? 1
  const originalContext = positiveInteger(metadata, at('original_context_length')) ?? trainedContext
  switch (type) {
    case 'none':
    case 'linear':
      refuseAttnFactor(attnFactor, at('attn_factor'), type)
      return type === 'none' || factor === 1 ? { type: 'none' } : { type: 'linear', factor }
    case 'llama3':
      refuseAttnFactor(attnFactor, at('attn_factor'), type)
      return readLlama3(metadata, prefix, factor, originalContext)
    case 'yarn':
      return readYarn(metadata, prefix, factor, originalContext, attnFactor)
    default:
      throw new SwarmError(
        'MODEL_UNSUPPORTED_ARCHITECTURE',
        `key '${at('type')}' is '${clip(type)}'; supported are none, linear, llama3 and yarn`
      )
  }
}

/** Usually llama3 scaling arrives as the tensor rope_freqs.weight instead; these keys say the same. */
function readLlama3(
  metadata: Metadata,
  prefix: string,
  factor: number,
  originalContext: number
): RopeScaling {
  const at = (name: string) => `${prefix}.rope.scaling.${name}`
  const lowFreqFactor = positive(metadata, at('low_freq_factor')) ?? 1
  const highFreqFactor = positive(metadata, at('high_freq_factor')) ?? 4
  if (highFreqFactor <= lowFreqFactor) {
    throw bad(at('high_freq_factor'), `${highFreqFactor}, not above low_freq_factor`)
  }
  return { type: 'llama3', factor, lowFreqFactor, highFreqFactor, originalContext }
}

/**
 * As in llama.cpp, rope.scaling.attn_factor multiplies YaRN's own magnitude. llama.cpp does not read
 * yarn_beta_fast, yarn_beta_slow and yarn_ext_factor for these architectures and takes 32, 1 and 1,
 * which are the defaults here.
 */
function readYarn(
  metadata: Metadata,
  prefix: string,
  factor: number,
  originalContext: number,
  attnFactor: number
): RopeScaling {
  const at = (name: string) => `${prefix}.rope.scaling.${name}`
  for (const key of [at('yarn_log_multiplier'), at('yarn_attn_factor')]) {
    if (metadata.float(key) !== null) {
      throw new SwarmError(
        'MODEL_UNSUPPORTED_ARCHITECTURE',
        `key '${key}' is set; a magnitude of its own for YaRN is not supported`
      )
    }
  }
  if (factor < 1) throw bad(at('factor'), `${factor}, below 1`)
  const betaFast = positive(metadata, at('yarn_beta_fast')) ?? 32
  const betaSlow = positive(metadata, at('yarn_beta_slow')) ?? 1
  if (betaFast < betaSlow) throw bad(at('yarn_beta_fast'), `${betaFast}, below yarn_beta_slow`)
  const extFactor = metadata.float(at('yarn_ext_factor')) ?? 1
  if (!(extFactor > 0 && extFactor <= 1)) {
    throw bad(at('yarn_ext_factor'), `${extFactor}, not above 0 and at most 1`)
  }
  return { type: 'yarn', factor, originalContext, attnFactor, betaFast, betaSlow, extFactor }
}

function refuseAttnFactor(attnFactor: number, key: string, type: string): void {
  if (attnFactor === 1) return
  throw new SwarmError(
    'MODEL_UNSUPPORTED_ARCHITECTURE',
    `key '${key}' is ${attnFactor} with rope scaling '${type}'; it is supported with yarn only`
  )
}

/** As in llama.cpp, a factor of 0 means that none is set. */
function setFactor(metadata: Metadata, key: string): number | null {
  return metadata.float(key) === 0 ? null : positive(metadata, key)
}

function positive(metadata: Metadata, key: string): number | null {
  const value = metadata.float(key)
  if (value === null) return null
  if (!(value > 0) || !Number.isFinite(value)) throw bad(key, `${value}, not a positive number`)
  return value
}

function positiveInteger(metadata: Metadata, key: string): number | null {
  const value = metadata.integer(key)
  if (value !== null && value < 1) throw bad(key, `${value}, not a positive number`)
  return value
}

function bad(key: string, fault: string): SwarmError {
  return new SwarmError('MODEL_BAD_METADATA', `key '${key}' is ${fault}; the file is damaged`)
}
