// What scripts rely on besides commands and flags: exit statuses and variables. Help and the man page list
// them from here; base/errors.ts maps codes to statuses.

/** Statuses that scripts rely on; base/errors.ts maps codes to them. */
export const EXIT_CODES: readonly (readonly [number, string])[] = [
  [0, 'done; join and bootstrap also after SIGTERM or swarm stop'],
  [1, 'failed'],
  [2, 'the command line or a request is wrong'],
  [3, 'no peer is running for the data directory'],
  [4, 'no peers, or layers are missing'],
  [5, 'the model is missing or cannot be used'],
  [130, 'interrupted by Ctrl-C']
]

/** Variables that are read besides those that stand in for a flag. */
export const VARIABLES: readonly (readonly [string, string])[] = [
  ['SWARM_SECRET', 'the secret of join --secret; on a terminal it is asked for'],
  ['SWARM_KERNELS', 'forces one table of kernels, such as scalar or avx2'],
  ['XDG_DATA_HOME', 'where the data directory lies by default (~/.local/share)'],
  ['XDG_RUNTIME_DIR', 'where the control socket lies'],
  ['NO_COLOR', 'when not empty: no colours']
]
