// Which limits of the kernel's networking are too small for us, and what they should be. Pure but for
// the reader it is given. Only limits are raised, never what every socket of the machine gets.

import { sysctlSetting, type Sysctl } from './setting.ts'

import type { HostFiles } from './files.ts'
import type { Finding } from './finding.ts'

const WANTED_BYTES = 4 * 2 ** 20

interface Rule {
  name: Sysctl
  /** Which of the numbers of the setting is the limit. */
  index: number
  reason: string
  gain: string
}

const RULES: readonly Rule[] = [
  {
    name: 'net.core.rmem_max',
    index: 0,
    reason:
      'a UDP connection (UDX, what is used where no TCP lane can be opened) asks for a receive buffer ' +
      'of 1 MiB, and is cut down to this limit without a word; what does not fit is sent again',
    gain:
      'none for TCP lanes; with 4 MiB buffers UDX had 2 retransmissions where it had had up to 5185, ' +
      'and 190 MB/s instead of 78 to 159'
  },
  {
    name: 'net.core.wmem_max',
    index: 0,
    reason: 'the same limit for what is sent: UDX asks for 208 KiB today, and may ask for more',
    gain: 'none for TCP lanes; room for UDX'
  },
  {
    name: 'net.ipv4.tcp_rmem',
    index: 2,
    reason:
      'TCP grows its receive buffer up to the third number; 10 Gbit/s with 1 ms of delays in both ' +
      'machines has 1.2 MB on the way, and the kernel counts twice that',
    gain: 'a lane is not held below what the cable carries'
  },
  {
    name: 'net.ipv4.tcp_wmem',
    index: 2,
    reason: 'the same for what TCP has sent and not yet had confirmed',
    gain: 'a lane is not held below what the cable carries'
  }
]

/** One finding per limit that this system has; none at all where there is no /proc/sys. */
export function kernelAdvice(files: HostFiles): Finding[] {
  return RULES.flatMap((rule) => {
    const text = files.read(sysctlSetting(rule.name).path)
    const finding = text === null ? null : limitAdvice(rule, text)
    return finding === null ? [] : [finding]
  })
}

/** @returns null for a text that is not the numbers it should be. */
function limitAdvice({ name, index, reason, gain }: Rule, text: string): Finding | null {
  const numbers = text.trim().split(/\s+/)
  const limit = Number(numbers[index] ?? NaN)
  if (!Number.isSafeInteger(limit)) return null
  const current = numbers.join(' ')
  if (limit >= WANTED_BYTES) {
    const good = { isGood: true, reason: 'large enough', gain: '', changes: [], commands: [] }
    return { subject: name, current, wanted: current, ...good }
  }
  const wanted = numbers.with(index, String(WANTED_BYTES)).join(' ')
  return {
    subject: name,
    current,
    wanted,
    isGood: false,
    reason,
    gain,
    changes: [{ ...sysctlSetting(name), from: current, to: wanted }],
    commands: [`sysctl -w ${name}=${/ /.test(wanted) ? `'${wanted}'` : wanted}`]
  }
}
