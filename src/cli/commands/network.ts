/** status, peers, connect. */
import { type Context, withPeer } from '../context.ts'
import { UsageError } from '../exit.ts'
import { formatPeers, formatStatus } from '../format.ts'

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
