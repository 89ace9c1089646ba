import { MAX_NAMESPACE_BYTES } from './constants.ts'

/** 1 to 255 bytes of well-formed UTF-8; what it means is nobody's business here. */
export function isNamespace(namespace: string): boolean {
  const { length } = new TextEncoder().encode(namespace)
  return length >= 1 && length <= MAX_NAMESPACE_BYTES && !/\p{Surrogate}/u.test(namespace)
}
