// Which carrier two linked peers use, decided alike on both sides. Pure: states and what moves them.
// The side with the lower key dials; if it cannot, it says so and the other side dials; if neither can,
// both use the link itself. A lane that breaks starts the round anew.
//
//   dial --dialled--> tcp            wait --accepted--> tcp
//   dial --dial-failed--> wait       wait --their-failed--> dial
//   both failed --> link              tcp --broken--> the start

/** 'dial': we try. 'wait': they try. 'tcp', 'link': chosen. */
export type LanePhase = 'dial' | 'wait' | 'tcp' | 'link'

export interface LaneChoice {
  readonly phase: LanePhase
  /** Who has already failed in this round. */
  readonly ownFailed: boolean
  readonly theirFailed: boolean
}

export type LaneEvent = 'dialled' | 'accepted' | 'dial-failed' | 'their-failed' | 'broken'

export function firstChoice(lowerKey: boolean): LaneChoice {
  return { phase: lowerKey ? 'dial' : 'wait', ownFailed: false, theirFailed: false }
}

export function nextChoice(now: LaneChoice, event: LaneEvent, lowerKey: boolean): LaneChoice {
  switch (event) {
    case 'dialled':
    case 'accepted':
      return { phase: 'tcp', ownFailed: false, theirFailed: false }
    case 'broken':
      return firstChoice(lowerKey)
    case 'dial-failed':
      if (now.phase !== 'dial') return now
      return { ...now, ownFailed: true, phase: now.theirFailed ? 'link' : 'wait' }
    case 'their-failed':
      if (now.phase === 'tcp' || now.phase === 'link') return now // about an earlier round
      if (now.phase === 'dial') return { ...now, theirFailed: true }
      return { ...now, theirFailed: true, phase: now.ownFailed ? 'link' : 'dial' }
  }
}
