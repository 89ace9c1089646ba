/** What one writes while the other is switched off is there when they come back, even if the writer has gone by then. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RelayStatus } from '../../bootstrap/status.ts'
import type { Message } from '../../src/client/client.ts'
import { CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { canRun } from '../support/requirements.ts'
import { waitFor } from '../support/wait-for.ts'

const suiteOf = suite('system/keep')
const test = canRun(whyNoCommand()) ? suiteOf : suiteOf.skip

const ROOM = 'canary-harbour'
const MESSAGES = 100
const PATIENCE = 30_000

class Setting {
  readonly base = mkdtempSync(join(tmpdir(), 'p2pnode-keep-'))
  readonly #all: CliPeer[] = []

  async start(name: string, command: 'start' | 'relay', args: string[]): Promise<CliPeer> {
    const peer = await CliPeer.start({ dataDir: join(this.base, name), command, args })
    this.#all.push(peer)
    return peer
  }

  relay(...args: string[]): Promise<CliPeer> {
    return this.start('relay', 'relay', ['--listen', '/ip4/127.0.0.1/tcp/0', ...args])
  }

  person(name: string, relay: CliPeer, ...args: string[]): Promise<CliPeer> {
    const listen = ['--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']
    return this.start(name, 'start', [ROOM, ...listen, '--relay', relay.ready.addresses[0] ?? '', ...args])
  }

  /** Alice writes, waits until the relay has it all, and goes. */
  async writtenAndGone(relay: CliPeer, ...args: string[]): Promise<string[]> {
    const alice = await this.person('alice', relay, '--name', 'Alice', ...args)
    const ids: string[] = []
    for (let n = 0; n < MESSAGES; n++) ids.push((await alice.send(ROOM, `canary ${n}`)).id)
    const kept = async (): Promise<boolean> => {
      const { messages } = await alice.request<{ messages: Message[] }>('history', { room: ROOM, limit: MESSAGES })
      return messages.length === MESSAGES && messages.every(({ held }) => held?.keepers === 1)
    }
    await waitFor(kept, 'the relay to hold everything', PATIENCE)
    assert.is(await alice.stop(), 0)
    return ids
  }

  async end(): Promise<void> {
    await Promise.all(this.#all.map((peer) => peer.kill()))
    rmSync(this.base, { recursive: true, force: true })
  }
}

async function withSetting(work: (setting: Setting) => Promise<void>): Promise<void> {
  const setting = new Setting()
  try {
    await work(setting)
  } finally {
    await setting.end()
  }
}

test('what Alice wrote reaches Bob, who comes when she has gone, also after the relay was restarted', () =>
  withSetting(async (setting) => {
    const relay = await setting.relay('--keep', 'open')
    const ids = await setting.writtenAndGone(relay)
    assert.is(await relay.stop(), 0)
    const again = await setting.relay('--keep', 'open')
    const bob = await setting.person('bob', again, '--name', 'Bob')
    await waitFor(async () => (await bob.digest(ROOM)).count === MESSAGES, 'all of it', PATIENCE)
    assert.equal(
      (await bob.history(ROOM)).map(({ id, author }) => [id, author.name]),
      ids.map((id) => [id, 'Alice']),
    )
    const { kept } = await again.request<RelayStatus>('status')
    assert.is(kept?.rooms.length, 1)
    // Nothing of it can be read where it is kept, nor in what the relay says of it.
    const directory = join(setting.base, 'relay', 'relay')
    const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const bytes = files.map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1')).join('|')
    assert.not.match(`${bytes}${JSON.stringify(kept)}`, /canary|Alice/)
  }))

test('a relay keeps for whom its operator says, and says so to the others', () =>
  withSetting(async (setting) => {
    const token = join(setting.base, 'token')
    writeFileSync(token, 'for friends only\n')
    const relay = await setting.relay('--keep-token-file', token)
    const stranger = await setting.person('mallory', relay)
    const { message } = await stranger.waitFor('warning', ({ code }) => code === 'KEEPER_REFUSED', PATIENCE)
    assert.match(message, /keep/)
    await stranger.kill()
    assert.is((await relay.request<RelayStatus>('status')).kept?.rooms.length, 0)
    assert.is((await setting.writtenAndGone(relay, '--keep-token-file', token)).length, MESSAGES)
    assert.is((await relay.request<RelayStatus>('status')).kept?.rooms.length, 1)
  }))

test('a relay that was not asked to keep stores nothing', () =>
  withSetting(async (setting) => {
    const relay = await setting.relay()
    const alice = await setting.person('alice', relay)
    await alice.send(ROOM, 'canary')
    const registered = async (): Promise<boolean> => (await relay.request<RelayStatus>('status')).registrations.length === 1
    await waitFor(registered, 'Alice to be known there', PATIENCE)
    assert.is((await relay.request<RelayStatus>('status')).kept, undefined)
  }))

suiteOf.run()
