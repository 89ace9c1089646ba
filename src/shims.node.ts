/**
 * The WebSocket that Node 20 lacks (Node 22 has its own): `@libp2p/websockets` dials with `globalThis.WebSocket`. The first
 * import of every Node entry point; never part of a browser bundle. `ws` itself is loaded by `@libp2p/websockets` in any case.
 */
import './shims.ts'
import { WebSocket } from 'ws'

/** Not a code an application may send (RFC 6455, 7.4.1), yet what libp2p closes an aborted connection with. */
const ABNORMAL_CLOSURE = 1006

class DialingWebSocket extends WebSocket {
  constructor(address: string | URL, protocols?: string | string[]) {
    super(address, protocols)
    // A refused dial is closed while it connects, which emits 'error' once more when nobody listens: that would end the process.
    this.on('error', () => undefined)
  }

  override close(code?: number, reason?: string | Uint8Array): void {
    if (code === ABNORMAL_CLOSURE) this.terminate()
    else super.close(code, reason === undefined || typeof reason === 'string' ? reason : Buffer.from(reason))
  }
}

if (typeof globalThis.WebSocket === 'undefined') {
  Object.defineProperty(globalThis, 'WebSocket', { configurable: true, writable: true, value: DialingWebSocket })
}
