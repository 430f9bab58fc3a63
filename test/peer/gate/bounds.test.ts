// Every bound of base/limits.ts that another machine can run into, and the test that runs into it. A new
// bound without its attack fails here; so does an attack that was renamed or removed.

import { readFileSync } from 'node:fs'
import test from 'brittle'

/** Sections of limits.ts about what comes from other machines. */
const SECTIONS = ['Models and plans', 'Sessions', 'Peers, links and lanes']

/** Bounds in these sections that only files, flags or this machine's own user can reach. */
const LOCAL: Record<string, string> = {
  MODEL_KIB_MAX: 'sizes come from the own model file',
  SESSIONS_KEPT_MAX: 'kept for the own user',
  OPEN_TIMEOUT_MS: 'a wait of our own',
  CLOSE_TIMEOUT_MS: 'a wait of our own',
  REROUTE_TIMEOUT_MS: 'a wait of our own',
  ATTACH_TIMEOUT_MS: 'a wait of our own',
  ADMISSION_WAIT_MS: 'a wait of our own',
  QUESTIONS_WAITING_MAX: 'own questions',
  SESSION_QUESTION_MS: 'a wait of our own',
  SESSION_HISTORY_MAX: 'own answers',
  CONVERSATION_BYTES_MAX: 'a file of the own user',
  SESSION_HISTORY_BYTES_MAX: 'a file of our own',
  KV_PIECE_BYTES_MAX: 'pieces are not sent yet',
  PREFIX_IDS_MAX: 'ids of own prompts and answers',
  STOP_TEXTS_MAX: 'searched at the origin, never sent',
  STOP_TEXT_CHARS_MAX: 'searched at the origin, never sent'
}

const SESSION_CODEC = 'wire/session-codec.test.ts'
const LISTS = [SESSION_CODEC, 'every list is accepted at its bound and refused one above'] as const
const NUMBERS = [SESSION_CODEC, 'numbers outside their bounds are refused when written'] as const
const ATTACKS = 'peer/gate/attacks.test.ts'
const TEXTS = [ATTACKS, 'a text or number one beyond its bound is refused by its codec'] as const
const FLOOD = [ATTACKS, 'a flood of beacons that members could send is taken at its rate'] as const
const RECORDS = ['wire/record-codec.test.ts', 'refuses values at one beyond each bound'] as const
const OFFENCES = 'peer/link/link-offences.test.ts'
const VIEW = ['sharding/view.test.ts', 'who cannot take part is not in it'] as const
const INVITES = ['wire/invite.test.ts', 'the longest is within its bound'] as const
const KEYS = ['peer/gate/gate.test.ts', 'a list is refused one key beyond its bound'] as const
const TOPICS = ['peer/topic.test.ts', 'names, secrets and flags that cannot be used'] as const
const SIGNATURES = [
  'peer/members/directory.test.ts',
  'checks so many signatures per second'
] as const
const GOSSIP = ['peer/members/gossip.test.ts', 'a neighbour that floods with records'] as const
const BEATS = [
  'peer/link/heartbeats.test.ts',
  'of a flood in the name of one link so many are checked and no more'
] as const
const ADDRESSES = [
  'peer/lane/lane-paths.test.ts',
  'a peer whose addresses change all the time loses its link'
] as const
const SEARCHES = [
  'peer/lane/weights-way.test.ts',
  'who asks for lanes without end gets a few'
] as const
const PINGS = ['peer/lane/lane.test.ts', 'a peer that pings without end is closed'] as const
const PADDINGS = ['peer/lane/lane.test.ts', 'a peer that pads without end is closed'] as const

const SILENT = [
  'sim/audit.test.ts',
  'a stage that does not say what it computed is left out'
] as const
const ORPHANS = 'pipeline/orphans.test.ts'
const LOG_LISTS = 'every list is accepted at its bound and refused one above'

