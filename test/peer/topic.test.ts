import test from 'brittle'

import { SwarmError } from '../../src/base/errors.ts'
import { toHex } from '../../src/base/text.ts'
import { openTopic, type TopicOptions } from '../../src/peer/topic.ts'

const HOME: TopicOptions = {
  name: 'home',
  secret: null,
  bootstrap: false,
  public: false,
  lanOnly: false
}

function keysOf(options: TopicOptions): string[] {
  const { discoveryKey, proofKey, beaconKey } = openTopic(options)
  return [discoveryKey, proofKey, beaconKey].map(toHex)
}

test('topic - the same name gives the same keys, each of 32 bytes and unlike the others', (t) => {
  const keys = keysOf(HOME)
  t.alike(keysOf(HOME), keys)
  t.ok(keys.every((key) => key.length === 64))
  t.is(new Set(keys).size, 3)
})

test('topic - name and secret each change every key', (t) => {
  const variants: TopicOptions[] = [
    HOME,
    { ...HOME, name: 'Home' },
    { ...HOME, name: 'home 2' },
    { ...HOME, secret: 'a' },
    { ...HOME, secret: 'b' },
    { ...HOME, name: 'homea', secret: 'b' },
    { ...HOME, name: 'home', secret: 'ab' }
  ]
  const keys = variants.flatMap(keysOf)
  t.is(new Set(keys).size, keys.length)
})

test('topic - the keys are frozen: another version of the program finds the same topic', (t) => {
  t.is(keysOf(HOME)[0], 'd05bde94f5a2886ee9602239f893b4ca84f880465252b424eaba8a9e7eeeee9a')
  t.is(
    keysOf({ ...HOME, secret: 'correct horse' })[0],
    '7f12f3a7fc1dad5214d6f3a2854ebf30a7415ece8c75c881bdafef21ebe986de'
  )
})

test('topic - the root of an invite opens the topic that its secret does, under any name', (t) => {
  const typed = openTopic({ ...HOME, secret: 'correct horse' })
  const invited = { ...HOME, secret: typed.inviteRoot as Uint8Array }
  t.alike(keysOf(invited), keysOf({ ...HOME, secret: 'correct horse' }))
  t.alike(keysOf({ ...invited, name: 'cottage' }), keysOf(invited))
  t.is(openTopic(invited).sentence, typed.sentence)
  t.is(openTopic(HOME).inviteRoot, null, 'a name is its own invite')
})

test('topic - reach follows name, secret and flags', (t) => {
  const table: [Partial<TopicOptions>, string][] = [
    [{}, 'none'],
    [{ secret: 's' }, 'public'],
    [{ public: true }, 'public'],
    [{ secret: 's', public: true }, 'public'],
    [{ lanOnly: true }, 'none'],
    [{ secret: 's', lanOnly: true }, 'none'],
    [{ bootstrap: true }, 'given'],
    [{ secret: 's', bootstrap: true }, 'given'],
    [{ secret: 's', bootstrap: true, lanOnly: true }, 'given']
  ]
  for (const [options, reach] of table) {
    t.is(openTopic({ ...HOME, ...options }).dht, reach, JSON.stringify(options))
  }
})

test('topic - the sentence says who can join and from where', (t) => {
  t.is(
    openTopic(HOME).sentence,
    "Anyone who knows or guesses its name can join 'home', on this local network."
  )
  t.is(
    openTopic({ ...HOME, secret: 's' }).sentence,
    "Only who has its secret can join 'home', from anywhere, through the public DHT."
  )
  t.ok(openTopic({ ...HOME, public: true }).sentence.startsWith('Anyone'))
  t.ok(openTopic({ ...HOME, bootstrap: true }).sentence.includes('given bootstrap'))
})

test('topic - a name is trimmed and composed alike whatever keyboard made it', (t) => {
  t.alike(keysOf({ ...HOME, name: '  home ' }), keysOf(HOME))
  t.alike(keysOf({ ...HOME, name: 'ku\u0308che' }), keysOf({ ...HOME, name: 'k\u00fcche' }))
})

test('topic - names, secrets and flags that cannot be used are refused', (t) => {
  const bad: Partial<TopicOptions>[] = [
    { name: '' },
    { name: '   ' },
    { name: 'n'.repeat(65) },
    { name: 'ü'.repeat(33) },
    { name: 'a\nb' },
    { name: 'swarm1ybndr' },
    { name: ' Swarm2 of mine' },
    { secret: new Uint8Array(31) },
    { name: 'a\u202eb' },
    { name: 'a\ud800' },
    { secret: '' },
    { secret: 's'.repeat(1025) },
    { public: true, lanOnly: true }
  ]
  for (const options of bad) {
    try {
      openTopic({ ...HOME, ...options })
      t.fail(JSON.stringify(options))
    } catch (error) {
      t.is((error as SwarmError).code, 'USAGE_BAD_VALUE', JSON.stringify(options).slice(0, 40))
    }
  }
})
