/** What counts as one network: who has one address there, has many. */

/** What is looked at of a multiaddr. */
export interface Address {
  getComponents(): { name: string; value?: string }[]
}

/** The /24 or /64 that an address lies in; one name for all that come through relays, and one for those without an IP address. */
export function networkOf(address: Address): string {
  const components = address.getComponents()
  if (components.some(({ name }) => name === 'p2p-circuit')) return 'relayed'
  for (const { name, value = '' } of components) {
    if (name === 'ip4') return `${value.split('.').slice(0, 3).join('.')}.0/24`
    if (name === 'ip6') return networkOf6(value)
  }
  return 'other'
}

function networkOf6(address: string): string {
  const [head = '', tail = ''] = address.split('::')
  const [before, after] = [groupsOf(head), groupsOf(tail)]
  const groups = [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after]
  const [high = 0, low = 0] = groups.slice(6)
  // An IPv4 address written as one of IPv6.
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff)
    return `${high >> 8}.${high & 255}.${low >> 8}.0/24`
  const prefix = groups.slice(0, 4).map((group) => group.toString(16))
  return `${prefix.join(':')}::/64`
}

const groupsOf = (part: string): number[] => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
