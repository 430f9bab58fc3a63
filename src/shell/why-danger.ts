// What a proposed command would destroy, expose or force, in words: no proposal that does so is shown
// without saying it. A list of what is known to be dangerous, never a promise that the rest is not. Pure.

const DANGERS: readonly (readonly [RegExp, string])[] = [
  [/\brm\b[^|;&]*\s-[a-z]*[rR]/, 'removes folders with all that is in them'],
  [/\brm\b|\bunlink\b|\bshred\b/, 'removes files'],
  [/-rm\b.*\s-r\b/, 'removes folders with all that is in them'],
  [/\b(?:mkfs|fdisk|parted|wipefs|sgdisk)(?:\.\w+)?\b|\bdd\b[^|;&]*\bof=/, 'overwrites a disk'],
  [/>\s{0,3}\/dev\/(?:sd|nvme|vd|mmcblk|disk)/, 'overwrites a disk'],
  [/\bgit\b.*\breset\b.*--hard|\bgit\s+clean\b.*-[a-z]*f/, 'discards uncommitted changes'],
  [
    /\bgit\b.*\bpush\b.*(?:\s-f\b|--force\b|--force-with-lease\b|\s\+\S)/,
    'replaces commits at the remote'
  ],
  [/\bgit\b.*\bpush\b.*(?:--delete\b|\s-d\b|\s:\S)/, 'deletes a branch at the remote'],
  [
    /\bgit\b.*\bbranch\b.*(?:\s-D\b|--delete --force)/,
    'deletes a branch whose commits may be nowhere else'
  ],
  [/\bgit\b.*\b(?:checkout|restore)\b.*(?:\s--\s|\s\.$)/, 'discards uncommitted changes'],
  [
    /\bgit\b.*\b(?:stash (?:drop|clear)|rebase --skip|am --skip|cherry-pick --skip)/,
    'drops changes'
  ],
  [/\bgit\b.*\b(?:merge|rebase|am) --abort|\bgit\b.*\brm\b.*\s-f\b/, 'discards changes'],
  [/\bgit\b.*\breset\b/, 'takes back a commit or what is staged'],
  [/--no-verify\b/, 'skips the checks of the repository'],
  [
    /\b(?:docker|podman)\b.*\b(?:system|image|volume|container|builder) prune\b/,
    'removes containers or images'
  ],
  [
    /\b(?:docker|podman)\b.*\b(?:rm|rmi|image rm|container rm|volume rm)\b/,
    'removes containers or images'
  ],
  [
    /\bkubectl\b.*\bdelete\b|\bhelm\b.*\b(?:uninstall|delete)\b/,
    'deletes what runs in the cluster'
  ],
  [/\b(?:terraform|tofu|vagrant)\b.*\bdestroy\b/, 'destroys machines'],
  [/\b(?:DROP|TRUNCATE)\s+(?:TABLE|DATABASE|SCHEMA)\b/i, 'deletes data'],
  [/\b(?:kill|pkill|killall)\b|\bfuser\b.*\s-[a-z]*k/, 'ends another program'],
  [/\b(?:shutdown|reboot|poweroff|halt)\b/, 'stops the machine'],
  [/\bchmod\b.*\b(?:-R\b|0?777\b|a\+w)/, 'lets others write files'],
  [/\b(?:curl|wget)\b[^|;&]*\|\s*(?:sudo\s+)?(?:ba|z|da)?sh\b/, 'runs what a server sends'],
  [
    /--insecure\b|\bcurl\b[^|;&]*\s-[a-z]*k\b|StrictHostKeyChecking=no/,
    'does not check who answers'
  ],
  [/\bssh-keygen\b.*\s-R\b/, 'forgets the key by which the host was known'],
  [/--break-system-packages\b/, 'changes packages of the system'],
  [/--no-preserve-root\b/, 'removes the whole system'],
  [/--(?:merge|delete-ghost-migrations)\b/, 'changes the history of a database'],
  [
    /--overwrite\b|--force\b|\s-[a-z]*f\b.*\bln\b|\bln\b.*\s-[a-z]*f/,
    'forces what the tool refused'
  ]
]

/** What to know before running a command; null where nothing known is dangerous about it. */
export function dangerOf(command: string): string | null {
  const found = DANGERS.find(([pattern]) => pattern.test(command))?.[1]
  const isRoot = /(?:^|[|;&]\s*)(?:sudo|doas)\b/.test(command)
  if (found === undefined) return isRoot ? 'runs as root' : null
  return isRoot ? `${found}, as root` : found
}
