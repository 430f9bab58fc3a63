// `swarm bench`: what this machine allows, what our kernels make of it, and from that how fast a given
// model will run before it is loaded. Measures for a few seconds and contacts nobody; what a peer says of
// this machine in plans is measured anew and kept for its next start.

import { resolve } from 'node:path'
import { formatRate } from '../../base/text.ts'
import { loadKernels } from '../../compute/addon.ts'
import {
  forecast,
  typesOf,
  withDisk,
  type Forecast,
  type TypeRates
} from '../../compute/forecast.ts'
import { bytesPerWeight, measure } from '../../compute/measure.ts'
import { defaultThreads } from '../../compute/threads.ts'
import { openModel, type Model } from '../../model/open-model.ts'
import { SUPPORTED_TYPES, type SupportedType } from '../../model/tensor-types.ts'
import { arrangeAlone, onDiskText } from '../../node/arrangement.ts'
import { measureMachine } from '../../node/measure-machine.ts'
import { modelFacts } from '../../node/model-facts.ts'
import { profileText } from '../../node/sentences.ts'
import { longChunkTokens } from '../../sharding/chunks.ts'
import { partSizes } from '../../sharding/facts.ts'
import { loadableBytes, type Machine } from '../../sharding/probe.ts'
import { sumOfParts } from '../../sharding/streamed-parts.ts'
import { cacheDirPath } from '../paths.ts'
import { shippedModelPath } from '../shipped-model.ts'
import type { CommandContext, CommandHandler } from '../context.ts'
import { renderTable, type Column } from '../table.ts'

/** Positions of a prefill measurement: enough that arithmetic is what is measured. */
const PREFILL_TOKENS = 256

export interface Ceilings {
  readBytesPerSecond: number
  int8OpsPerSecond: number
  floatOpsPerSecond: number
}

export interface TypeFigures {
  type: SupportedType
  decodeBytesPerSecond: number
  /** Of the read bandwidth. */
  decodeShare: number
  prefillOpsPerSecond: number
  /** Of the ceiling of the products that the type is computed with. */
  prefillShare: number
}

export const bench: CommandHandler = async (context) => {
  const { positionals, flags, terminal, signal } = context
  const threads = flags.threads ?? defaultThreads()
  const { table } = loadKernels()
  const path = positionals[0]
  const model =
    path === undefined ? null : await openModel(resolve(path), { withoutId: true, signal })
  const ceilings = await measureCeilings(threads)
  const rates = await measureTypes(
    context,
    threads,
    model ? typesOf(model.tensors) : SUPPORTED_TYPES
  )
  const figures = [...rates].map(([type, rate]) => figuresOf(type, rate, ceilings))
  const { machine, tookMs } = await measureAnew(context)
  const onDisk = model && onDiskOf(model, flags.memory ?? loadableBytes())
  const predicted = model && predict(model, rates, onDisk ?? [], machine)
  if (terminal.json) {
    const named = model && predicted && onDisk ? { name: model.name, ...predicted, onDisk } : null
    return terminal.object({
      kernels: table,
      threads,
      ceilings,
      types: figures,
      model: named,
      machine
    })
  }
  terminal.line(`${table}, ${threads} thread${threads === 1 ? '' : 's'}; ${ceilingsLine(ceilings)}`)
  for (const line of typeLines(figures, terminal.width)) terminal.line(line)
  if (model && predicted) terminal.line(forecastLine(model, predicted))
  const text = model && onDisk && onDiskText(modelFacts(model), onDisk)
  if (text) terminal.line(text)
  terminal.line(profileText(machine, tookMs))
}

/** For the next `swarm join` of the same model: with the same threads and from the same disk. */
async function measureAnew({ positionals, flags, host, version, log, signal }: CommandContext) {
  const [path] = positionals
  let tookMs = 0
  const machine = await measureMachine(
    {
      model: path === undefined ? shippedModelPath() : resolve(path),
      memoryBytes: null,
      cacheDir: cacheDirPath(host.env),
      threads: flags.threads ?? null,
      programVersion: version,
      log
    },
    signal,
    { fresh: true, onMeasured: (ms) => (tookMs = ms) }
  )
  return { machine, tookMs }
}

/** As `swarm run` will have it, with a context of the usual length. @throws NATIVE_OUT_OF_MEMORY */
function onDiskOf(model: Model, memoryBytes: number): number[] {
  return arrangeAlone(modelFacts(model), memoryBytes)
}

