import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CommandHelp, commandTable, complete, parseInput } from '../../src/view/slash.ts'

const test = suite('view/slash')

test('what does not begin with a slash is a text, as it is', () => {
  assert.equal(parseInput('hello'), { kind: 'text', text: 'hello' })
  assert.equal(parseInput('  spaced /x '), { kind: 'text', text: '  spaced /x ' })
})

test('two slashes send one', () => {
  assert.equal(parseInput('//quit'), { kind: 'text', text: '/quit' })
  assert.equal(parseInput('///'), { kind: 'text', text: '//' })
})

test('an empty line is nothing', () => {
  assert.equal(parseInput(''), { kind: 'nothing' })
  assert.equal(parseInput('   '), { kind: 'nothing' })
})

test('commands are known by their names and by the usual short ones, whatever the case', () => {
  const known = {
    '/j dev': 'join',
    '/JOIN dev': 'join',
    '/part': 'leave',
    '/n': 'names',
    '/who': 'names',
    '/w bob': 'whois',
    '/q': 'quit',
  }
  for (const [line, command] of Object.entries(known)) {
    const input = parseInput(line)
    assert.is(input.kind === 'command' && input.command, command, line)
  }
})

test('the rest of the line is the argument', () => {
  assert.equal(parseInput('/me waves at  bob '), { kind: 'command', command: 'me', rest: 'waves at  bob' })
  assert.equal(parseInput('/me\twaves'), { kind: 'command', command: 'me', rest: 'waves' })
})

test('an unknown command is never a text, and the nearest one is offered', () => {
  assert.equal(parseInput('/jion dev'), { kind: 'unknown', name: 'jion', similar: 'join' })
  assert.equal(parseInput('/leav'), { kind: 'unknown', name: 'leav', similar: 'leave' })
  assert.equal(parseInput('/xyzzy'), { kind: 'unknown', name: 'xyzzy', similar: undefined })
  assert.equal(parseInput('/'), { kind: 'unknown', name: '', similar: undefined })
  assert.equal(parseInput('/constructor'), { kind: 'unknown', name: 'constructor', similar: undefined })
})

test('nothing that begins with exactly one slash is ever sent', () => {
  fc.assert(
    fc.property(fc.string(), (rest) => {
      fc.pre(!rest.startsWith('/'))
      assert.is.not(parseInput(`/${rest}`).kind, 'text')
    }),
  )
})

test('no name stands for two commands', () => {
  const names = Object.entries(commandTable).flatMap(([name, { aliases }]: [string, CommandHelp]) => [name, ...aliases])
  assert.is(new Set(names).size, names.length)
})

const known = { rooms: ['lobby', 'dev'], names: ['alice', 'Bob·3f2a'] }

test('Tab completes commands, rooms behind those that take one, and names anywhere', () => {
  assert.equal(complete('/jo', known), [['/join '], '/jo'])
  assert.equal(complete('/join l', known), [['lobby '], 'l'])
  assert.equal(complete('/j d', known), [['dev '], 'd'])
  assert.equal(complete('/whois b', known), [['Bob·3f2a '], 'b'])
  assert.equal(complete('al', known), [['alice: '], 'al'])
  assert.equal(complete('hello al', known), [['alice '], 'al'])
  assert.equal(complete('hello ', known), [[], ''])
  assert.equal(complete('//al', known), [[], '//al'])
})

test.run()
