/** status, peers, connect. */

import { UsageError } from '../../view/explain.ts'
import { formatChecks, formatPeers, formatStatus } from '../../view/format.ts'
import { type Context, withPeer } from '../context.ts'
import { EXIT, ExitError } from '../exit.ts'

export async function status(context: Context): Promise<void> {
  const { io, settings } = context
  const found = await withPeer(context, (client) => client.status())
  if (settings.json === true) return io.json(found)
  for (const line of formatStatus(found)) io.data(line)
}

export async function peers(context: Context): Promise<void> {
  const { io, settings } = context
  const found = await withPeer(context, (client) => client.peers())
  if (settings.json === true) return io.json(found)
  for (const line of formatPeers(found)) io.data(line)
}

export async function connect(context: Context, address: string): Promise<void> {
  if (!address.startsWith('/')) throw new UsageError('connect needs a multiaddr, such as /ip4/192.168.1.5/tcp/4747/p2p/12D3Koo…')
  const { io, settings } = context
  const peer = await withPeer(context, (client) => client.connect({ address }))
  if (settings.json === true) return io.json(peer)
  io.say(`connected to ${peer.peerId}`)
}

/** Errors: `ExitError` 1 where something is wrong. */
export async function doctor(context: Context): Promise<void> {
  const { io, settings } = context
  const { checks } = await withPeer(context, (client) => client.doctor())
  const wrong = checks.filter(({ ok }) => !ok).length
  if (settings.json === true) io.json({ checks })
  else for (const line of formatChecks(checks)) io.data(line)
  if (wrong > 0)
    throw new ExitError(
      EXIT.FAILURE,
      settings.json === true ? '' : `${wrong} of ${checks.length} checks failed: begin with the first`,
    )
}
