// The few settings of the operating system that `swarm bridge --apply` may change, each a file with a
// value. Owns which those are: the journal that --undo follows as root is a file in a user's folder, so
// whatever it names is checked against this list before it is written.

export interface Setting {
  path: string
  /** What it is called by people: `net.core.rmem_max`, `MTU of eth1`. */
  name: string
}

export interface Change extends Setting {
  /** What is there now; null: no file. */
  from: string | null
  to: string | null
}

/** Sorts behind the files of the distribution, so that its values hold. */
export const SYSCTL_FILE = '/etc/sysctl.d/90-swarm.conf'

/** Every sysctl that we know, by name. */
export const SYSCTLS = [
  'net.core.rmem_max',
  'net.core.wmem_max',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem'
] as const

export type Sysctl = (typeof SYSCTLS)[number]

/** Linux allows 15 bytes, and neither a slash nor white space. */
const INTERFACE = /^(?!\.{1,2}$)[^\s/]{1,15}$/
const NUMBERS = /^\d{1,10}([ \t]\d{1,10}){0,2}$/

export function sysctlSetting(name: Sysctl): Setting {
  return { path: `/proc/sys/${name.replaceAll('.', '/')}`, name }
}

export function mtuSetting(interfaceName: string): Setting {
  return { path: `/sys/class/net/${interfaceName}/mtu`, name: `MTU of ${interfaceName}` }
}

export function ipv6Setting(interfaceName: string): Setting {
  const path = `/proc/sys/net/ipv6/conf/${interfaceName}/disable_ipv6`
  return { path, name: `disable_ipv6 of ${interfaceName}` }
}

/** The file that sets these sysctls at every start of the machine. */
function sysctlFileText(values: ReadonlyMap<Sysctl, string>): string {
  const lines = [...values].map(([name, value]) => `${name} = ${value.replaceAll('\t', ' ')}\n`)
  return `# Written by swarm bridge --persist; swarm bridge --undo removes it.\n${lines.join('')}`
}

/** What --persist writes: the sysctls that these changes, old and new, have set. Null: none. */
export function persistChange(changes: readonly Change[]): Change | null {
  const values = new Map<Sysctl, string>()
  for (const { path, to } of changes) {
    const name = SYSCTLS.find((known) => sysctlSetting(known).path === path)
    if (name !== undefined && to !== null) values.set(name, to)
  }
  if (values.size === 0) return null
  return { path: SYSCTL_FILE, name: SYSCTL_FILE, from: null, to: sysctlFileText(values) }
}

/** Whether a value may be written to a path by us. */
export function isAllowed(path: string, value: string | null): boolean {
  if (path === SYSCTL_FILE) return value === null || isSysctlFile(value)
  if (value === null || !NUMBERS.test(value)) return false
  if (SYSCTLS.some((name) => sysctlSetting(name).path === path)) return true
  const [, mtuOf] = /^\/sys\/class\/net\/([^/]+)\/mtu$/.exec(path) ?? []
  const [, ipv6Of] = /^\/proc\/sys\/net\/ipv6\/conf\/([^/]+)\/disable_ipv6$/.exec(path) ?? []
  return INTERFACE.test(mtuOf ?? ipv6Of ?? '')
}

/** A file of ours, and nothing that anybody added to it. */
function isSysctlFile(text: string): boolean {
  return text.split('\n').every((line) => {
    const [, name, value] = /^([\w.]+) = (.+)$/.exec(line) ?? []
    const isOurs = SYSCTLS.some((known) => known === name) && NUMBERS.test(value ?? '')
    return line === '' || line.startsWith('#') || isOurs
  })
}
