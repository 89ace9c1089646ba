import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { NameBook, skeleton } from '../../src/view/names.ts'
import { author } from '../support/fake-client.ts'

const test = suite('view/names')

test('a name that only one person has stands alone', () => {
  const names = new NameBook()
  assert.is(names.show(author('bob')), 'bob')
  assert.is(names.show(author('alice')), 'alice')
  assert.is(names.show(author('bob')), 'bob')
})

test('equal names are told apart by their keys', () => {
  const names = new NameBook()
  const [one, two] = [author('bob', 'account-1'), author('bob', 'account-2')]
  names.add(one)
  names.add(two)
  assert.is(names.show(one), `bob·${one.fingerprint.slice(0, 4)}`)
  assert.is(names.show(two), `bob·${two.fingerprint.slice(0, 4)}`)
})

test('names that look alike are told apart by their keys', () => {
  const twins = [
    ['bob', 'b0b'],
    ['bob', 'BOB'],
    ['bob', 'bоb'],
    ['bob', 'bob\u200b'],
    ['bob', 'bob '],
    ['bob', 'b\u0301ob'],
    ['alice', 'aIice'],
    ['alice', 'a1ice'],
    ['alice', 'аlісе'],
    ['modern', 'modem'],
    ['modeгη', 'modem'],
    ['ＡＬＩＣＥ', 'alice'],
  ]
  for (const [left = '', right = ''] of twins) {
    const names = new NameBook()
    names.add(author(left, 'account-1'))
    assert.match(names.show(author(right, 'account-2')), /·[0-9a-f]{4}$/, `${left} ${right}`)
  }
})

test('whoever takes another name frees the old one', () => {
  const names = new NameBook()
  names.add(author('bob', 'account-1'))
  names.add(author('bob', 'account-2'))
  names.add(author('robert', 'account-2'))
  assert.is(names.show(author('bob', 'account-1')), 'bob')
})

test('keys that begin alike get longer suffixes', () => {
  const names = new NameBook()
  const one = { account: '1', name: 'bob', fingerprint: 'abcd1234abcd1234' }
  const two = { account: '2', name: 'bob', fingerprint: 'abcd1934abcd1234' }
  names.add(one)
  assert.is(names.show(two), 'bob·abcd19')
  assert.is(names.show(one), 'bob·abcd12')
})

test('finds whoever is meant by the name that is shown', () => {
  const names = new NameBook()
  const [one, two] = [author('bob', 'account-1'), author('bob', 'account-2')]
  names.add(one)
  names.add(two)
  assert.is(names.account(names.show(two)), 'account-2')
  assert.is(names.account(one.fingerprint), 'account-1')
  assert.is(names.account('nobody'), 'nobody')
})

test('a skeleton is its own skeleton', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (name) => assert.is(skeleton(skeleton(name)), skeleton(name))),
    { examples: [['゛'], ['´ ¨'], ['rη'], ['ѵν']] },
  )
})

test.run()