function predict(
  model: Model,
  rates: ReadonlyMap<SupportedType, TypeRates>,
  onDisk: readonly number[],
  { diskMiBps }: Machine
): Forecast {
  const inMemory = forecast(model.tensors, model.hyper.nLayers, rates)
  const facts = modelFacts(model)
  const readKiB = sumOfParts(partSizes(facts), onDisk)
  return withDisk(inMemory, readKiB * 1024, diskMiBps * 2 ** 20, longChunkTokens(facts))
}

async function measureCeilings(threads: number): Promise<Ceilings> {
  const meters = [{ meter: 'read' }, { meter: 'int8' }, { meter: 'float' }] as const
  const [read = 0, int8 = 0, float = 0] = (await measure(meters, { threads })).map(
    ({ best }) => best
  )
  return {
    readBytesPerSecond: Math.round(read),
    int8OpsPerSecond: Math.round(2 * int8),
    floatOpsPerSecond: Math.round(2 * float)
  }
}

async function measureTypes(
  { terminal, signal }: CommandContext,
  threads: number,
  types: readonly SupportedType[]
): Promise<Map<SupportedType, TypeRates>> {
  const rates = new Map<SupportedType, TypeRates>()
  for (const [index, type] of types.entries()) {
    signal.throwIfAborted()
    terminal.progress.update('measuring', index, types.length)
    const [decode, prefill] = await measure(
      [
        { meter: 'multiply', type, nTokens: 1 },
        { meter: 'multiply', type, nTokens: PREFILL_TOKENS }
      ],
      { threads }
    )
    rates.set(type, { decode: decode?.mean ?? 0, prefill: prefill?.mean ?? 0 })
  }
  terminal.progress.clear()
  return rates
}

function figuresOf(type: SupportedType, rate: TypeRates, ceilings: Ceilings): TypeFigures {
  const { readBytesPerSecond, int8OpsPerSecond, floatOpsPerSecond } = ceilings
  const ofFloats = type === 'F32' || type === 'F16' || type === 'BF16'
  const decode = rate.decode * bytesPerWeight(type)
  const prefill = 2 * rate.prefill
  return {
    type,
    decodeBytesPerSecond: Math.round(decode),
    decodeShare: share(decode, readBytesPerSecond),
    prefillOpsPerSecond: Math.round(prefill),
    prefillShare: share(prefill, ofFloats ? floatOpsPerSecond : int8OpsPerSecond)
  }
}

function share(part: number, whole: number): number {
  return Math.round((1000 * part) / whole) / 1000
}

/** `memory 38.1 GB/s, int8 1890 Gop/s, f32 470 Gop/s` */
function ceilingsLine(ceilings: Ceilings): string {
  const { readBytesPerSecond, int8OpsPerSecond, floatOpsPerSecond } = ceilings
  return (
    `memory ${gigas(readBytesPerSecond, 1)} GB/s, int8 ${gigas(int8OpsPerSecond)} Gop/s, ` +
    `f32 ${gigas(floatOpsPerSecond)} Gop/s`
  )
}

const COLUMNS: Column[] = [
  { title: 'type' },
  { title: 'decode GB/s', align: 'right' },
  { title: 'of memory', align: 'right' },
  { title: 'prefill Gop/s', align: 'right' },
  { title: 'of int8 or f32', align: 'right' }
]

/** Pure. */
export function typeLines(figures: readonly TypeFigures[], width: number): string[] {
  const rows = figures.map((one) => [
    one.type,
    gigas(one.decodeBytesPerSecond, 1),
    percent(one.decodeShare),
    gigas(one.prefillOpsPerSecond),
    percent(one.prefillShare)
  ])
  return renderTable(COLUMNS, rows, width)
}

/** Pure: `'TinyLlama', 636 MB a token: 58.2 tok/s predicted, a prompt at 310 tok/s` */
export function forecastLine({ name }: Pick<Model, 'name'>, predicted: Forecast): string {
  const { decodeTokensPerSecond, prefillTokensPerSecond, bytesPerToken } = predicted
  return (
    `'${name}', ${Math.round(bytesPerToken / 1e6)} MB a token: ` +
    `${formatRate(decodeTokensPerSecond)} tok/s predicted, ` +
    `a prompt at ${prefillTokensPerSecond.toFixed(0)} tok/s`
  )
}

function gigas(value: number, digits = 0): string {
  return (value / 1e9).toFixed(digits)
}

function percent(part: number): string {
  return `${Math.round(100 * part)} %`
}
