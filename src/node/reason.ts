/** Sayings of the system for people. */
const SAYINGS: Record<string, string> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to that host',
  ENETUNREACH: 'no route to that network',
  ETIMEDOUT: 'no answer',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the host name could not be looked up',
  EADDRINUSE: 'address already in use',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'permission denied',
}

/** The system's own code for what went wrong, also where libp2p left it in the text only. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string' && code in SAYINGS) return code
  return Object.keys(SAYINGS).find((known) => new RegExp(`\\b${known}\\b`).test(error.message))
}

/** Why a dial or a listener failed, in one line for people. */
export function reason(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return [...new Set(error.errors.map(reason))].join('; ')
  const code = systemCode(error)
  if (code !== undefined) return `${SAYINGS[code]} (${code})`
  if (!(error instanceof Error)) return isEvent(error) ? reason(error.error ?? error.message) : String(error)
  if (error.name === 'TimeoutError' || error.name === 'AbortError') return 'no answer in time'
  if (error.name === 'NoValidAddressesError') return 'no address that can be dialled from here'
  if (error.name === 'DialDeniedError') return 'refused here (banned, or not a private address while offline)'
  if (/does not match|Unexpected.*peer|wrong.*id/i.test(error.message)) return 'another peer answers there'
  const [first = ''] = error.message.split('\n')
  // Node's own WebSocket, from Node 22 on, does not say why.
  return first !== '' ? first : error.cause !== undefined ? reason(error.cause) : 'connection failed'
}

/** What a WebSocket fails with is an event, not an error. */
function isEvent(value: unknown): value is { error?: unknown; message?: unknown } {
  return typeof value === 'object' && value !== null && ('error' in value || 'message' in value)
}
