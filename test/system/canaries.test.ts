import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mnemonicToEntropy } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { deriveRoomKeys, lockedRoomSecret, openRoomSecret } from '../../src/chat/room-keys.ts'
import { nativeCrypto as crypto } from '../../src/native-crypto.ts'
import { canonicalRoomName } from '../../src/room-name.ts'
import { Capture, whyNoCapture } from '../support/capture.ts'
import { CliPeer, whyNoCommand } from '../support/cli-peer.ts'
import { canRun } from '../support/requirements.ts'
import { waitFor } from '../support/wait-for.ts'

const COMMAND = join(import.meta.dirname, '../../dist/cli/p2pnode.js')

const suiteOf = suite('system/canaries')
const test = canRun(whyNoCommand(), whyNoCapture()) ? suiteOf : suiteOf.skip

/** Where all of this takes place, and nothing else. */
const HOST = '127.0.78.1'
const OPEN_ROOM = 'zanzibar-lighthouse'
const LOCKED_ROOM = 'quetzal-workshop'
const ROOM_PASSPHRASE = 'ostrich velvet marmalade'
const STORE_PASSPHRASE = 'periwinkle bassoon harvest'
const NAMES = ['Xanthippe Quillfeather', 'Bartholomew Nightingale']
const PREFERENCE = 'a thimble full of moonshine'
const TEXTS = [
  'the kumquats are in the cellar',
  'jabberwocky at midnight',
  'a wildebeest in the library',
  'seventeen purple umbrellas',
]

/** Everything that must be found nowhere, as it may be written. */
function canaries(phrase: string): Map<string, Buffer> {
  const needles = new Map<string, Buffer>()
  const text = (what: string, value: string): void => {
    needles.set(what, Buffer.from(value))
    needles.set(`${what} in base64`, Buffer.from(Buffer.from(value).toString('base64').slice(0, -4)))
    needles.set(`${what} in hex`, Buffer.from(Buffer.from(value).toString('hex')))
  }
  const key = (what: string, bytes: Uint8Array): void => {
    needles.set(what, Buffer.from(bytes))
    needles.set(`${what} in hex`, Buffer.from(Buffer.from(bytes).toString('hex')))
    needles.set(`${what} in base64`, Buffer.from(Buffer.from(bytes).toString('base64').slice(0, 40)))
  }
  for (const value of [OPEN_ROOM, LOCKED_ROOM, ROOM_PASSPHRASE, STORE_PASSPHRASE, PREFERENCE, ...NAMES, ...TEXTS])
    text(value, value)
  text('recovery phrase', phrase)
  const entropy = mnemonicToEntropy(phrase, wordlist)
  key('entropy', entropy)
  key('account seed', crypto.hkdf(entropy, 'p2pnode/account/v1', 32))
  return needles
}

async function roomCanaries(needles: Map<string, Buffer>): Promise<void> {
  const open = deriveRoomKeys('open', openRoomSecret(canonicalRoomName(OPEN_ROOM), crypto), crypto)
  const locked = deriveRoomKeys('locked', await lockedRoomSecret(canonicalRoomName(LOCKED_ROOM), ROOM_PASSPHRASE, crypto), crypto)
  for (const [name, keys] of Object.entries({ open, locked })) {
    for (const each of ['secret', 'messageKey', 'controlKey', 'presenceKey', 'accessSeed'] as const) {
      needles.set(`${name} ${each}`, Buffer.from(keys[each]))
      needles.set(`${name} ${each} in hex`, Buffer.from(Buffer.from(keys[each]).toString('hex')))
    }
  }
}

function* filesUnder(dir: string): Generator<string> {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) yield* filesUnder(path)
    else if (statSync(path).isFile()) yield path
  }
}

function findings(needles: Map<string, Buffer>, paths: Iterable<string>): string[] {
  const found: string[] = []
  for (const path of paths) {
    const haystack = readFileSync(path)
    for (const [what, needle] of needles) if (haystack.includes(needle)) found.push(`${what} in ${path}`)
  }
  return found
}

test('leaves no text, name, passphrase or key in captures, data directories, their file names or logs at trace level', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'p2pnode-canaries-'))
  const capture = join(dir, 'capture.pcap')
  const storePassphrase = join(dir, 'store-passphrase')
  const roomPassphrase = join(dir, 'room-passphrase')
  writeFileSync(storePassphrase, `${STORE_PASSPHRASE}\n`, { mode: 0o600 })
  writeFileSync(roomPassphrase, `${ROOM_PASSPHRASE}\n`, { mode: 0o600 })
  mkdirSync(join(dir, 'logs'))
  const traffic = await Capture.start(capture, HOST)
  const start = (name: string, index: number, more: string[]): Promise<CliPeer> =>
    CliPeer.start({
      dataDir: join(dir, 'data', name),
      args: [
        ...[OPEN_ROOM, '--no-mdns', '--listen', `/ip4/${HOST}/tcp/0`, '--name', NAMES[index] as string],
        ...[
          '--passphrase-file',
          storePassphrase,
          '--log-level',
          'trace',
          '--log-file',
          join(dir, 'logs', `${name}.log`),
          ...more,
        ],
      ],
    })
  const alice = await start('alice', 0, [])
  const bob = await start('bob', 1, ['--connect', alice.ready.addresses[0] as string])
  for (const peer of [alice, bob]) await peer.request('join', { room: LOCKED_ROOM, passphrase: ROOM_PASSPHRASE })
  await alice.request('setPreference', { key: 'terminal.lines', value: PREFERENCE })
  await alice.send(OPEN_ROOM, TEXTS[0] as string)
  await bob.send(OPEN_ROOM, TEXTS[1] as string)
  await alice.send(LOCKED_ROOM, TEXTS[2] as string)
  await bob.send(LOCKED_ROOM, TEXTS[3] as string)
  for (const room of [OPEN_ROOM, LOCKED_ROOM]) {
    await waitFor(
      async () => (await alice.digest(room)).count === 2 && (await bob.digest(room)).count === 2,
      `both messages in ${room}`,
    )
  }
  assert.is(await alice.stop(), 0)
  assert.is(await bob.stop(), 0)
  await traffic.stop()

  const idOf = ['id', '--phrase', '--data-dir', join(dir, 'data', 'alice'), '--passphrase-file', storePassphrase, '--json']
  const id = execFileSync(process.execPath, [COMMAND, ...idOf], { encoding: 'utf8' })
  const phrase = (JSON.parse(id) as { phrase: string }).phrase
  const needles = canaries(phrase)
  await roomCanaries(needles)
  const places = [capture, ...filesUnder(join(dir, 'logs')), ...filesUnder(join(dir, 'data'))]

  assert.ok(statSync(capture).size > 10_000, 'something was captured')
  assert.ok(statSync(join(dir, 'logs', 'alice.log')).size > 10_000, 'something was logged')
  assert.ok(needles.size > 40)
  assert.equal(findings(needles, places), [])
  assert.equal(
    places.filter((path) => [...needles.values()].some((needle) => path.slice(dir.length).includes(needle.toString('latin1')))),
    [],
  )
  // The search itself finds what is there.
  const planted = join(dir, 'planted')
  writeFileSync(planted, Buffer.concat([Buffer.alloc(100), Buffer.from(TEXTS[2] as string)]))
  assert.is(findings(needles, [planted]).length, 1)
  rmSync(dir, { recursive: true })
})

suiteOf.run()
