/** Loaded before a program: writes what it reads from each stream, and what it writes, to $RECORD_STREAMS as JSON lines. */
import { appendFileSync } from 'node:fs'
import { AbstractStream } from '@libp2p/utils'

const file = process.env.RECORD_STREAMS
const { onData, send } = AbstractStream.prototype
/** Of the streams so far: their own ids begin anew in each connection. */
const numbers = new WeakMap()
let last = 0

const note = (stream, way, data) => {
  if (!numbers.has(stream)) numbers.set(stream, ++last)
  const line = { stream: numbers.get(stream), way, protocol: stream.protocol ?? '', hex: hexOf(data.subarray()) }
  appendFileSync(file, `${JSON.stringify(line)}\n`)
}

const hexOf = (bytes) => Buffer.from(bytes).toString('hex')

AbstractStream.prototype.onData = function (data) {
  note(this, 'in', data)
  return onData.call(this, data)
}

AbstractStream.prototype.send = function (data) {
  note(this, 'out', data)
  return send.call(this, data)
}
