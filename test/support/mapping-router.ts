import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NatLab } from './nat-lab.ts'
import { waitFor } from './wait-for.ts'

/** What miniupnpd changes, and where it is passed on to. */
const CHAINS = `table inet filter {
  chain forward { type filter hook forward priority 0; policy accept; jump miniupnpd; }
  chain miniupnpd { }
  chain prerouting { type nat hook prerouting priority -100; policy accept; jump prerouting_miniupnpd; }
  chain prerouting_miniupnpd { }
  chain postrouting { type nat hook postrouting priority 100; policy accept; jump postrouting_miniupnpd; }
  chain postrouting_miniupnpd { }
}`

/** Why no router can be had here that maps ports; undefined if one can. */
export function whyNoMappingRouter(): string | undefined {
  const missing = (['miniupnpd', 'nft'] as const).find((program) => spawnSync(program, ['--version']).error !== undefined)
  return missing === undefined ? undefined : `routers need ${missing} (packages miniupnpd-nftables and nftables)`
}

/** Makes the router of a home one that maps ports, as most people have one: miniupnpd, which many of them run. */
export class MappingRouter {
  readonly #inside: string[]

  private constructor(name: string) {
    this.#inside = ['netns', 'exec', name]
  }

  /** Resolves when it can be asked. */
  static async start(lab: NatLab, home: number, speaks: 'NAT-PMP' | 'UPnP'): Promise<MappingRouter> {
    const { name, directory } = lab.routers[home] ?? { name: '', directory: '' }
    const router = new MappingRouter(name)
    router.#start(directory, speaks)
    const port = (speaks === 'UPnP' ? 1900 : 5351).toString(16).toUpperCase().padStart(4, '0')
    await waitFor(() => router.#run('cat /proc/net/udp').includes(`:${port} `), 'the router')
    return router
  }

  #start(directory: string, speaks: 'NAT-PMP' | 'UPnP'): void {
    this.#run('nft', CHAINS)
    // What was mapped is let in.
    this.#run('iptables -I FORWARD -i out -m conntrack --ctstate DNAT -j ACCEPT')
    // Counts what routers are asked, before anything is done with it.
    this.#run('iptables -t raw -A PREROUTING -i in -p udp -m multiport --dports 1900,5351')
    const file = join(directory, 'miniupnpd.conf')
    const [pmp, upnp] = speaks === 'UPnP' ? ['no', 'yes'] : ['yes', 'no']
    writeFileSync(
      file,
      `ext_ifname=out\nlistening_ip=in\nenable_natpmp=${pmp}\nenable_upnp=${upnp}\nsecure_mode=yes\n` +
        'uuid=2f402f80-da50-4321-9b23-2131298129aa\n',
    )
    const command = [...this.#inside, 'miniupnpd', '-d', '-f', file, '-P', join(directory, 'miniupnpd.pid')]
    spawn('ip', command, { stdio: 'ignore', detached: true }).unref() // it ends with its namespace
  }

  /** The rules by which ports are passed on. */
  rules(): string[] {
    const chain = this.#run('nft list chain inet filter prerouting_miniupnpd')
    return chain.split('\n').filter((line) => line.includes('dnat'))
  }

  /** Datagrams with which it, or any router, was asked for a port. */
  asked(): number {
    return Number(/^\s*(\d+)/m.exec(this.#run('iptables -t raw -L PREROUTING -v -n -x').split('\n').slice(2).join('\n'))?.[1])
  }

  #run(line: string, input?: string): string {
    const words = input === undefined ? line.split(' ') : [line, '-f', '-']
    return execFileSync('ip', [...this.#inside, ...words], { encoding: 'utf8', ...(input === undefined ? {} : { input }) })
  }
}