/** Bound -> file and words of the title of the test that attacks it. */
const ATTACKED_BY: Record<string, readonly [file: string, title: string]> = {
  LAYERS_MAX: RECORDS,
  PREFIXES_MAX: ['pipeline/prefix.test.ts', 'bounded in number and in time'],
  VOCAB_MAX: NUMBERS,
  DIM_MAX: [SESSION_CODEC, 'out of range values are refused when read'],
  PEERS_MAX: [ATTACKS, 'one peer more than the bound is refused, and those linked stay'],
  MEMORY_KIB_MAX: VIEW,
  RATE_MIBPS_MIN: VIEW,
  RATE_MIBPS_MAX: VIEW,
  ROUTE_STAGES_MAX: LISTS,
  CONTEXT_TOKENS_MAX: NUMBERS,
  CHUNK_TOKENS_MAX: LISTS,
  AUDIT_TIMEOUT_MS: SILENT,
  AUDIT_FAULTS_MAX: ['sim/audit.test.ts', 'where every peer lies, the answer ends'],
  ACTIVATION_BYTES_MAX: [ATTACKS, 'a frame above the bound ends the link'],
  LANE_SPARES_MAX: ['peer/lane/lane-offences.test.ts', 'lanes opened for nothing are few'],
  PATH_SEARCHES_PER_SECOND: SEARCHES,
  PATH_SEARCHES_BURST: SEARCHES,
  ADDRESS_CHANGES_PER_SECOND: ADDRESSES,
  ADDRESS_CHANGES_BURST: ADDRESSES,
  WEIGHTS_BLOCK_BYTES_MAX: [
    'peer/lane/weights-piece.test.ts',
    'a size above the bound is refused before memory is reserved for it'
  ],
  WEIGHTS_PIECE_BYTES_MIN: [
    'peer/lane/weights-piece.test.ts',
    'out of place, out of order or of another block it is refused'
  ],
  WEIGHTS_QUEUE_BYTES_MAX: ['peer/lane/weights-way.test.ts', 'what waits is bounded'],
  HEARTBEATS_PER_SECOND: BEATS,
  HEARTBEATS_BURST: BEATS,
  MESSAGE_BYTES_MAX: ['wire/control.test.ts', 'the largest messages fit into one message'],
  SESSIONS_MAX: ['pipeline/admission.test.ts', 'no more sessions than the bound'],
  WAITING_PLACE_MS: ['pipeline/waiting-line.test.ts', 'whoever stops asking loses its place'],
  SESSION_IDLE_MS: ['pipeline/hosted-session.test.ts', 'a session without frames expires'],
  STEP_TIMEOUT_MS: ['pipeline/session.test.ts', 'a session that makes no progress is given up'],
  HOP_BACKLOG_BYTES_MAX: [
    'peer/hops/hops.test.ts',
    'a peer that takes nothing is closed as too slow'
  ],
  STAGE_QUEUE_BYTES_MAX: ['pipeline/pressure.test.ts', 'what waits for its step is bounded in all'],
  STOP_IDS_MAX: LISTS,
  ERROR_CODE_CHARS_MAX: LISTS,
  ERROR_TEXT_BYTES_MAX: LISTS,
  SAMPLING_VALUE_MAX: TEXTS,
  LOGIT_BIAS_MAX: LISTS,
  TOPIC_NAME_BYTES_MAX: TOPICS,
  TOPIC_SECRET_BYTES_MAX: TOPICS,
  INVITE_ADDRESSES_MAX: INVITES,
  HOST_BYTES_MAX: INVITES,
  INVITE_CHARS_MAX: INVITES,
  GATE_KEYS_MAX: KEYS,
  GATE_FILE_BYTES_MAX: ['peer/gate/gate.test.ts', 'a file that is damaged, too large or no file'],
  PEER_NAME_BYTES_MAX: TEXTS,
  MODEL_NAME_BYTES_MAX: TEXTS,
  VERSION_TEXT_BYTES_MAX: TEXTS,
  RECORD_BYTES_MAX: ['wire/record-codec.test.ts', 'refuses more bytes than a record may have'],
  HELD_RANGES_MAX: RECORDS,
  ORPHAN_MS: [ORPHANS, 'outlives its origin for a bounded time'],
  LOGGED_IDS_MAX: [ORPHANS, 'logs so many ids of all sessions'],
  LOG_CHUNK_IDS_MAX: ['wire/session-log-codec.test.ts', LOG_LISTS],
  SESSION_QUESTIONS_PER_SECOND: [ORPHANS, 'so many questions about sessions'],
  SESSION_QUESTIONS_BURST: [ORPHANS, 'so many questions about sessions'],
  KV_SAVED_BYTES_MAX: ['compute/kv-store.test.ts', 'stays within its bytes'],
  KV_SAVED_FILES_MAX: ['compute/kv-store.test.ts', 'stays within its number of files'],
  KV_SAVES_WAITING_MAX: ['pipeline/saved.test.ts', 'so many saves wait on one stage'],
  DRAFT_TOKENS_MAX: LISTS,
  KEPT_OUTPUT_BYTES_MAX: ['pipeline/pressure.test.ts', 'who kept most outputs loses them'],
  REROUTES_MAX: ['pipeline/session-reroute.test.ts', 'routes that fail one after the other'],
  NEIGHBOURS_MAX: ['wire/record-codec.test.ts', 'refuses values at one beyond each bound'],
  GOSSIP_RECORDS_MAX: ['wire/control.test.ts', 'counts are refused one beyond their bound'],
  DIRECTORY_RECORDS_MAX: [
    'peer/members/directory-table.test.ts',
    'is bounded; whoever is dispensable'
  ],
  LANE_ADDRESSES_MAX: ['wire/hello.test.ts', 'refuses what is one beyond a bound'],
  ADDRESS_BYTES_MAX: TEXTS,
  CONNECTIONS_UNPROVEN_MAX: ['peer/gate/strangers.test.ts', 'ten thousand identities'],
  LANES_UNPROVEN_MAX: ['peer/lane/lanes.test.ts', 'one member that opens many and proves nothing'],
  UNPROVEN_BYTES_MAX: ['peer/link/proof-exchange.test.ts', 'a large first message is cut off'],
  CONTROL_MESSAGES_PER_SECOND: [ATTACKS, 'control messages at the rate are taken for ever'],
  CONTROL_MESSAGES_BURST: [OFFENCES, 'a flood of control messages'],
  LANE_PINGS_PER_SECOND: PINGS,
  LANE_PINGS_BURST: PINGS,
  PADDING_BYTES_MAX: ['peer/lane/lane.test.ts', 'a padding above its bound closes the lane'],
  PADDINGS_PER_SECOND: PADDINGS,
  PADDINGS_BURST: PADDINGS,
  CHANNEL_OPENS_PER_SECOND: [ATTACKS, 'channels opened slowly end the link at their bound'],
  CHANNEL_OPENS_BURST: [OFFENCES, 'a flood of channels'],
  CHANNELS_MAX: [ATTACKS, 'channels opened slowly end the link at their bound'],
  BATCH_MESSAGES_MAX: [OFFENCES, 'a batch of very many messages'],
  SIGNATURES_PER_SECOND: SIGNATURES,
  SIGNATURES_BURST: SIGNATURES,
  GOSSIP_RECORDS_PER_SECOND: GOSSIP,
  GOSSIP_RECORDS_BURST: GOSSIP,
  HINTS_MAX: ['peer/find/dial-policy.test.ts', 'its table is bounded and forgets the oldest'],
  HINT_ADDRESSES_MAX: ['peer/find/dial-policy.test.ts', 'addresses come newest first, are few'],
  BEACONS_PER_SECOND: FLOOD,
  BEACONS_BURST: FLOOD
}

