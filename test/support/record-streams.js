/** Loaded before a program: writes what it reads from each stream, and what it writes, to $RECORD_STREAMS as JSON lines. */
import { appendFileSync } from 'node:fs'
import { AbstractStream } from '@libp2p/utils'

const file = process.env.RECORD_STREAMS
const { onData, send } = AbstractStream.prototype

const note = (stream, way, data) => {
  const bytes = data.subarray()
  appendFileSync(file, `${JSON.stringify({ way, protocol: stream.protocol ?? '', hex: Buffer.from(bytes).toString('hex') })}\n`)
}

AbstractStream.prototype.onData = function (data) {
  note(this, 'in', data)
  return onData.call(this, data)
}

AbstractStream.prototype.send = function (data) {
  note(this, 'out', data)
  return send.call(this, data)
}
