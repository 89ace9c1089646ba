import type { Multiaddr } from '@multiformats/multiaddr'

/** Who shares these addresses is counted as one: the first 24 bits of an IPv4 address, 64 of an IPv6 address. */
export function networkOf(address: Multiaddr | undefined): string {
  const [host] = address?.getComponents() ?? []
  if (host?.name === 'ip4') return (host.value ?? '').split('.').slice(0, 3).join('.')
  if (host?.name === 'ip6')
    return groupsOf(host.value ?? '')
      .slice(0, 4)
      .join(':')
  return host?.value ?? ''
}

/** RFC 4291, 2.2: all eight groups of what may be written with "::". */
function groupsOf(address: string): string[] {
  const [head = '', tail] = address.toLowerCase().split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const missing = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array.from({ length: Math.max(0, missing) }, () => '0'), ...right].map((group) =>
    group.replace(/^0+(?=.)/, ''),
  )
}
