/** Adversaries that know the room's secret: an open room has such members. What an outsider tries is in outsider.ts. */
import { concatBytes } from '@noble/hashes/utils.js'
import { encodeBeacon, State } from '../../src/chat/beacon.ts'
import { encodeCbor } from '../../src/chat/cbor.ts'
import { MAX_RUN_BYTES } from '../../src/chat/constants.ts'
import { decodeRun, encodeRun, type Run, suffixOf, VERSION } from '../../src/chat/event.ts'
import type { Page } from '../../src/chat/frontier.ts'
import { bytesToHex, hexToBytes } from '../../src/chat/hex.ts'
import { encodeMessage, type SyncMessage } from '../../src/chat/sync-codec.ts'
import { encoded, Hostile, type Tamper } from './hostile.ts'
import { startOutsider } from './outsider.ts'
import type { AdversaryName } from './scenario.ts'
import type { World } from './world.ts'

const second = 1000
const TEN_YEARS = 3652 * 24 * 3600 * second
const honest: Tamper = (_, bytes) => [bytes]

export async function startAdversary(world: World, name: AdversaryName, address: number): Promise<Hostile> {
  const hostile = await Hostile.enter(world, address)
  hostile.onGossip = (bytes) => {
    hostile.log.ingest(bytes, 'gossip')
    return 'accept'
  }
  starters[name](hostile)
  return hostile
}

const starters: Record<AdversaryName, (hostile: Hostile) => void> = {
  headerLiar,
  frontRunner,
  flooder,
  forger,
  outsider: startOutsider,
  forker,
  twin,
  withholder,
  beaconLiar,
  frontierLiar,
  malformer,
  replayer,
}

/** The run it was handed, if it is one. */
function runOf(hostile: Hostile, bytes: Uint8Array): Run | undefined {
  try {
    return decodeRun(bytes, hostile.world.crypto)
  } catch {
    return undefined // a beacon
  }
}

const withoutBodies = (run: Run, keep: (index: number) => boolean): Run => ({
  ...run,
  entries: run.entries.map((entry, i) => (keep(i) ? entry : { ...entry, body: undefined })),
})

/** Passes on and serves headers without bodies, hoping that everybody will think to have them. */
function headerLiar(hostile: Hostile): void {
  const { random } = hostile.world
  const strip = (run: Run): Uint8Array => encodeRun(withoutBodies(run, () => random.chance(0.2)))
  hostile.onGossip = (bytes, from) => {
    const run = runOf(hostile, bytes)
    hostile.log.ingest(bytes, 'gossip')
    if (run !== undefined)
      hostile.whisper(
        hostile.peers.filter((peer) => peer !== from),
        strip(run),
      )
    return 'ignore'
  }
  hostile.syncs(4 * second, 30 * second, () => (message, bytes) => {
    if (message.type !== 'runs') return [bytes]
    return encoded({ type: 'runs', runs: message.runs.map((each) => strip(decodeRun(each, hostile.world.crypto))) })
  })
}

/** Is faster than the others with a broken signature, or with the end of a run only. */
function frontRunner(hostile: Hostile): void {
  const { random } = hostile.world
  hostile.onGossip = (bytes, from) => {
    hostile.log.ingest(bytes, 'gossip')
    const run = runOf(hostile, bytes)
    const forged = Uint8Array.from(bytes)
    const at = forged.length - 1 - random.below(64)
    forged[at] = (forged[at] as number) ^ (1 << random.below(8))
    const others = hostile.peers.filter((peer) => peer !== from)
    hostile.whisper(others, forged)
    if (run !== undefined && run.entries.length > 1)
      hostile.whisper(others, encodeRun(suffixOf(run, 1 + random.below(run.entries.length - 1))))
    return random.chance(0.5) ? 'accept' : 'ignore'
  }
  hostile.syncs(5 * second, 40 * second, () => honest)
}

/** Junk of every kind on the topic and on streams, and a few authors more than anybody needs. */
function flooder(hostile: Hostile): void {
  const { random, crypto } = hostile.world
  let heard: Uint8Array = new Uint8Array(100)
  hostile.onGossip = (bytes) => {
    heard = bytes
    return 'accept'
  }
  const kinds = [
    () => crypto.randomBytes(random.below(400)),
    () =>
      encodeCbor([
        1,
        hostile.keys.tag,
        crypto.randomBytes(32),
        1,
        new Uint8Array(32),
        [[1, crypto.randomBytes(50)]],
        crypto.randomBytes(64),
      ]),
    () => encodeCbor([16, hostile.keys.tag, crypto.randomBytes(32), 1, 1, crypto.randomBytes(80), crypto.randomBytes(64)]),
    () => heard.subarray(0, random.below(heard.length)),
    () => concatBytes(heard, Uint8Array.of(random.below(256))),
    () => new Uint8Array(random.chance(0.1) ? MAX_RUN_BYTES + 1 : 3000),
    () => new Uint8Array(random.below(2000)).fill(0x81),
  ]
  hostile.every(100, 2 * second, () => hostile.whisper(hostile.peers, random.pick(kinds)()))
  hostile.everyWriting(2 * second, 20 * second, () => hostile.publish(hostile.write(hostile.author(), [{}])))
  hostile.every(5 * second, 30 * second, () => {
    void hostile.call(async (channel) => {
      for (let i = random.below(5); i >= 0; i--) await channel.send(random.pick(kinds)())
    })
  })
}

