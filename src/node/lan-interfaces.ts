import { BlockList } from 'node:net'
import { networkInterfaces } from 'node:os'

/** An interface that IPv4 multicast can be sent on. */
export interface LanInterface {
  name: string
  /** Its first IPv4 address: what names it to the system, and what its packets come from. */
  address: string
  /** All its addresses but link-local ones, IPv4 and IPv6. */
  addresses: Set<string>
  /** Whether an IPv4 address is on this link. */
  contains(address: string): boolean
}

/** Loopback included: two peers on a machine without a network find each other there. */
export function lanInterfaces(): LanInterface[] {
  const found: LanInterface[] = []
  for (const [name, entries = []] of Object.entries(networkInterfaces())) {
    const four = entries.filter(({ family }) => family === 'IPv4')
    const [first] = four
    if (first === undefined) continue
    const subnets = new BlockList()
    for (const { address, cidr } of four) {
      const prefix = Number(cidr?.split('/')[1])
      if (Number.isInteger(prefix)) subnets.addSubnet(address, prefix, 'ipv4')
    }
    const addresses = new Set(entries.map(({ address }) => address).filter((address) => !/^fe[89ab]/i.test(address)))
    found.push({ name, address: first.address, addresses, contains: (address) => subnets.check(address, 'ipv4') })
  }
  return found
}
