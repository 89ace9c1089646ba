/**
 * What Node 20 lacks and libp2p needs. The first import of every entry point: libp2p captures these names while it loads.
 *
 * - `Promise.withResolvers` (ES2024, Node 22): it-queue, mortice, yamux and others call it. Without it a connection dies late,
 *   and as a misleading ECONNRESET.
 */
if (typeof Promise.withResolvers !== 'function') {
  Object.defineProperty(Promise, 'withResolvers', {
    configurable: true,
    writable: true,
    value: function withResolvers<T>(this: PromiseConstructor): PromiseWithResolvers<T> {
      let resolve!: (value: T | PromiseLike<T>) => void
      let reject!: (reason?: unknown) => void
      const promise = new this<T>((yes, no) => {
        resolve = yes
        reject = no
      })
      return { promise, resolve, reject }
    },
  })
}
