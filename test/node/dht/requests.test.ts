import type { Connection, Stream } from '@libp2p/interface'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  MAX_ADDRESSES,
  MAX_REQUEST_BYTES,
  MAX_REQUESTERS,
  MAX_REQUESTS_PER_WINDOW,
  MAX_STREAMS,
  REQUEST_WINDOW,
} from '../../../src/node/dht/constants.ts'
import type { KadMessage } from '../../../src/node/dht/kad.ts'
import { namespaceKey } from '../../../src/node/dht/namespace-key.ts'
import { Requests } from '../../../src/node/dht/requests.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { at, peerId } from './support.ts'

const test = suite('node/dht/requests')

const [alice, bob] = [await peerId(1), await peerId(2)]
const HASH = namespaceKey('room').multihash.bytes
const CONNECTION = { remoteAddr: at('/ip4/5.5.0.1/tcp/1'), direct: true, limits: undefined } as unknown as Connection

class TestStream extends EventTarget {
  status = 'open'
  remoteWriteStatus = 'writable'
  ended: 'closed' | 'aborted' | undefined
  abort(): void {
    this.ended = 'aborted'
    this.status = 'aborted'
  }
  async close(): Promise<void> {
    this.ended = 'closed'
    this.status = 'closed'
  }
  receive(bytes: number): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: new Uint8Array(bytes) }))
  }
  asStream(): Stream {
    return this as unknown as Stream
  }
}

const ask = (type: string, key?: Uint8Array, addresses = 1): KadMessage => ({
  type,
  ...(key === undefined ? {} : { key }),
  closer: [{}],
  providers: Array.from({ length: 3 }, () => ({ multiaddrs: Array.from({ length: addresses }, () => new Uint8Array(8)) })),
})

test('what the DHT is for is answered, and nothing else', () => {
  const requests = new Requests(new VirtualClock())
  for (const type of ['GET_PROVIDERS', 'ADD_PROVIDER']) assert.is(requests.admit(alice, ask(type, HASH)).type, type)
  requests.admit(alice, ask('FIND_NODE', alice.toMultihash().bytes))
  requests.admit(alice, ask('PING'))
  for (const type of ['PUT_VALUE', 'GET_VALUE', '', 'constructor'])
    assert.throws(() => requests.admit(alice, ask(type, HASH)), /not served/)
  assert.equal(requests.counts, { served: 4, refused: 4, malformed: 0 })
})

test('what is provided is a hash, and no question is long', () => {
  const requests = new Requests(new VirtualClock())
  const other = Uint8Array.from(HASH)
  other[0] = 0x13
  for (const key of [undefined, new Uint8Array(), HASH.subarray(1), other, new Uint8Array(38)]) {
    assert.throws(() => requests.admit(alice, ask('ADD_PROVIDER', key)), /no hash/)
    assert.throws(() => requests.admit(alice, ask('GET_PROVIDERS', key)), /no hash/)
  }
  assert.throws(() => requests.admit(alice, ask('FIND_NODE', new Uint8Array(65))), /too long/)
})

test('one provider is taken from a message, with some of its addresses, and no hearsay', () => {
  const { closer, providers } = new Requests(new VirtualClock()).admit(alice, ask('ADD_PROVIDER', HASH, 100))
  assert.is(closer.length, 0)
  assert.is(providers.length, 1)
  assert.is(providers[0]?.multiaddrs.length, MAX_ADDRESSES)
})

test('who asks too often is refused for a while, and the others are not', async () => {
  const clock = new VirtualClock()
  const requests = new Requests(clock)
  for (let turn = 0; turn < MAX_REQUESTS_PER_WINDOW; turn++) requests.admit(alice, ask('PING'))
  assert.throws(() => requests.admit(alice, ask('PING')), /too many/)
  requests.admit(bob, ask('PING'))
  await clock.pass(REQUEST_WINDOW)
  requests.admit(alice, ask('PING'))
  assert.is(requests.counts.served, MAX_REQUESTS_PER_WINDOW + 2)
})

test('how many have asked is not remembered without end', () => {
  const requests = new Requests(new VirtualClock())
  const named = (name: string) => ({ toString: () => name }) as unknown as typeof alice
  for (let turn = 0; turn < MAX_REQUESTS_PER_WINDOW; turn++) requests.admit(alice, ask('PING'))
  for (let number = 0; number < MAX_REQUESTERS; number++) requests.admit(named(`peer ${number}`), ask('PING'))
  requests.admit(alice, ask('PING'))
})

test('a stream that brings too much is cut', async () => {
  const requests = new Requests(new VirtualClock())
  const stream = new TestStream()
  await requests.guarded(async () => {
    stream.receive(MAX_REQUEST_BYTES)
    assert.is(stream.ended, undefined)
    stream.receive(1)
  })(stream.asStream(), CONNECTION)
  assert.is(stream.ended, 'aborted')
})

test('what a handler throws ends its stream, and is counted when it is the other side that is to blame', async () => {
  const requests = new Requests(new VirtualClock())
  const failing = requests.guarded(async () => {
    throw new Error('malformed')
  })
  const [broken, ended, gone] = [new TestStream(), new TestStream(), new TestStream()]
  ended.remoteWriteStatus = 'closed'
  gone.status = 'reset'
  for (const stream of [broken, ended, gone]) await failing(stream.asStream(), CONNECTION)
  assert.equal([broken.ended, ended.ended, gone.ended], ['aborted', 'closed', undefined])
  assert.is(requests.counts.malformed, 1)
})

test('there are only so many streams at a time, and none through a relay', async () => {
  const requests = new Requests(new VirtualClock())
  let release: () => void = () => undefined
  const wait = new Promise<void>((resolve) => {
    release = resolve
  })
  const waiting = requests.guarded(() => wait)
  const open = Array.from({ length: MAX_STREAMS }, () => waiting(new TestStream().asStream(), CONNECTION))
  const late = new TestStream()
  await waiting(late.asStream(), CONNECTION)
  assert.is(late.ended, 'aborted')
  release()
  await Promise.all(open)
  const next = new TestStream()
  await waiting(next.asStream(), CONNECTION)
  assert.is(next.ended, undefined)
  const relayed = new TestStream()
  await waiting(relayed.asStream(), { ...CONNECTION, direct: false } as Connection)
  assert.is(relayed.ended, 'aborted')
})

test.run()
