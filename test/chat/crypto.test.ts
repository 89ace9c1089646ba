import { ed25519 } from '@noble/curves/ed25519.js'
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { portableCrypto } from '../../src/chat/crypto.ts'
import { nativeCrypto } from '../../src/native-crypto.ts'
import { fill } from './support.ts'

const test = suite('chat/crypto')
const BOTH = { native: nativeCrypto, portable: portableCrypto }
const L = ed25519.Point.CURVE().n
const bytes = (options: { min?: number; max?: number } = {}): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: options.min ?? 0, maxLength: options.max ?? 300 })
const key32 = bytes({ min: 32, max: 32 })

function scalar(value: bigint): Uint8Array {
  return hexToBytes(value.toString(16).padStart(64, '0')).reverse()
}
const number = (little: Uint8Array): bigint => BigInt(`0x${bytesToHex(Uint8Array.from(little).reverse())}`)
/** The challenge of RFC 8032: SHA-512(R || A || M) mod L. */
async function challenge(r: Uint8Array, a: Uint8Array, message: Uint8Array): Promise<bigint> {
  const hash = await globalThis.crypto.subtle.digest('SHA-512', concatBytes(r, a, message))
  return number(new Uint8Array(hash)) % L
}

/** Points of order 8, 4, 2 and 1, canonical; then encodings of some of them that are not. */
const SMALL_ORDER = [
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0000000000000000000000000000000000000000000000000000000000000080',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000080',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
].map(hexToBytes)
const TORSION = ed25519.Point.fromBytes(SMALL_ORDER[0] as Uint8Array)

/** RFC 8032, 7.1: tests 1, 2, 3 and SHA(abc). */
const RFC8032 = [
  [
    '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a',
    '',
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b',
  ],
  [
    '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
    '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
    '72',
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
  ],
  [
    'c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7',
    'fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025',
    'af82',
    '6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a',
  ],
  [
    '833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42',
    'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf',
    'ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f',
    'dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704',
  ],
] as const

