// What processors this process may use, by core: read from the small files in which Linux describes them.
// Owns their formats. Where there are none (other systems), there are no cores here and every caller has
// an answer without them. Format: Documentation/ABI/testing/sysfs-devices-system-cpu in the kernel.

/** Text of a small system file, or null where there is none. */
export type ReadText = (path: string) => string | null

export interface Core {
  /** Its logical processors that this process may use, ascending; at least one. */
  readonly cpus: readonly number[]
  /** Whether it is one of the fast ones; true on machines with one kind of core. */
  readonly isFast: boolean
  /** Number of the memory that is near it. */
  readonly node: number
}

const CPU = '/sys/devices/system/cpu'
const NODE = '/sys/devices/system/node'
// Of the fastest core's. The big and prime cores of Arm phones and of Apple's lie above, efficiency cores
// of Intel (about 0.6) and of Arm (0.2 to 0.5) below.
const FAST_SHARE = 0.75

/** @returns cores in the order of their first processor; none where the system does not say. */
export function readCores(read: ReadText): Core[] {
  const allowedText = /^Cpus_allowed_list:\s*(\S+)$/m.exec(read('/proc/self/status') ?? '')?.[1]
  const allowed = allowedText === undefined ? null : new Set(parseList(allowedText))
  const nodeOf = readNodes(read)
  const atoms = new Set(parseList(read('/sys/devices/cpu_atom/cpus') ?? ''))
  const found: { cpus: number[]; capacity: number; node: number }[] = []
  const seen = new Set<number>()
  for (let cpu = 0; ; cpu++) {
    const siblings = read(`${CPU}/cpu${cpu}/topology/thread_siblings_list`)
    if (siblings === null) break
    if (seen.has(cpu)) continue
    const all = parseList(siblings)
    for (const one of [cpu, ...all]) seen.add(one)
    const cpus = all.filter((one) => allowed?.has(one) ?? true)
    // Older kernels tell an Intel processor's kinds apart only by which counters count them.
    const capacity = Number(read(`${CPU}/cpu${cpu}/cpu_capacity`) ?? 1024) || 1024
    const isAtom = atoms.has(cpu)
    if (cpus.length === 0) continue
    found.push({ cpus, capacity: isAtom ? 0 : capacity, node: nodeOf.get(cpu) ?? 0 })
  }
  const fastest = Math.max(...found.map(({ capacity }) => capacity))
  return found.map(({ cpus, capacity, node }) => {
    return { cpus, isFast: capacity >= FAST_SHARE * fastest, node }
  })
}

function readNodes(read: ReadText): Map<number, number> {
  const nodeOf = new Map<number, number>()
  for (const node of parseList(read(`${NODE}/online`) ?? '')) {
    for (const cpu of parseList(read(`${NODE}/node${node}/cpulist`) ?? '')) nodeOf.set(cpu, node)
  }
  return nodeOf
}

/** Numbers of a list such as `0-3,8`; nothing for what is no list. */
function parseList(text: string): number[] {
  return text
    .trim()
    .split(',')
    .flatMap((part) => {
      const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? []
      if (first === undefined) return []
      const length = Math.max(0, Number(last) - Number(first) + 1)
      return Array.from({ length }, (_, i) => Number(first) + i)
    })
}
