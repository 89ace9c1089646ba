/** A byte string as the key of a map. Not spread: an object a byte would be more garbage than all else that a write makes. */
export function latin1(bytes: Uint8Array): string {
  return String.fromCharCode.apply(null, bytes as unknown as number[])
}
