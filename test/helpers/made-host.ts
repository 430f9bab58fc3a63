// A machine that is made up: files of /sys, /proc and /etc in a folder of the test's own, read and written
// by the same code as the real ones.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Test } from 'brittle'

import { hostFiles, type HostFiles } from '../../src/host/files.ts'

export interface MadeHost {
  root: string
  files: HostFiles
}

/** @param tree path -> text; a path that ends in a slash is a folder. */
export async function madeHost(t: Test, tree: Readonly<Record<string, string>>): Promise<MadeHost> {
  const root = await t.tmp()
  for (const [path, text] of Object.entries(tree)) {
    const at = join(root, path)
    mkdirSync(path.endsWith('/') ? at : dirname(at), { recursive: true })
    if (!path.endsWith('/')) writeFileSync(at, text)
  }
  return { root, files: hostFiles(root) }
}

/** The files of a wired card as Linux shows them, with what differs from one that is plugged in. */
export function card(name: string, differs: Record<string, string> = {}): Record<string, string> {
  const usual: Record<string, string> = {
    type: '1\n',
    flags: '0x1003\n',
    carrier: '1\n',
    speed: '1000\n',
    duplex: 'full\n',
    mtu: '1500\n',
    address: `02:00:00:00:00:0${name.length}\n`,
    uevent: `INTERFACE=${name}\nIFINDEX=2\n`,
    'device/vendor': '0x8086\n'
  }
  const files = { ...usual, ...differs }
  const present = Object.entries(files).filter(([, text]) => text !== '')
  return Object.fromEntries(present.map(([file, text]) => [`/sys/class/net/${name}/${file}`, text]))
}

export function linkDriver({ root }: MadeHost, name: string, driver: string): void {
  const target = join(root, 'sys/bus/pci/drivers', driver)
  mkdirSync(target, { recursive: true })
  symlinkSync(target, join(root, 'sys/class/net', name, 'device/driver'))
}