/** Names of the constants of these sections. */
function networkBounds(): string[] {
  const source = readFileSync('src/base/limits.ts', 'utf8')
  const parts = source.split(/^\/\/ (?=[A-Z][^\n]*\n\n\/\*\*)/m).slice(1)
  const wanted = parts.filter((part) => SECTIONS.some((name) => part.startsWith(`${name}.`)))
  if (wanted.length !== SECTIONS.length) throw new Error('a section of limits.ts was renamed')
  return wanted.flatMap((part) =>
    [...part.matchAll(/^export const ([A-Z0-9_]+)/gm)].map((match) => match[1] as string)
  )
}

test('bounds - every bound of the network has a test that attacks it', (t) => {
  const bounds = networkBounds()
  t.ok(bounds.length > 50, `${bounds.length} bounds`)
  t.alike(
    bounds.filter((name) => !Object.hasOwn(ATTACKED_BY, name) && !Object.hasOwn(LOCAL, name)),
    [],
    'bounds without an attack'
  )
  const named = [...Object.keys(ATTACKED_BY), ...Object.keys(LOCAL)]
  t.alike(
    named.filter((name) => !bounds.includes(name)),
    [],
    'attacks on bounds that are gone'
  )
  t.is(new Set(named).size, named.length, 'a bound is attacked or local, not both')
})

test('bounds - every attack is where the table says', (t) => {
  const missing = Object.entries(ATTACKED_BY).filter(([, [file, title]]) => {
    return !readFileSync(`test/${file}`, 'utf8').includes(title)
  })
  t.alike(missing, [])
})
