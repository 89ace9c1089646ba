/**
 * Every public error class. One class per decision a caller can take; test `error.name`, which survives duplicate copies of
 * the package. Messages are for people and may change; names and codes do not.
 */

/** Base of every error that a caller of p2pnode is expected to handle. `code` is what JSON-RPC carries in `data.code`. */
export class P2PNodeError extends Error {
  override name = 'P2PNodeError'
  readonly code: string = 'FAILED'
}

/** The room is not joined here. */
export class UnknownRoomError extends P2PNodeError {
  override name = 'UnknownRoomError'
  override readonly code = 'ROOM_UNKNOWN'
}

/** Another room already has this local name. */
export class RoomExistsError extends P2PNodeError {
  override name = 'RoomExistsError'
  override readonly code = 'ROOM_EXISTS'
}

/** The same `cid` was used for another text. */
export class CidReusedError extends P2PNodeError {
  override name = 'CidReusedError'
  override readonly code = 'CID_REUSED'
}

/** A text, name or line is over its limit. */
export class TooLargeError extends P2PNodeError {
  override name = 'TooLargeError'
  override readonly code = 'TOO_LARGE'
}

/** As much is kept as may be: something else must be deleted first. */
export class QuotaError extends P2PNodeError {
  override name = 'QuotaError'
  override readonly code = 'QUOTA'
}

/** The passphrase does not open the store. */
export class WrongPassphraseError extends P2PNodeError {
  override name = 'WrongPassphraseError'
  override readonly code = 'PASSPHRASE_WRONG'
}

/** The store has a passphrase and none was given. */
export class LockedError extends P2PNodeError {
  override name = 'LockedError'
  override readonly code = 'LOCKED'
}

/** The store was altered, cut or mixed with another: nothing of it is shown as if it were whole. */
export class DamagedStoreError extends P2PNodeError {
  override name = 'DamagedStoreError'
  override readonly code = 'DAMAGED'
}

/** Another process, or another node of this process, has the store open. */
export class StoreInUseError extends P2PNodeError {
  override name = 'StoreInUseError'
  override readonly code = 'EBUSY'
}

/** A queue is full: nothing was written, and the same call may succeed later. */
export class BusyError extends P2PNodeError {
  override name = 'BusyError'
  override readonly code = 'EBUSY'
}

/** The disk refused: full, read-only, gone. `code` is the system's own (`ENOSPC`, `EIO`, …). */
export class StorageError extends P2PNodeError {
  override name = 'StorageError'
  override readonly code: string
  constructor(message: string, options?: ErrorOptions & { code?: string }) {
    super(message, options)
    this.code = options?.code ?? 'EIO'
  }
}

/** The node, room or store was closed while this was under way, or before. */
export class ClosedError extends P2PNodeError {
  override name = 'ClosedError'
  override readonly code = 'CLOSED'
}

/** No peer answered: nothing could be dialled, or no peer is running here. */
export class UnreachableError extends P2PNodeError {
  override name = 'UnreachableError'
  override readonly code = 'UNREACHABLE'
}

/** Bytes from a peer, a file or a caller that are not what the protocol says they must be. */
export class InvalidEventError extends P2PNodeError {
  override name = 'InvalidEventError'
  override readonly code = 'INVALID'
}

/** An argument a person or program gave is wrong. `field` names it. */
export class InvalidArgumentError extends P2PNodeError {
  override name = 'InvalidArgumentError'
  override readonly code = 'INVALID_ARGUMENT'
  readonly field: string
  constructor(field: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.field = field
  }
}
