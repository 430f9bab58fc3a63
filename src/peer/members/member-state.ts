// What is believed of one member, and what changes it: the rules of SWIM (Das, Gupta, Motivala 2002), for
// one member at a time. Pure. An incarnation is the number of the member's signed record (wire/record.ts),
// so only the member itself can raise it: by that it refutes, and nobody else can speak in its name.
//
//   alive --own probe in vain, or somebody's suspicion--> suspect --not refuted in time, or a death--> dead
//     ^------------ a newer record of its own, or a link of ours ------------------------------------/
//   any --its goodbye--> left

export type MemberState = 'alive' | 'suspect' | 'dead' | 'left'

export interface Member {
  readonly state: MemberState
  /** Number of its newest record here. */
  readonly incarnation: number
  /** A link of our own is up: then it is there, whatever others say. */
  readonly isLinked: boolean
}

export type MemberEvent =
  /** A record of its own, its signature verified; `left` in its last one. */
  | { type: 'record'; incarnation: number; left: boolean }
  /** Somebody believes this of that incarnation. */
  | { type: 'suspect' | 'dead'; incarnation: number }
  | { type: 'link-up' }
  /** `left`: it said on the link that it goes. */
  | { type: 'link-down'; left: boolean }
  /** Neither we nor those we asked can reach it. */
  | { type: 'unreached' }
  /** It has not refuted our suspicion in time. */
  | { type: 'expired' }

/** @returns the same object when the event changes nothing. */
export function nextMember(member: Member, event: MemberEvent): Member {
  const { state, incarnation, isLinked } = member
  switch (event.type) {
    case 'record':
      if (event.incarnation <= incarnation) return member
      return { ...member, incarnation: event.incarnation, state: event.left ? 'left' : 'alive' }
    case 'suspect':
    case 'dead':
      // Of a higher incarnation nobody can know more than its record, which then comes as well.
      if (event.incarnation !== incarnation || isLinked) return member
      return worse(member, event.type)
    case 'link-up':
      return { ...member, isLinked: true, state: state === 'left' ? 'left' : 'alive' }
    case 'link-down':
      return { ...member, isLinked: false, state: event.left ? 'left' : state }
    case 'unreached':
      return isLinked ? member : worse(member, 'suspect')
    case 'expired':
      return state === 'suspect' ? { ...member, state: 'dead' } : member
  }
}

const RANK: Record<MemberState, number> = { alive: 0, suspect: 1, dead: 2, left: 3 }

function worse(member: Member, state: MemberState): Member {
  return RANK[state] > RANK[member.state] ? { ...member, state } : member
}
