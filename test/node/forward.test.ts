import { multiaddr } from '@multiformats/multiaddr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { addressOf, listenIn, Peers, pubsubOf, say } from '../support/peers.ts'
import { overhear, rawPeer, whisper } from '../support/raw-gossip.ts'
import { waitFor } from '../support/wait-for.ts'

const test = suite('node/forward')
const peers = new Peers()
test.after.each(() => peers.close())

const MESSAGES = 40
const LAST = 'the last'

test('what two bring at once is forwarded to the third, and seldom back to either', async () => {
  const between = await peers.start()
  const taken = listenIn(between, 'room')
  const raw = [await rawPeer(), await rawPeer(), await rawPeer()]
  try {
    const heard = raw.map((each) => overhear(each, 'room'))
    for (const each of raw) await each.dial(multiaddr(addressOf(between)))
    await waitFor(() => pubsubOf(between).getMeshPeers('room').length === raw.length, 'all to be forwarded to')
    for (let n = 0; n < MESSAGES; n++) {
      const message = new TextEncoder().encode(`message ${n}`)
      for (const each of raw.slice(0, 2)) whisper(each, between.peerId, 'room', message)
      await waitFor(() => heard[2]?.length === n + 1, `message ${n} to be forwarded`)
    }
    assert.is(taken.length, MESSAGES)
    await say(between, 'room', LAST)
    const texts = (of: Uint8Array[] | undefined): string[] => (of ?? []).map((bytes) => new TextDecoder().decode(bytes))
    await waitFor(() => heard.every((each) => texts(each).includes(LAST)), 'what was said last')
    // Forwarded at once, each would have gone back to whichever of the two was the later.
    const back = texts([...(heard[0] ?? []), ...(heard[1] ?? [])]).filter((text) => text !== LAST)
    assert.ok(back.length < MESSAGES, `${back.length} of ${MESSAGES} went back`)
  } finally {
    for (const each of raw) await each.stop()
  }
})

test.run()
