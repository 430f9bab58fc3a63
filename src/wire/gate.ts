// What a user says of who may link to this peer, and what is in force: the command line and the control
// socket send exactly these objects as JSON, peer/gate answers them. Never sent to another peer.

/** `restore` takes back a revocation; `open` ends the allow-list: whoever proves itself may link. */
export interface GateEdit {
  action: 'allow' | 'revoke' | 'restore' | 'open'
  /** 64 hexadecimal digits each; to revoke or restore, the first eight of a known one are enough. */
  keys: string[]
}

export interface GateStatus {
  /** Whether only the keys in `allowed` may link; empty and true lets nobody in. */
  onlyAllowed: boolean
  allowed: string[]
  /** Never linked to, whatever else is said of them. */
  revoked: string[]
}
