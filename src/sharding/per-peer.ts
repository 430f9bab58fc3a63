// Flow C, what a plan works out about a peer once: the searches ask about one peer thousands of times in a
// row. Lives as long as the costs of one plan. Pure.

/** @returns of each peer what `create` made of it when it was asked for first. */
export function perPeer<Peer, Known>(create: (peer: Peer) => Known): (peer: Peer) => Known {
  const all = new Map<Peer, Known>()
  let lastPeer: Peer | null = null
  let lastKnown: Known | null = null
  return (peer) => {
    if (peer === lastPeer) return lastKnown as Known
    let known = all.get(peer)
    if (known === undefined) all.set(peer, (known = create(peer)))
    lastPeer = peer
    lastKnown = known
    return known
  }
}
