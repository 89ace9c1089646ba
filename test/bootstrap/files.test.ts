import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SPARE_DESCRIPTORS } from '../../bootstrap/constants.ts'
import { resolveOptions } from '../../src/cli/options.ts'
import { MAX_RELAY_CONNECTIONS } from '../../src/node/constants.ts'
import { type Instruction, parseCopy, parseDockerfile } from '../support/dockerfile.ts'

const test = suite('bootstrap/files')

const root = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const { bin, files } = JSON.parse(read('package.json')) as { bin: { p2pnode: string }; files: string[] }

const stages = parseDockerfile(read('bootstrap/Dockerfile'))
const final = stages.at(-1)?.instructions ?? []
const textOf = (name: string, instructions: Instruction[] = final): string[] =>
  instructions.filter((each) => each.name === name).map(({ text }) => text)

const unit = read('bootstrap/p2pnode-relay.service')
const directives = (name: string): string[] =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value]) => value ?? '')

test('the Dockerfile copies what there is, and .dockerignore leaves just that', () => {
  const copied = stages
    .flatMap(({ instructions }) => textOf('COPY', instructions))
    .map(parseCopy)
    .filter(({ from }) => from === undefined)
    .flatMap(({ sources }) => sources)
  assert.ok(copied.length > 5)
  for (const source of copied) assert.ok(existsSync(join(root, source)), source)
  const [all, ...kept] = read('bootstrap/Dockerfile.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
  assert.is(all, '*')
  assert.equal(kept.sort(), copied.map((source) => `!${source}`).sort())
})

test('every base is pinned by a full version, and every stage that is copied from exists', () => {
  for (const { base } of stages) assert.match(base, /^[a-z]+:\d+\.\d+(\.\d+)?-[a-z-]+$/)
  const names = new Set(stages.map(({ name }) => name))
  for (const copy of textOf('COPY').map(parseCopy)) assert.ok(names.has(copy.from), copy.sources.join(' '))
})

test('the image has nothing but what is copied, and runs node on the command, as nobody', () => {
  assert.equal(textOf('RUN'), [])
  assert.match(textOf('USER')[0] ?? '', /^[1-9]\d+:[1-9]\d+$/)
  assert.equal(textOf('VOLUME'), ['/data'])
  assert.equal(JSON.parse(textOf('ENTRYPOINT')[0] ?? ''), ['node', `/app/${bin.p2pnode}`, 'relay'])
  assert.match(textOf('HEALTHCHECK')[0] ?? '', '/healthz')
  const server = read('src/node/relay/server.ts')
  for (const port of (textOf('EXPOSE')[0] ?? '').split(' ')) assert.match(server, `/tcp/${port}`)
})

test('the unit runs node on the command that the package has', () => {
  const [, program, script, command] = /^(\S+) (\S+) (\S+)$/.exec(directives('ExecStart')[0] ?? '') ?? []
  assert.is(program, '/usr/bin/node')
  assert.is(script, `/opt/p2pnode/node_modules/p2pnode/${bin.p2pnode}`)
  assert.is(command, 'relay')
  assert.ok(files.includes('bootstrap/p2pnode-relay.service'))
  assert.ok(Number(directives('LimitNOFILE')[0]) >= MAX_RELAY_CONNECTIONS + SPARE_DESCRIPTORS)
})

test('image and unit set options that there are, to what they take', () => {
  const variables = (pairs: string[]): Record<string, string> =>
    Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s, 2) as [string, string]))
  for (const env of [variables(textOf('ENV')), variables((directives('Environment')[0] ?? '').split(' '))]) {
    const own = Object.keys(env).filter((name) => name.startsWith('P2PNODE_'))
    const settings = resolveOptions({ flags: {}, env })
    assert.is(Object.keys(settings).length, own.length, own.join(' '))
    assert.is(settings.metrics, 9464)
    assert.is(settings['log-level'], 'info')
  }
})

test.run()
