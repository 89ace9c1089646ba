import { createHash } from 'node:crypto'
import { base32 } from 'multiformats/bases/base32'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { hashOf, namespaceKey } from '../../../src/node/dht/namespace-key.ts'

const test = suite('node/dht/namespace-key')

const NAMESPACE = 'p2pnode/000102030405060708090a0b0c0d0e0f'

test('what a namespace is provided under is the SHA-256 of its bytes, as a multihash', () => {
  const hash = createHash('sha256').update(NAMESPACE).digest('hex')
  const key = namespaceKey(NAMESPACE)
  assert.is(Buffer.from(key.multihash.bytes).toString('hex'), `1220${hash}`)
  assert.is(key.toString(), 'bafkreib5nafq5uj2hm6oob42vexejhtqmreyicyd7msfcfapbf4fat3jue')
})

test('the hash in a key is that of the namespace', () => {
  const { multihash } = namespaceKey(NAMESPACE)
  const name = base32.baseEncode(multihash.bytes)
  assert.is(hashOf(name), createHash('sha256').update(NAMESPACE).digest('hex'))
})

test.run()
