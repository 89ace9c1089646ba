/** `p2pnode relay`: a relay for others, and what it knows of them. */
import { join } from 'node:path'
import type { RelayProcess, StartRelayInit } from '../../../bootstrap/relay.ts'
import type { RelayStatus } from '../../../bootstrap/status.ts'
import { StoreInUseError, UnreachableError } from '../../errors.ts'
import { UsageError } from '../../view/explain.ts'
import { oneLine } from '../../view/sanitize.ts'
import { checkAddresses } from '../addresses.ts'
import type { Context } from '../context.ts'
import { dataDirExists, makeDataDir } from '../data-dir.ts'
import { EXIT, ExitError } from '../exit.ts'
import { formatRelayStatus } from '../format-relay.ts'
import { componentLogger, createLog } from '../log.ts'
import { storeOwner } from '../runtime.ts'
import { keepToken, storePassphrase } from '../secret.ts'
import { Service } from '../service.ts'
import { keepHeapSmall } from '../small-heap.ts'
import { connectSocket } from '../socket.ts'
import { version } from '../version.ts'

/** A relay is another than the peer that may run here too: it has a place of its own. */
const placeOf = (dataDir: string): string => join(dataDir, 'relay')

export async function relay(context: Context): Promise<void> {
  keepHeapSmall()
  const { settings, io } = context
  await checkAddresses(settings, ['listen', 'announce'])
  const dataDir = placeOf(context.dataDir)
  makeDataDir(context.dataDir)
  makeDataDir(dataDir)
  const log = createLog({ level: settings['log-level'] ?? 'warn', file: settings['log-file'], nameless: true })
  const { startRelay } = await import('../../../bootstrap/relay.ts')
  const process = await storePassphrase(
    context,
    async (passphrase) => {
      try {
        return await startRelay({
          dataDir,
          passphrase,
          listen: settings.listen,
          announce: settings.announce,
          upnp: settings.upnp === true && settings['no-upnp'] !== true,
          version,
          logger: componentLogger(log, 'debug'),
          log,
          metrics: settings.metrics,
          keep: await keptFor(context),
        })
      } catch (error) {
        throw error instanceof StoreInUseError ? await inUse(dataDir) : error
      }
    },
    false,
  )
  const service = new Service({ context, dataDir, client: process, stopping: process.stopping, log, name: 'relay' })
  let reason = 'stop'
  try {
    await service.serve()
    if (settings.json !== true) greet(context, process, settings.keep !== undefined || settings['keep-token-file'] !== undefined)
    reason = await (settings.json === true ? Promise.race([service.closing, service.serveStdio()]) : service.closing)
  } finally {
    await service.stop(reason).finally(() => {
      log.info({ reason }, 'stopped')
      if (settings.json !== true) io.say('stopped')
    })
  }
}

/** Whose messages are kept, if anybody's. Errors: `UsageError`. */
async function keptFor(context: Context): Promise<StartRelayInit['keep']> {
  const { keep } = context.settings
  const token = await keepToken(context)
  if (keep === undefined && token === undefined) return undefined
  const allow = (keep ?? []).filter((each) => each !== 'open')
  for (const each of allow)
    if (!/^([0-9a-f]{32}|12D3KooW[1-9A-HJ-NP-Za-km-z]{44})$/.test(each))
      throw new UsageError(`--keep ${oneLine(each, 80)}: neither a peer id, nor a room's id, nor open`)
  return { allow, token, open: allow.length < (keep ?? []).length }
}

async function inUse(dataDir: string): Promise<ExitError> {
  const pid = await storeOwner(dataDir)
  return new ExitError(
    EXIT.IN_USE,
    `p2pnode relay is already running here${pid === undefined ? '' : ` (pid ${pid})`}. For a second one: p2pnode relay --data-dir ./other --listen /ip4/0.0.0.0/tcp/0`,
  )
}

function greet({ io }: Context, process: RelayProcess, keeps: boolean): void {
  const { metricsPort, reach } = process
  const addresses = process.addresses()
  io.say(
    `p2pnode ${version}: a relay; it can read nothing, and stores ${keeps ? 'what it keeps for others as it came: sealed' : 'nothing'}`,
  )
  for (const address of addresses) io.say(`listening on ${address}`)
  if (reach === 'machine') io.say('only this machine can reach it: give --listen, or --announce <multiaddr>')
  else io.say(`people use it with: p2pnode start <room> --relay ${addresses[0]}`)
  if (reach === 'network')
    io.say('only this network can reach it there: for others give --announce <multiaddr>, or --upnp where the router maps ports')
  if (metricsPort !== undefined) io.say(`figures for you alone: http://127.0.0.1:${metricsPort}/metrics`)
}

export async function relayStatus(context: Context): Promise<void> {
  const { io, settings } = context
  const dataDir = placeOf(context.dataDir)
  const client = dataDirExists(dataDir) ? await connectSocket(dataDir) : undefined
  if (client === undefined) throw new UnreachableError('no relay is running here: start one with p2pnode relay')
  try {
    const status = (await client.status()) as unknown as RelayStatus
    if (settings.json === true) return io.json(status)
    for (const line of formatRelayStatus(status)) io.data(line)
  } finally {
    await client.close()
  }
}
