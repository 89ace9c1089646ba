/** Multiaddrs that people give. */
import { explain, UsageError } from '../view/explain.ts'
import type { Settings } from './options.ts'

/** A wrong address is refused before anything is made or opened. Errors: `UsageError`. */
export async function checkAddresses(
  settings: Settings,
  options: readonly ('listen' | 'announce' | 'connect' | 'relay')[],
): Promise<void> {
  const { multiaddr } = await import('@multiformats/multiaddr')
  for (const option of options) {
    for (const address of settings[option] ?? []) {
      let parts: string[]
      try {
        parts = multiaddr(address)
          .getComponents()
          .map(({ name }) => name)
      } catch (error) {
        throw new UsageError(`--${option} ${address} is no multiaddr: ${explain(error)}`)
      }
      if (!parts.some((name) => name === 'tcp' || name === 'udp' || name === 'p2p'))
        throw new UsageError(`--${option} ${address} names no port and no peer`)
      if (option === 'relay' && !parts.includes('p2p'))
        throw new UsageError(`--relay ${address} names no peer: copy the whole address that p2pnode relay prints, with /p2p/…`)
    }
  }
}