/** Writes in the name of others, whose keys it does not have: at the end of their logs, in the middle, and as newcomers. */
function forger(hostile: Hostile): void {
  const { random, crypto } = hostile.world
  hostile.every(2 * second, 10 * second, () => {
    const victims = [...hostile.log.authors()].filter(({ last }) => last !== undefined)
    if (victims.length === 0) return
    const { key, last } = random.pick(victims)
    const { seed } = hostile.author()
    const [seq, id] = random.chance(0.7) ? [last?.seq ?? 0, last?.id] : [0, undefined]
    const run = hostile.compose({ seed, key, seq, last: id === undefined ? undefined : hexToBytes(id) }, [{ text: 'forged' }])
    const signature = random.pick([run.signature, new Uint8Array(64), crypto.randomBytes(64)])
    hostile.whisper(hostile.peers, encodeRun({ ...run, signature }))
  })
}

/** Writes three events twice in the same places, again from the middle of a branch, and tells each half of the room another story. */
function forker(hostile: Hostile): void {
  const { random } = hostile.world
  const told = (run: Run): void => {
    const some = random.shuffled(hostile.peers)
    const cut = random.below(run.entries.length)
    hostile.whisper(some.slice(0, Math.ceil(some.length / 2)), encodeRun(random.chance(0.7) ? run : suffixOf(run, cut)))
  }
  const story = (): void => {
    const author = hostile.author()
    if (random.chance(0.8)) told(hostile.write(author, [{}, {}].slice(0, 1 + random.below(2))))
    for (let branch = 2 + random.below(2); branch > 0; branch--) {
      const own = { ...author }
      const first = hostile.write(own, [{ parents: hostile.heads() }])
      told(first)
      const middle = { ...own }
      told(hostile.write(own, [{}, {}]))
      if (random.chance(0.5)) told(hostile.write(middle, [{}, { parents: hostile.heads() }, {}]))
    }
  }
  hostile.everyWriting(5 * second, 30 * second, story)
  hostile.syncs(8 * second, 40 * second, () => honest)
}

/** Two events in one place whose ids begin with the same 8 bytes: one for each half of the room. */
function twin(hostile: Hostile): void {
  const { random, crypto } = hostile.world
  hostile.everyWriting(5 * second, 30 * second, () => {
    const author = hostile.author()
    if (random.chance(0.7)) hostile.publish(hostile.write(author, [{}]))
    const [header, second_] = [1, 2].map(() => hostile.compose(author, [{}])) as [Run, Run]
    crypto.arrangeTwins?.(headerOf(header), headerOf(second_))
    const branches = [header, second_].map((run) => hostile.recomposed(author, run))
    for (const [i, peer] of random.shuffled(hostile.peers).entries()) hostile.whisper([peer], encodeRun(branches[i % 2] as Run))
    for (const run of branches)
      if (random.chance(0.5))
        hostile.whisper(
          hostile.peers.slice(0, 1),
          encodeRun(hostile.write({ ...author, seq: author.seq + 1, last: run.ids[0] }, [{}])),
        )
  })
}

/** What the id of a run's first event is the hash of. */
function headerOf(run: Run): Uint8Array {
  const [entry] = run.entries
  if (entry === undefined) throw new TypeError('an empty run')
  return encodeCbor([VERSION, run.roomTag, run.author, run.firstSeq, run.prevId, entry.kind, entry.bodyLength, entry.bodyHash])
}

/** Shows what follows and keeps back what it follows, written ten years from now, to drop it into the middle of everything later. */
function withholder(hostile: Hostile): void {
  const { random, time } = hostile.world
  hostile.everyWriting(5 * second, 30 * second, () => {
    const [hidden, shown] = [hostile.author(), hostile.author()]
    const hlc = hostile.clock.now() + random.pick([TEN_YEARS, -TEN_YEARS, 50 * second, 3600 * second])
    const withheld = hostile.write(hidden, [{ hlc, parents: hostile.heads() }])
    const follows = hostile.write(hidden, [{ hlc: random.pick([hlc, hostile.clock.now()]) }, {}])
    const id = (withheld.ids[0] as Uint8Array).slice(0, 16)
    const child = hostile.write(shown, [{ parents: [id] }, { hlc: random.pick([0, hostile.clock.now()]) }])
    for (const run of [follows, child]) if (random.chance(0.8)) hostile.publish(run)
    time.after(random.between(1, 60) * second, () => {
      if (!hostile.world.healed) hostile.whisper(random.shuffled(hostile.peers).slice(0, 1), encodeRun(withheld))
    })
  })
}