for (const [name, crypto] of Object.entries(BOTH)) {
  test(`${name}: signatures are those of RFC 8032`, () => {
    for (const [secret, publicKey, message, signature] of RFC8032) {
      assert.is(bytesToHex(crypto.publicKey(hexToBytes(secret))), publicKey)
      assert.is(bytesToHex(crypto.sign(hexToBytes(secret), hexToBytes(message))), signature)
      assert.ok(crypto.verify(hexToBytes(publicKey), hexToBytes(message), hexToBytes(signature)))
      assert.not.ok(crypto.verify(hexToBytes(publicKey), hexToBytes(`${message}00`), hexToBytes(signature)))
      assert.ok(crypto.isValidKey(hexToBytes(publicKey)))
    }
  })

  test(`${name}: HKDF-SHA256 is that of RFC 5869`, () => {
    // Test case A.3; the other cases have an info that is no text.
    const okm = '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8'
    assert.is(bytesToHex(crypto.hkdf(fill(0x0b, 22), '', 42)), okm)
    assert.is(bytesToHex(crypto.hkdf(fill(0x0b, 22), '', 42, new Uint8Array(0))), okm)
  })

  test(`${name}: HKDF takes its salt and info as node:crypto does`, async () => {
    const { hkdfSync } = await import('node:crypto')
    for (const [info, salt] of [
      ['p2pnode/x/v1', fill(9, 13)],
      ['ä', fill(1)],
      ['', fill(2, 64)],
    ] as const) {
      const expected = new Uint8Array(hkdfSync('sha256', fill(5), salt, utf8ToBytes(info), 50))
      assert.equal(crypto.hkdf(fill(5), info, 50, salt), expected)
    }
  })

  test(`${name}: XChaCha20-Poly1305 opens the vector of draft-irtf-cfrg-xchacha-03 A.3.1`, () => {
    const key = hexToBytes('808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f')
    const nonce = hexToBytes('404142434445464748494a4b4c4d4e4f5051525354555657')
    const aad = hexToBytes('50515253c0c1c2c3c4c5c6c7')
    const sealed = hexToBytes(
      'bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49',
    )
    const text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
    const opened = crypto.open(key, concatBytes(nonce, sealed), aad)
    assert.is(new TextDecoder().decode(opened), text)
  })

  test(`${name}: no nonce is used twice`, () => {
    const key = fill(9)
    const nonces = Array.from({ length: 1_000 }, () => bytesToHex(crypto.seal(key, fill(1), fill(2)).subarray(0, 24)))
    assert.is(new Set(nonces).size, nonces.length)
    assert.is(new Set(nonces.map((nonce) => nonce.slice(0, 16))).size, nonces.length, 'nor do two overlap')
  })

  test(`${name}: SHA-256 of abc is that of FIPS 180-4`, () => {
    assert.is(bytesToHex(crypto.sha256(utf8ToBytes('abc'))), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  test(`${name}: the hash of parts is that of the whole, also where each part is written over the one before`, () => {
    const buffer = new Uint8Array(100)
    const parts = function* (): Generator<Uint8Array> {
      for (let n = 0; n < 5; n++) yield buffer.fill(n).subarray(0, 20 * n)
    }
    const whole = concatBytes(...[1, 2, 3, 4].map((n) => fill(n, 20 * n)))
    assert.equal(crypto.sha256Of(parts()), crypto.sha256(whole))
    assert.equal(crypto.sha256Of([]), crypto.sha256(new Uint8Array()))
  })

  test(`${name}: argon2id is v1.3 with one lane`, async () => {
    // phc-winner-argon2: argon2id, t=2, m=256 KiB, p=1, "password", "somesalt"
    const hash = await crypto.argon2id('password', concatBytes(utf8ToBytes('somesalt')), 256, 2)
    assert.is(bytesToHex(hash), '9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe')
  })

  test(`${name}: a forged signature with a point of order 8 added to R is refused`, async () => {
    // For a normal key, R' = R + T and S = r + kA fulfil the cofactored equation and not the other.
    const seed = fill(7)
    const a = ed25519.utils.getExtendedPublicKey(seed).scalar
    const publicKey = crypto.publicKey(seed)
    const message = utf8ToBytes('who am I?')
    const r = 123_456_789n
    const forgedR = ed25519.Point.BASE.multiply(r).add(TORSION).toBytes()
    const s = (r + (await challenge(forgedR, publicKey, message)) * a) % L
    const forged = concatBytes(forgedR, scalar(s))
    assert.ok(ed25519.verify(forged, message, publicKey, { zip215: true }), 'the forgery is one: the cofactored equation holds')
    assert.not.ok(crypto.verify(publicKey, message, forged))
    const honestR = ed25519.Point.BASE.multiply(r).toBytes()
    const honest = concatBytes(honestR, scalar((r + (await challenge(honestR, publicKey, message)) * a) % L))
    assert.ok(crypto.verify(publicKey, message, honest), 'made in the same way without the point it is good')
  })

  test(`${name}: a signature whose S is L or more is refused`, () => {
    const signature = crypto.sign(fill(7), fill(1))
    const s = number(signature.subarray(32))
    const larger = concatBytes(signature.subarray(0, 32), scalar(s + L))
    assert.ok(crypto.verify(crypto.publicKey(fill(7)), fill(1), signature))
    assert.not.ok(crypto.verify(crypto.publicKey(fill(7)), fill(1), larger))
  })

  test(`${name}: keys of small order, with a part of small order, or not canonical are not admitted`, () => {
    for (const key of SMALL_ORDER) assert.not.ok(crypto.isValidKey(key), bytesToHex(key))
    const mixed = ed25519.Point.fromBytes(crypto.publicKey(fill(7)))
      .add(TORSION)
      .toBytes()
    assert.not.ok(crypto.isValidKey(mixed))
    assert.not.ok(crypto.isValidKey(fill(1, 31)))
    assert.not.ok(crypto.isValidKey(new Uint8Array(0)))
    assert.not.ok(crypto.isValidKey(hexToBytes('0200000000000000000000000000000000000000000000000000000000000000')), 'no point')
    assert.ok(crypto.isValidKey(crypto.publicKey(fill(7))))
  })

  test(`${name}: verify answers false to anything malformed and never throws`, () => {
    const publicKey = crypto.publicKey(fill(7))
    const signature = crypto.sign(fill(7), fill(1))
    for (const [key, given] of [
      [publicKey, fill(0, 63)],
      [publicKey, fill(0, 65)],
      [publicKey, new Uint8Array(0)],
      [fill(2, 31), signature],
      [new Uint8Array(0), signature],
      [fill(0xff), signature],
      [publicKey, fill(0xff, 64)],
    ] as const) {
      assert.is(crypto.verify(key, fill(1), given), false)
    }
  })

  test(`${name}: what was sealed opens, and nothing else does`, () => {
    fc.assert(
      fc.property(key32, bytes(), bytes({ max: 60 }), fc.nat(), (key, plaintext, aad, at) => {
        const sealed = crypto.seal(key, plaintext, aad)
        assert.is(sealed.length, plaintext.length + 40)
        assert.equal(crypto.open(key, sealed, aad), plaintext)
        const damaged = Uint8Array.from(sealed)
        damaged[at % damaged.length] = (damaged[at % damaged.length] ?? 0) ^ 0x40
        assert.is(crypto.open(key, damaged, aad), undefined)
        assert.is(crypto.open(key, sealed, concatBytes(aad, fill(0, 1))), undefined)
        assert.is(crypto.open(key, sealed.subarray(0, -1), aad), undefined)
        assert.is(crypto.open(key, sealed.subarray(0, at % 40), aad), undefined)
      }),
      { numRuns: 200 },
    )
  })

  test(`${name}: random bytes are as many as asked for and not the same twice`, () => {
    assert.is(crypto.randomBytes(33).length, 33)
    assert.not.equal(crypto.randomBytes(16), crypto.randomBytes(16))
  })
}

test('native and portable agree on every key, signature, hash and seal', () => {
  fc.assert(
    fc.property(key32, bytes(), bytes({ max: 60 }), (seed, message, aad) => {
      assert.equal(nativeCrypto.publicKey(seed), portableCrypto.publicKey(seed))
      assert.equal(nativeCrypto.sign(seed, message), portableCrypto.sign(seed, message))
      assert.equal(nativeCrypto.sha256(message), portableCrypto.sha256(message))
      assert.equal(nativeCrypto.hkdf(seed, 'info', 40, aad), portableCrypto.hkdf(seed, 'info', 40, aad))
      assert.equal(nativeCrypto.open(seed, portableCrypto.seal(seed, message, aad), aad), message)
      assert.equal(portableCrypto.open(seed, nativeCrypto.seal(seed, message, aad), aad), message)
    }),
    { numRuns: 100 },
  )
})

test('native and portable agree on every altered signature', () => {
  fc.assert(
    fc.property(key32, bytes({ max: 40 }), fc.nat(95), fc.integer({ min: 1, max: 255 }), (seed, message, at, flip) => {
      const key = nativeCrypto.publicKey(seed)
      const signature = nativeCrypto.sign(seed, message)
      const target = at < 64 ? signature : key
      target[at % 64] = (target[at % 64] ?? 0) ^ flip
      assert.is(nativeCrypto.verify(key, message, signature), false)
      assert.is(portableCrypto.verify(key, message, signature), false)
    }),
    { numRuns: 150 },
  )
})

test('for every key that is admitted the two agree on signatures with points of small order', async () => {
  const key = nativeCrypto.publicKey(fill(7))
  for (const r of SMALL_ORDER) {
    for (const s of [0n, 1n, L - 1n]) {
      const signature = concatBytes(r, scalar(s))
      assert.is(nativeCrypto.verify(key, fill(1), signature), portableCrypto.verify(key, fill(1), signature), bytesToHex(r))
    }
  }
})

test('a key of another length seals and opens nothing, whatever key was used before', () => {
  for (const { seal, open } of Object.values(BOTH)) {
    const sealed = seal(fill(1), fill(2, 8), fill(3, 4))
    for (const length of [0, 31, 33]) {
      assert.throws(() => seal(fill(1, length), fill(2, 8), fill(3, 4)))
      let opened: Uint8Array | undefined
      try {
        opened = open(fill(1, length), sealed, fill(3, 4))
      } catch {
        // the native one says more than that it does not open
      }
      assert.is(opened, undefined)
    }
  }
})

test.run()
