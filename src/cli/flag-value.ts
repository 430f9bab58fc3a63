// The text of one flag -> its value, checked. Refusals name the flag (or its variable), the text that
// was given, what would be right, and an example.

import { checkStop } from '../api/request-fields.ts'
import { SwarmError } from '../base/errors.ts'
import { LAYERS_MAX } from '../base/limits.ts'
import { clip, parseSize } from '../base/text.ts'
import { parseChange } from '../sharding/what-if.ts'
import { describeFlag, type FlagSpec } from './flags.ts'

import type { LayerRange } from '../model/layer-range.ts'
import type { Address } from '../peer/address.ts'

export type FlagValue = boolean | number | string | LayerRange | Address

/**
 * @param name as the user gave it: `--temp`, `-n` or `SWARM_THREADS`.
 * @throws USAGE_BAD_VALUE
 */
export function parseFlagValue(name: string, spec: FlagSpec, text: string): FlagValue {
  const value = parseText(name, spec, text)
  if (value !== undefined) return value
  const example = 'example' in spec ? `, for example ${spec.example}` : ''
  throw new SwarmError(
    'USAGE_BAD_VALUE',
    `${name} must be ${describeFlag(spec)}, not '${clip(text, 60)}'${example}`,
    { param: name }
  )
}

function parseText(name: string, spec: FlagSpec, text: string): FlagValue | undefined {
  switch (spec.kind) {
    case 'switch':
      return undefined
    case 'number':
      return parseNumber(text, spec.range.min, spec.range.max, spec.range.whole)
    case 'size':
      return parseSizeText(text)
    case 'layers':
      return parseLayers(text)
    case 'address':
      return parseAddress(text)
    case 'change':
      return isChange(text) ? text : undefined
    case 'choice':
      return spec.choices.includes(text) ? text : undefined
    case 'key':
      return /^[0-9a-f]{64}$/i.test(text) ? text.toLowerCase() : undefined
    case 'path':
      return text === '' || text.includes('\0') ? undefined : text
    case 'text':
      return name === '--stop' ? checkStop(name, text) : text
  }
}

function parseNumber(text: string, min: number, max: number, whole: boolean): number | undefined {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i.test(text)) return undefined
  const value = Number(text)
  return value >= min && value <= max && (!whole || Number.isInteger(value)) ? value : undefined
}

function isChange(text: string): boolean {
  try {
    parseChange(text)
    return true
  } catch (error) {
    if (error instanceof SwarmError) return false
    throw error
  }
}

function parseSizeText(text: string): number | undefined {
  try {
    return parseSize(text)
  } catch (error) {
    if (error instanceof SwarmError) return undefined
    throw error
  }
}

function parseLayers(text: string): LayerRange | undefined {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(text)
  if (match === null) return undefined
  const range = { start: Number(match[1]), end: Number(match[2]) + 1 }
  return range.start < range.end && range.end <= LAYERS_MAX ? range : undefined
}

/** `host:port`, with brackets around an IPv6 address, which may carry a zone: `[fe80::1%eth0]:48629`. */
function parseAddress(text: string): Address | undefined {
  const match =
    /^(?:\[([0-9a-f:.]{2,45}(?:%[a-z0-9._-]{1,15})?)\]|([a-z0-9._-]{1,253})):(\d{1,5})$/i.exec(text)
  const port = Number(match?.[3])
  if (match === null || port < 1 || port > 65_535) return undefined
  return { host: (match[1] ?? match[2]) as string, port }
}
