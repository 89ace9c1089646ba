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
  const mapped = /^::ffff:(\d+\.\d+\.\d+)\.\d+$/i.exec(address)
  if (mapped !== null) return `${mapped[1]}.0/24`
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  const rest = tail === undefined || tail === '' ? [] : tail.split(':')
  while (groups.length + rest.length < 8) groups.push('0')
  const prefix = [...groups, ...rest].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${prefix.join(':')}::/64`
}
