import '../../src/shims.ts'
import type { TransportManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listenEverywhere } from '../../src/node/listen.ts'

const test = suite('node/listen')

const PORTS = ['/tcp/4747', '/tcp/4748/ws']

/** A machine whose `listen` fails with what `failures` has for the beginning of an address. */
function machine(failures: Record<string, string>): { manager: TransportManager; open: string[] } {
  const open: string[] = []
  const manager: Pick<TransportManager, 'listen' | 'listenTransportForMultiaddr'> = {
    listenTransportForMultiaddr: () => ({}) as ReturnType<TransportManager['listenTransportForMultiaddr']>,
    async listen([address]: Multiaddr[]) {
      const text = String(address)
      const failure = Object.entries(failures).find(([start]) => text.startsWith(start))?.[1]
      if (failure !== undefined) throw Object.assign(new Error(`listen ${failure}`), { code: failure })
      open.push(text)
    },
  }
  return { manager: manager as TransportManager, open }
}

async function refusal(failures: Record<string, string>): Promise<string> {
  try {
    await listenEverywhere(machine(failures).manager, PORTS)
  } catch (error) {
    assert.is((error as Error).name, 'InvalidArgumentError')
    return (error as Error).message
  }
  return 'listens'
}

test('listens on both families, and on the one that the machine has', async () => {
  const four = ['/ip4/0.0.0.0/tcp/4747', '/ip4/0.0.0.0/tcp/4748/ws']
  const six = ['/ip6/::/tcp/4747', '/ip6/::/tcp/4748/ws']
  for (const [failures, expected] of [
    [{}, [four[0], six[0], four[1], six[1]]],
    [{ '/ip6': 'EAFNOSUPPORT' }, four],
    [{ '/ip6': 'EADDRNOTAVAIL' }, four],
    [{ '/ip4': 'EAFNOSUPPORT' }, six],
  ] as const) {
    const { manager, open } = machine(failures)
    await listenEverywhere(manager, PORTS)
    assert.equal(open, expected)
  }
})

test('a port that is taken is a refusal, also where the other family has it free', async () => {
  const taken = 'cannot listen on /ip4/0.0.0.0/tcp/4748/ws: address already in use (EADDRINUSE)'
  assert.is(await refusal({ '/ip4/0.0.0.0/tcp/4748': 'EADDRINUSE' }), taken)
  assert.is(await refusal({ '/ip4/0.0.0.0/tcp/4748': 'EADDRINUSE', '/ip6': 'EAFNOSUPPORT' }), taken)
  assert.match(await refusal({ '/ip4': 'EACCES' }), /permission denied \(EACCES\)$/)
})

test('a machine with neither family cannot listen', async () => {
  const message = await refusal({ '/ip4': 'EAFNOSUPPORT', '/ip6': 'EAFNOSUPPORT' })
  assert.match(message, /^cannot listen on \/ip4\/0\.0\.0\.0\/tcp\/4747: /)
})

test.run()