/** Beacons with digests and tips out of thin air. */
function beaconLiar(hostile: Hostile): void {
  const { random, crypto } = hostile.world
  const author = hostile.author()
  let counter = 0
  hostile.everyWriting(30 * second, 60 * second, () => hostile.publish(hostile.write(author, [{}])))
  hostile.every(2 * second, 10 * second, () => {
    const tips = [...hostile.log.authors()].map(({ name, last }) => ({
      author: name.slice(0, 32),
      seq: (last?.seq ?? 0) + random.below(3),
      id: random.chance(0.5) ? (last?.id ?? name).slice(0, 32) : bytesToHex(crypto.randomBytes(16)),
    }))
    const state = random.pick([State.online, State.offline, State.left, State.typing, State.away, 99])
    const beacon = {
      author: author.key,
      start: hostile.clock.now(),
      counter: counter++,
      state,
      digest: crypto.randomBytes(16),
      tips: tips.slice(0, 32),
    }
    hostile.endpoint.publish(hostile.keys.topic, encodeBeacon(beacon, hostile.keys, author.seed, crypto))
  })
  hostile.syncs(10 * second, 60 * second, () => honest)
}

/** Claims in sync what it never delivers. */
function frontierLiar(hostile: Hostile): void {
  const { random, crypto } = hostile.world
  const invented = (): string => bytesToHex(crypto.randomBytes(16))
  const swollen = ({ author, segments }: Page): Page => {
    const [newest] = segments
    const from = newest === undefined || random.chance(0.3) ? 1 : newest.to + 1
    return { author, segments: [{ from, to: from + random.pick([0, 3, 2 ** 40]), end: invented() }, ...segments].slice(0, 64) }
  }
  const lie = (message: SyncMessage, bytes: Uint8Array): ReturnType<Tamper> => {
    if (message.type === 'summary') return encoded({ ...message, digest: crypto.randomBytes(16) })
    if (message.type === 'pages') {
      const pages = message.pages.map((page) => (random.chance(0.5) ? swollen(page) : page))
      return encoded({ ...message, pages: [...pages, swollen({ author: invented(), segments: [] })] })
    }
    if (message.type === 'runs') return random.chance(0.7) ? [] : [bytes]
    return message.type === 'served' && random.chance(0.3) ? 'silence' : [bytes]
  }
  hostile.syncs(4 * second, 30 * second, () => lie)
}

/** Breaks the rules of the conversation once, somewhere. */
function malformer(hostile: Hostile): void {
  const { random, crypto } = hostile.world
  const broken = (message: SyncMessage, bytes: Uint8Array): ReturnType<Tamper> => {
    const flipped = Uint8Array.from(bytes)
    flipped[random.below(bytes.length)] = random.below(256)
    return random.pick<() => ReturnType<Tamper>>([
      () => [flipped],
      () => [bytes.subarray(0, random.below(bytes.length))],
      () => [bytes, bytes],
      () => [crypto.randomBytes(100)],
      () => [new Uint8Array()],
      () => encoded({ type: 'served' }),
      () => encoded({ type: 'runs', runs: [crypto.randomBytes(200)] }),
      () => encoded({ type: 'hello', roomTag: hostile.keys.tag, nonce: crypto.randomBytes(32) }),
      () =>
        encoded({ type: 'wants', wants: [{ author: 'ff'.repeat(16), end: '00'.repeat(16), from: 1, to: 2 ** 47 }], last: true }),
      () => [encodeCbor([4, [[crypto.randomBytes(16), []]], message.type === 'pages', 'no'])],
      () => 'silence',
      () => 'end',
    ])()
  }
  hostile.syncs(3 * second, 15 * second, () => {
    let left = random.below(9)
    return (message, bytes) => (left-- === 0 ? broken(message, bytes) : [encodeMessage(message)])
  })
}

/** Says again what was said before: to those who forgot, to those who were not there, and in another room. */
function replayer(hostile: Hostile): void {
  const { world } = hostile
  const { random } = world
  const heard: Uint8Array[] = []
  hostile.onGossip = (bytes) => {
    if (heard.length < 400) heard.push(bytes)
    return 'accept'
  }
  void world.keysOf('side').then(({ topic }) => {
    hostile.every(300, 5 * second, () => {
      if (heard.length === 0) return
      const bytes = random.pick(heard)
      if (random.chance(0.7)) hostile.whisper(hostile.peers, bytes)
      else hostile.endpoint.publishTo(hostile.peers, topic, bytes)
    })
  })
}
