import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { canonicalRoomName } from '../../src/room-name.ts'
import { CliPeer, RpcFailure, whyNoCommand } from '../support/cli-peer.ts'
import { dataDirOf, FACES, type Face, startChat } from '../support/face.ts'
import { hostileCommand } from '../support/hostile-command.ts'
import { brokenTexts, FAKE_LINE, hostileNames, hostileTexts, SENDER } from '../support/hostile-texts.ts'
import { canRun } from '../support/requirements.ts'
import { violationsIn } from '../support/terminal-output.ts'
import { Terminal, whyNoTmux } from '../support/tmux.ts'

const suiteOf = suite('system/hostile-terminal')
const test = canRun(whyNoCommand(), whyNoTmux()) ? suiteOf : suiteOf.skip

const ROOM = 'lobby'
/** Nothing but this machine is spoken to. */
const QUIET = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']
/** Beside the lobby: so many that they are a burden, not a wait. */
const MAX_ROOMS = 40
const INTERRUPTED = 130

/** What of it the rules for rooms let pass, each once. */
function hostileRooms(): string[] {
  const rooms = new Set<string>()
  for (const name of hostileNames) {
    try {
      rooms.add(canonicalRoomName(name))
    } catch (error) {
      assert.is((error as Error).name, 'InvalidArgumentError')
    }
  }
  rooms.delete(ROOM)
  return [...rooms].slice(0, MAX_ROOMS)
}

/** Through the API, which takes more names than the command line does. */
async function joinBefore(dataDir: string, rooms: readonly string[]): Promise<void> {
  const peer = await CliPeer.start({ dataDir, args: [ROOM, '--offline', ...QUIET] })
  try {
    for (const room of rooms) await peer.request('join', { room })
    assert.is(await peer.stop(), 0)
  } finally {
    await peer.kill()
  }
}

/** A hostile peer, and a person who reads it. */
async function withBoth(
  face: Face,
  columns: number,
  rooms: string[],
  work: (mallory: CliPeer, alice: Terminal) => Promise<void>,
): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'p2pnode-hostile-'))
  let mallory: CliPeer | undefined
  let alice: Terminal | undefined
  try {
    mallory = await CliPeer.start({ dataDir, file: await hostileCommand(), args: [ROOM, '--name', SENDER, ...QUIET] })
    alice = await Terminal.open({ columns })
    for (const room of rooms) await mallory.request('join', { room })
    if (rooms.length > 0) await joinBefore(dataDirOf(alice), rooms)
    const before = alice.modes()
    const address = mallory.ready.addresses[0] ?? ''
    await startChat(alice, { face, rooms: [ROOM], args: ['--name', 'Alice', '--connect', address, ...QUIET] })
    await mallory.waitFor('member', ({ member, change }) => change === 'joined' && !member.self)
    await work(mallory, alice)
    alice.press('C-c')
    assert.is(await alice.ended(), INTERRUPTED)
    const { before: lineBefore, after: lineAfter } = alice.lines()
    assert.is(lineAfter, lineBefore)
    assert.equal(violationsIn(await alice.rawToNow(), face.own), [])
    assert.equal(alice.modes(), before)
  } finally {
    alice?.kill()
    await mallory?.kill()
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Says a last word; resolves when it is read, and when what is typed as an answer is sent. */
async function talkOn(face: Face, mallory: CliPeer, alice: Terminal): Promise<void> {
  await mallory.send(ROOM, 'that was all')
  await alice.see(face.message(SENDER, 'that was all'))
  await alice.see(face.input(ROOM))
  alice.type('and I can still type')
  await alice.see(face.input(ROOM, 'and I can still type'))
  alice.press('Enter')
  await mallory.waitFor('message', ({ text }) => text === 'and I can still type')
}

/** Without white space: where lines are wrapped is for the face to say. */
const everythingShown = (terminal: Terminal): string => terminal.scrollback({ joined: true }).join('').replace(/\s+/g, '')

const linesThatLie = (terminal: Terminal): string[] => terminal.scrollback().filter((line) => line.startsWith(FAKE_LINE))

for (const face of FACES) {
  test(`${face.name}: ${hostileTexts.length} hostile texts leave no byte of theirs, and can be read`, () =>
    withBoth(face, 120, [], async (mallory, alice) => {
      assert.ok(hostileTexts.length >= 200)
      for (const { texts } of hostileTexts) for (const text of texts) await mallory.send(ROOM, text)
      for (const text of brokenTexts) {
        const refusal = await mallory.send(ROOM, text).catch((error: unknown) => error)
        assert.instance(refusal, RpcFailure)
      }
      await talkOn(face, mallory, alice)
      const shown = everythingShown(alice)
      const lost = hostileTexts.filter(({ letters }) => !letters.every((word) => shown.includes(word)))
      assert.equal(lost, [])
    }))

  test(`${face.name}: no hostile text puts words into another's mouth`, () =>
    withBoth(face, 80, [], async (mallory, alice) => {
      const liars = hostileTexts.filter(({ texts }) => texts.some((text) => text.includes(FAKE_LINE)))
      for (const { texts } of liars) for (const text of texts) await mallory.send(ROOM, text)
      await talkOn(face, mallory, alice)
      assert.equal(linesThatLie(alice), [])
    }))

  test(`${face.name}: ${hostileNames.length} hostile names of a person leave no byte of theirs`, () =>
    withBoth(face, 120, [], async (mallory, alice) => {
      for (const [index, name] of hostileNames.entries()) {
        await mallory.request('setProfile', { name })
        await mallory.send(ROOM, `under name ${index}.`)
      }
      await mallory.request('setProfile', { name: SENDER })
      await talkOn(face, mallory, alice)
      const shown = everythingShown(alice)
      assert.equal(
        hostileNames.filter((_, index) => !shown.includes(`:undername${index}.`)),
        [],
      )
      assert.equal(linesThatLie(alice), [])
    }))

  test(`${face.name}: rooms with hostile names leave no byte of theirs`, () => {
    const rooms = hostileRooms()
    assert.ok(rooms.length > 20, `${rooms.length} rooms`)
    return withBoth(face, 200, rooms, async (mallory, alice) => {
      for (const [index, room] of rooms.entries()) {
        await mallory.send(room, `outside of room ${index}`)
        if (face.mixed) await alice.see(new RegExp(`: outside of room ${index}$`, 'm'))
        // The first is the lobby.
        alice.type(`/switch ${index + 2}`)
        alice.press('Enter')
        await alice.see(face.message(SENDER, `outside of room ${index}`))
        await mallory.send(room, `in room ${index}.`)
        await alice.see(face.message(SENDER, `in room ${index}.`))
      }
      alice.type('/switch lobby')
      alice.press('Enter')
      await talkOn(face, mallory, alice)
      const shown = everythingShown(alice)
      assert.equal(
        rooms.filter((_, index) => !shown.includes(`:inroom${index}.`)),
        [],
      )
    })
  })
}

suiteOf.run()
