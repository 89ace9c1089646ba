import { execFileSync, spawnSync } from 'node:child_process'
import { type Namespace, Namespaces, whyNoNamespaces } from './namespaces.ts'

/** libp2p takes addresses of private and documentation networks for private ones: these are routed nowhere from here. */
const OUTSIDE = '5.5.0'

/** Why there can be no NATs here; undefined if there can. */
export function whyNoNats(): string | undefined {
  const missing = whyNoNamespaces()
  if (missing !== undefined) return missing
  return spawnSync('iptables', ['--version']).error === undefined ? undefined : 'NATs need iptables'
}

export interface NatLabInit {
  /** Private networks, each behind a NAT of its own. @default 2 */
  homes?: number
  /** Another port for each destination: nobody outside can guess it. @default false */
  symmetric?: boolean
}

/**
 * A public host, and private networks behind NATs that let in only what answers. What is not an answer is dropped, as most
 * routers do.
 */
export class NatLab {
  /** 5.5.0.1, reachable by all. */
  readonly outside: Namespace
  /** 192.168.1.10, 192.168.2.10 … */
  readonly homes: Namespace[]
  /** Each home's NAT: the name of its namespace, and a directory that is removed with the home. Inside is `in`, outside `out`. */
  readonly routers: { name: string; directory: string }[]
  readonly #spaces: Namespaces

  private constructor(spaces: Namespaces, outside: Namespace, homes: Namespace[], routers: NatLab['routers']) {
    this.#spaces = spaces
    this.outside = outside
    this.homes = homes
    this.routers = routers
  }

  static create({ homes = 2, symmetric = false }: NatLabInit = {}): NatLab {
    const spaces = new Namespaces()
    const hub = spaces.hide('hub')
    run(`ip -n ${hub} link add hub type bridge mcast_snooping 0`)
    run(`ip -n ${hub} link set hub up`)
    const attach = (name: string, port: string, address: string): void => {
      run(`ip link add out netns ${name} type veth peer name ${port} netns ${hub}`)
      run(`ip -n ${hub} link set ${port} master hub up`)
      run(`ip -n ${name} addr add ${address}/24 dev out`)
      run(`ip -n ${name} link set out up`)
    }
    const outside = spaces.add(`${OUTSIDE}.1`)
    attach(outside.name, 'public', outside.address)
    const routers: NatLab['routers'] = []
    const inside = Array.from({ length: homes }, (_, i): Namespace => {
      const home = spaces.add(`192.168.${i + 1}.10`)
      const nat = spaces.hide(`nat${i}`)
      routers.push({ name: nat, directory: home.home })
      attach(nat, `nat${i}`, `${OUTSIDE}.${11 + i}`)
      run(`ip link add in netns ${nat} type veth peer name lan netns ${home.name}`)
      run(`ip -n ${nat} addr add 192.168.${i + 1}.1/24 dev in`)
      run(`ip -n ${nat} link set in up`)
      run(`ip -n ${home.name} addr add ${home.address}/24 dev lan`)
      run(`ip -n ${home.name} link set lan up`)
      run(`ip -n ${home.name} route add default via 192.168.${i + 1}.1`)
      const within = `ip netns exec ${nat}`
      run(`${within} sysctl -qw net.ipv4.ip_forward=1`)
      run(`${within} iptables -t nat -A POSTROUTING -o out -j MASQUERADE${symmetric ? ' --random-fully' : ''}`)
      for (const chain of ['FORWARD', 'INPUT']) {
        run(`${within} iptables -A ${chain} -i out -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`)
        run(`${within} iptables -A ${chain} -i out -j DROP`)
      }
      return home
    })
    return new NatLab(spaces, outside, inside, routers)
  }

  destroy(): void {
    this.#spaces.destroy()
  }
}

function run(line: string): void {
  const [program = '', ...words] = line.split(' ')
  execFileSync(program, words, { stdio: ['ignore', 'ignore', 'inherit'] })
}
